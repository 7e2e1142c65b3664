#include "tools/scenario/read_values.hpp"

#include "cheops/names.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <regex>

namespace cheops::scenario {

namespace json = boost::json;

namespace {

json::value scalar(const std::string& text) {
  if (text == "~")
    return nullptr;
  boost::system::error_code failed;
  auto x = json::parse(text, failed);
  if (failed || x.is_structured() || x.is_string())
    return json::value(text);
  return x;
}

/// A method: a token of upper case letters.
std::string read_method(const yaml::node& x) {
  auto out = x.as<std::string>();
  if (out.empty()
      || out.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ-")
           != std::string::npos)
    x.expected("an HTTP method in capitals, such as GET");
  return out;
}

std::string read_path(const yaml::node& x) {
  auto out = x.as<std::string>();
  if (out.empty() || (out[0] != '/' && out[0] != '$'))
    x.expected("a path that begins with \"/\"");
  return out;
}

std::string read_name(const yaml::node& x, const std::vector<std::string>& all,
                      const std::string& kind) {
  auto text = x.as<std::string>();
  if (all.empty() || text.find("${") != std::string::npos)
    return text;
  for (const auto& name : all)
    if (same_name(name, text))
      return name;
  auto near = nearest_name(text, all);
  x.fail("no " + kind + " \"" + text + "\" in this file"
         + (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
  return text;
}

std::vector<call_spec> read_calls(const yaml::node& x, const names& known) {
  std::vector<call_spec> out;
  if (!known.journal)
    x.fail("only an application with a \"journal\" can prove calls");
  for (const auto& item : x.each()) {
    call_spec call;
    if (auto site = item.optional("site"))
      call.site = read_site(site, known);
    if (auto service = item.optional("service"))
      call.service = read_service(service, known);
    if (auto method = item.optional("method"))
      call.method = read_method(method);
    if (auto path = item.optional("path"))
      call.path = read_path(path);
    out.push_back(std::move(call));
  }
  return out;
}

std::vector<unsigned> read_status(const yaml::node& x) {
  std::vector<unsigned> out;
  if (x.is_list())
    for (const auto& item : x.each())
      out.push_back(item.as<unsigned>(100, 599));
  else if (x)
    out.push_back(x.as<unsigned>(100, 599));
  return out;
}

} // namespace

json::value read_json(const yaml::node& x) {
  if (x.is_map()) {
    json::object out;
    for (const auto& [key, value] : x.entries())
      out[key] = read_json(value);
    return out;
  }
  if (x.is_list()) {
    json::array out;
    for (const auto& item : x.each())
      out.push_back(read_json(item));
    return out;
  }
  if (!x)
    return nullptr;
  return scalar(x.as<std::string>());
}

std::vector<std::string> read_texts(const yaml::node& x) {
  std::vector<std::string> out;
  if (x.is_list())
    for (const auto& item : x.each())
      out.push_back(item.as<std::string>());
  else if (x)
    out.push_back(x.as<std::string>());
  return out;
}

std::string read_site(const yaml::node& x, const names& known) {
  return read_name(x, known.sites, "site");
}

std::string read_service(const yaml::node& x, const names& known) {
  return read_name(x, known.services, "service");
}

matcher read_matcher(const yaml::node& x) {
  using how = matcher::how;
  if (!x.is_map())
    return {how::equals, read_json(x)};
  auto all = x.entries();
  static constexpr std::pair<std::string_view, how> words[] = {
    {"contains", how::contains}, {"excludes", how::excludes},
    {"matches", how::matches},   {"at_least", how::at_least},
    {"at_most", how::at_most},   {"exists", how::exists},
    {"equals", how::equals}};
  auto found =
    std::find_if(std::begin(words), std::end(words), [&](const auto& w) {
      return all.size() == 1 && w.first == all[0].first;
    });
  if (found == std::end(words)) {
    x.expected(
      "a value, or one of contains, excludes, matches, at_least, at_most, "
      "exists, equals");
    return {};
  }
  matcher out{found->second, read_json(all[0].second)};
  if (out.kind == how::exists) {
    if (!all[0].second.as<bool>())
      out.kind = how::absent;
    out.value = nullptr;
  }
  if (out.kind == how::matches) {
    try {
      std::regex compiled(all[0].second.as<std::string>());
    } catch (const std::regex_error& why) {
      all[0].second.fail(std::string{"not a regular expression: "}
                         + why.what());
    }
  }
  return out;
}

std::vector<std::pair<std::string, matcher>> read_matchers(const yaml::node& x,
                                                           bool pointers) {
  std::vector<std::pair<std::string, matcher>> out;
  for (const auto& [key, value] : x.entries()) {
    if (pointers && !key.empty() && key[0] != '/')
      value.fail("expected a JSON Pointer such as \"/id\" as the key, found \""
                 + key + '"');
    out.emplace_back(key, read_matcher(value));
  }
  return out;
}

request_spec read_request(const yaml::node& x, const names& known) {
  request_spec out;
  out.site = read_site(x.at("site"), known);
  out.service = read_service(x.at("service"), known);
  if (auto method = x.optional("method"))
    out.method = read_method(method);
  if (auto path = x.optional("path"))
    out.path = read_path(path);
  x.read("scope", out.scope);
  if (auto carry = x.optional("carry"))
    out.carry = carry.as<carrier>({{"header", carrier::header},
                                   {"prefix", carrier::prefix},
                                   {"baggage", carrier::baggage}});
  for (const auto& [name, value] : x.optional("headers").entries())
    out.headers.emplace_back(name, value.as<std::string>());
  if (auto body = x.optional("body")) {
    if (body.is_text())
      out.body = body.as<std::string>();
    else
      out.json = read_json(body);
  }
  if (auto upload = x.optional("upload"))
    out.upload_bytes = upload.as<yaml::bytes>().count;
  x.read("discard_body", out.discard_body);
  x.read("past_the_node", out.bypass);
  x.read("timeout", out.timeout, milliseconds{1}, milliseconds{3'600'000});
  return out;
}

expectation read_expectation(const yaml::node& x, const names& known) {
  expectation out;
  if (!x)
    return out;
  out.status = read_status(x.optional("status"));
  x.read("no_answer", out.no_answer);
  if (auto body = x.optional("body"))
    out.body = read_matchers(body, true);
  if (auto headers = x.optional("headers"))
    out.headers = read_matchers(headers, false);
  if (auto failure = x.optional("error")) {
    failure.read("code", out.error_code);
    if (auto site = failure.optional("site"))
      out.error_site = read_site(site, known);
    if (!out.error_code.empty() && from_slug(out.error_code) == errc::none)
      failure.optional("code").expected(
        "the code of an error of Cheops, such as unreachable");
  }
  if (auto within = x.optional("within"))
    out.within = within.as<milliseconds>();
  if (auto calls = x.optional("calls"))
    out.calls = read_calls(calls, known);
  if (auto calls = x.optional("no_calls"))
    out.no_calls = read_calls(calls, known);
  x.read("checksum_of_upload", out.checksum_of_upload);
  x.read("checksum", out.checksum);
  if (auto bytes = x.optional("body_bytes"))
    out.body_bytes = bytes.as<yaml::bytes>().count;
  if (auto bytes = x.optional("memory_growth_at_most"))
    out.memory_growth_at_most = bytes.as<yaml::bytes>().count;
  return out;
}

captures read_captures(const yaml::node& x) {
  captures out;
  for (const auto& [name, from] : x.entries()) {
    auto text = from.as<std::string>();
    if (text.rfind("header ", 0) != 0 && text.rfind('/', 0) != 0
        && text != "checksum")
      from.expected("a JSON Pointer such as \"/id\", \"header NAME\" or "
                    "checksum");
    out.emplace_back(name, std::move(text));
  }
  return out;
}

} // namespace cheops::scenario
