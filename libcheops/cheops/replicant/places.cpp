#include "cheops/replicant/places.hpp"

#include "cheops/names.hpp"

#include <boost/json.hpp>

#include <charconv>

namespace cheops::replicant {

namespace json = boost::json;

namespace {

constexpr std::size_t json_depth_max = 64;

using visitor = std::function<void(const std::string&, const json::value&)>;

/// `done`: the pointer so far, to `in`; `rest`: what is still to go.
void descend(const json::value& in, const std::string& done,
             std::string_view rest, const visitor& f) {
  if (rest.empty()) {
    f(done, in);
    return;
  }
  auto token = rest.substr(1, rest.find('/', 1) - 1);
  auto behind = rest.substr(1 + token.size());
  if (token == "*") {
    if (const auto* list = in.if_array())
      for (std::size_t i = 0; i < list->size(); ++i)
        descend((*list)[i], done + '/' + std::to_string(i), behind, f);
    return;
  }
  std::string step{'/'};
  step += token;
  if (const auto* next = at_pointer(in, step))
    descend(*next, done + step, behind, f);
}

} // namespace

std::optional<json::value> as_json(std::string_view body,
                                   std::string_view content_type,
                                   std::string_view content_encoding) {
  auto plain =
    content_encoding.empty() || same_name(content_encoding, "identity");
  auto type = fold_case(content_type.substr(0, content_type.find(';')));
  if (body.empty() || !plain
      || (!type.empty() && type.find("json") == std::string::npos))
    return std::nullopt;
  boost::system::error_code bad;
  json::parse_options with;
  with.max_depth = json_depth_max;
  auto out = json::parse(body, bad, {}, with);
  if (bad)
    return std::nullopt;
  return out;
}

const json::value* at_pointer(const json::value& in, std::string_view pointer) {
  boost::system::error_code none;
  return in.find_pointer(pointer, none);
}

void each_place(const json::value& in, std::string_view pointer,
                const visitor& f) {
  descend(in, {}, pointer, f);
}

std::optional<std::string> id_text(const json::value& x) {
  if (const auto* text = x.if_string())
    return std::string{*text};
  if (x.is_int64() || x.is_uint64())
    return json::serialize(x);
  return std::nullopt;
}

} // namespace cheops::replicant
