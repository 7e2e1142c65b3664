#include "glue/connector_answer.hpp"

#include <boost/json.hpp>

#include <optional>
#include <vector>

namespace cheops::glue {

namespace {

namespace json = boost::json;

constexpr unsigned not_found = 404;
constexpr unsigned gone = 410;

std::optional<json::value> parsed(std::string_view text) {
  json::error_code bad;
  auto x = json::parse(json::string_view{text.data(), text.size()}, bad);
  return bad ? std::nullopt : std::optional{std::move(x)};
}

std::string text_of(const json::value& x) {
  if (x.is_string())
    return std::string{x.get_string()};
  if (x.is_int64() || x.is_uint64())
    return json::serialize(x);
  return {};
}

std::string text_at(const json::value& x, const std::string& pointer) {
  json::error_code bad;
  const auto* at = x.find_pointer(pointer, bad);
  return at == nullptr || bad ? std::string{} : text_of(*at);
}

bool contains(const json::value& x, const json::value& wanted) {
  if (!wanted.is_object())
    return x == wanted;
  if (!x.is_object())
    return false;
  for (const auto& [name, value] : wanted.get_object()) {
    const auto* here = x.get_object().if_contains(name);
    if (here == nullptr || !contains(*here, value))
      return false;
  }
  return true;
}

std::string last_part(const std::string& pointer) {
  auto at = pointer.rfind('/');
  return at == std::string::npos ? pointer : pointer.substr(at);
}

/// The list in an answer: itself, or the first member that is one.
const json::array* list_in(const json::value& x) {
  if (x.is_array())
    return &x.get_array();
  if (!x.is_object())
    return nullptr;
  for (const auto& [name, value] : x.get_object())
    if (value.is_array())
      return &value.get_array();
  return nullptr;
}

} // namespace

std::string local_id_in(std::string_view body, const std::string& id_pointer,
                        std::string_view location) {
  if (auto x = parsed(body))
    if (auto id = text_at(*x, id_pointer); !id.empty())
      return id;
  auto end = location.find_first_of("?#");
  location = location.substr(0, end);
  while (location.ends_with('/'))
    location.remove_suffix(1);
  auto at = location.rfind('/');
  return at == std::string_view::npos ? std::string{}
                                      : std::string{location.substr(at + 1)};
}

replicant::probed judge_probe(unsigned status, std::string_view body,
                              const probe_rule& rule) {
  using enum replicant::finding;
  replicant::probed out;
  out.status = static_cast<std::uint16_t>(status);
  if (status == not_found || status == gone) {
    out.what = absent;
    return out;
  }
  auto x = parsed(body);
  auto wanted = rule.wanted.empty() ? std::optional<json::value>{json::object{}}
                                    : parsed(rule.wanted);
  if (status < 200 || status > 299 || !x || !wanted)
    return out;
  auto own = text_at(*x, rule.id_pointer);
  if (!own.empty() || list_in(*x) == nullptr) {
    out.what = contains(*x, *wanted) ? found : absent;
    out.local_id = out.what == found ? own : std::string{};
    return out;
  }
  out.what = absent;
  for (const auto& each : *list_in(*x)) {
    if (!contains(each, *wanted))
      continue;
    if (out.what == found) {
      out.what = nothing; // Which of them? A person must say.
      out.local_id.clear();
      return out;
    }
    out.what = found;
    out.local_id = text_at(each, rule.id_pointer);
    if (out.local_id.empty())
      out.local_id = text_at(each, last_part(rule.id_pointer));
  }
  return out;
}

} // namespace cheops::glue
