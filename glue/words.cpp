#include "glue/words.hpp"

#include "cheops/names.hpp"
#include "cheops/site/name.hpp"

#include <algorithm>
#include <iterator>

namespace cheops::glue {

using application::verb;

std::string read_name(const yaml::node& x) {
  constexpr std::size_t name_bytes_max = 253;
  auto name = x.as<std::string>();
  if (!x.is_text())
    return name;
  auto edge = [](char c) { return c == ' ' || c == '\t'; };
  if (name.empty() || name == "*" || name.size() > name_bytes_max
      || edge(name.front()) || edge(name.back())
      || name.find_first_of("\n\t") != std::string::npos)
    x.expected("a name (one line, at most 253 bytes, not \"*\")");
  return name;
}

std::string read_site_name(const yaml::node& x) {
  auto name = x.as<std::string>();
  if (x.is_text() && !site::is_name(name))
    x.expected(site::name_rule);
  return name;
}

verb read_verb(const yaml::node& x) {
  return x.as<verb>({{"create", verb::create},
                     {"read", verb::read},
                     {"list", verb::list},
                     {"update", verb::update},
                     {"remove", verb::remove},
                     {"other", verb::other}});
}

std::vector<yaml::node> one_or_many(const yaml::node& x) {
  if (x.is_text())
    return {x};
  return x.each();
}

void fail_unknown(const yaml::node& at, std::string_view what,
                  std::string_view name,
                  const std::vector<std::string>& known) {
  constexpr std::size_t listed_max = 10;
  auto text = "unknown " + std::string{what} + " \"" + std::string{name} + "\"";
  auto near = name.size() > 64 ? "" : nearest_name(name, known);
  if (!near.empty()) {
    text += "; did you mean \"" + near + "\"?";
  } else if (!known.empty()) {
    text += "; there ";
    text += known.size() == 1 ? "is " : "are ";
    for (std::size_t i = 0; i < std::min(known.size(), listed_max); ++i)
      text += (i == 0 ? "" : ", ") + known[i];
    if (known.size() > listed_max)
      text += ", …";
  }
  at.fail(text);
}

const application::service* read_service(const yaml::node& x,
                                         const application::description& app) {
  auto name = x.as<std::string>();
  if (!x.is_text())
    return nullptr;
  if (const auto* found = app.find(name))
    return found;
  std::vector<std::string> known;
  for (const auto& service : app.services) {
    known.push_back(service.name.value);
    std::ranges::copy(service.aliases, std::back_inserter(known));
  }
  fail_unknown(x, "service", name, known);
  return nullptr;
}

} // namespace cheops::glue
