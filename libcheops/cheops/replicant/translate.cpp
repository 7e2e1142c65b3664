#include "cheops/replicant/translate.hpp"

#include "cheops/percent.hpp"
#include "cheops/replicant/places.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace cheops::replicant {

namespace {

namespace json = boost::json;

constexpr std::size_t json_depth_max = 64;

error no_slot(const std::string& where) {
  return {errc::bad_request,
          "the request has no id at " + where,
          {},
          "translate ids",
          "compare the application's description with what it is sent"};
}

/// Replaces a segment of the path; false if there is none such.
bool replace_segment(std::string& target, std::uint32_t number,
                     std::string_view with) {
  auto end = std::min(target.find_first_of("?#"), target.size());
  std::size_t at = 0;
  for (std::uint32_t n = 0;; ++n) {
    if (at >= end || target[at] != '/')
      return false;
    auto stop = std::min(target.find('/', at + 1), end);
    if (n == number) {
      target.replace(at + 1, stop - at - 1, percent_encoded(with));
      return true;
    }
    at = stop;
  }
}

bool is_number(std::string_view x) {
  constexpr std::size_t digits_max = 18; // Fits 64 bits.
  return !x.empty() && x.size() <= digits_max
         && (x.size() == 1 || x.front() != '0')
         && std::ranges::all_of(x, [](char c) { return c >= '0' && c <= '9'; });
}

void replace_value(json::value& at, const std::string& id) {
  if (at.is_number() && is_number(id))
    at = std::stoll(id);
  else
    at = id;
}

} // namespace

result<templated> translate(const templated& x, const local_ids& ids) {
  auto out = x;
  out.slots.clear();
  std::optional<json::value> body;
  for (const auto& s : x.slots) {
    auto id = ids(s.of);
    if (!id)
      continue;
    if (s.where == slot::place::segment) {
      if (!replace_segment(out.target, s.segment, *id))
        return no_slot("segment " + std::to_string(s.segment) + " of "
                       + x.target);
      continue;
    }
    boost::system::error_code bad;
    if (!body) {
      json::parse_options with;
      with.max_depth = json_depth_max;
      body = json::parse(x.body, bad, {}, with);
      if (bad)
        return no_slot(s.pointer + ": the body is not JSON");
    }
    auto* at = body->find_pointer(s.pointer, bad);
    if (at == nullptr)
      return no_slot(s.pointer);
    replace_value(*at, *id);
  }
  if (body)
    out.body = json::serialize(*body);
  return out;
}

} // namespace cheops::replicant
