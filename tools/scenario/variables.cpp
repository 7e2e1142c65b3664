#include "tools/scenario/variables.hpp"

#include "cheops/names.hpp"

#include <boost/json.hpp>

#include <vector>

namespace cheops::scenario {

namespace {

error unknown(std::string_view name, const variables& known) {
  std::vector<std::string> names;
  for (const auto& [key, value] : known)
    names.push_back(key);
  auto near = nearest_name(name, names);
  error x;
  x.code = errc::bad_config;
  x.step = "expand variables";
  x.what = "nothing has set the variable \"" + std::string{name} + '"';
  if (!near.empty())
    x.hint = "did you mean \"" + near + "\"?";
  return x;
}

} // namespace

result<std::string> expand(std::string_view text, const variables& known) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    auto dollar = text.find("${", at);
    if (dollar == std::string_view::npos)
      return out.append(text.substr(at));
    if (dollar > at && text[dollar - 1] == '$') {
      out.append(text.substr(at, dollar - 1 - at)).append("${");
      at = dollar + 2;
      continue;
    }
    out.append(text.substr(at, dollar - at));
    auto end = text.find('}', dollar);
    if (end == std::string_view::npos)
      return error{errc::bad_config, "a \"${\" without its \"}\"", "",
                   "expand variables", "write \"$${\" for the text \"${\""};
    auto name = text.substr(dollar + 2, end - dollar - 2);
    auto found = known.find(name);
    if (found == known.end())
      return unknown(name, known);
    out.append(found->second);
    at = end + 1;
  }
  return out;
}

result<boost::json::value> expand_all(const boost::json::value& x,
                                      const variables& known) {
  namespace json = boost::json;
  if (const auto* text = x.if_string()) {
    auto out = expand(std::string_view{text->data(), text->size()}, known);
    if (!out)
      return out.error();
    return json::value(*out);
  }
  if (const auto* list = x.if_array()) {
    json::array out;
    for (const auto& item : *list) {
      auto value = expand_all(item, known);
      if (!value)
        return value.error();
      out.push_back(*std::move(value));
    }
    return json::value(std::move(out));
  }
  if (const auto* members = x.if_object()) {
    json::object out;
    for (const auto& member : *members) {
      auto name = expand(std::string_view{member.key()}, known);
      if (!name)
        return name.error();
      auto value = expand_all(member.value(), known);
      if (!value)
        return value.error();
      out[*name] = *std::move(value);
    }
    return json::value(std::move(out));
  }
  return x;
}

} // namespace cheops::scenario
