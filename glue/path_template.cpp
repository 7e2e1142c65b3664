#include "glue/read_description.hpp"

#include <algorithm>
#include <vector>

namespace cheops::glue {

namespace {

bool is_word(std::string_view x) {
  return !x.empty()
         && x.find_first_not_of("abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
              == std::string_view::npos;
}

std::string segment_fault(std::string_view x,
                          std::vector<std::string_view>& parameters) {
  if (x.empty())
    return "has an empty segment";
  if (x == "." || x == "..")
    return "has a dot segment";
  if (x.find_first_of("{}") == std::string_view::npos)
    return "";
  if (x.front() != '{' || x.back() != '}'
      || !is_word(x.substr(1, x.size() - 2)))
    return "has \"" + std::string{x}
           + "\"; a parameter is a whole segment such as {id}";
  auto name = x.substr(1, x.size() - 2);
  if (std::ranges::find(parameters, name) != parameters.end())
    return "has {" + std::string{name} + "} twice";
  parameters.push_back(name);
  return "";
}

} // namespace

std::string template_fault(std::string_view x) {
  if (!x.starts_with('/'))
    return "does not begin with \"/\"";
  if (x.find_first_of("?#%") != std::string_view::npos)
    return "has one of ? # % (write paths decoded and without a query)";
  if (x == "/")
    return "";
  std::vector<std::string_view> parameters;
  std::size_t segments = 0;
  for (auto rest = x; !rest.empty(); ++segments) {
    rest.remove_prefix(1);
    auto segment = rest.substr(0, rest.find('/'));
    rest.remove_prefix(segment.size());
    if (auto fault = segment_fault(segment, parameters); !fault.empty())
      return fault;
  }
  if (segments > application::template_segments_max)
    return "has more than " + std::to_string(application::template_segments_max)
           + " segments";
  return "";
}

std::string pointer_fault(std::string_view x) {
  if (!x.empty() && x.front() != '/')
    return "does not begin with \"/\"";
  for (std::size_t i = 0; i < x.size(); ++i)
    if (x[i] == '~'
        && (i + 1 == x.size() || (x[i + 1] != '0' && x[i + 1] != '1')))
      return "has a \"~\" that is neither \"~0\" nor \"~1\"";
  return "";
}

} // namespace cheops::glue
