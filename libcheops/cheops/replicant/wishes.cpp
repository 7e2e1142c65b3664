#include "cheops/replicant/wishes.hpp"

#include "cheops/names.hpp"
#include "cheops/text.hpp"

#include <algorithm>

namespace cheops::replicant {

namespace {

using traffic::request_view;

constexpr const char* step_name = "read the request";
constexpr std::uint64_t wait_seconds_max = 24 * 3600;

std::string_view trimmed(std::string_view x) {
  auto from = x.find_first_not_of(" \t");
  if (from == std::string_view::npos)
    return {};
  return x.substr(from, x.find_last_not_of(" \t") - from + 1);
}

/// Calls `f` with each member of a comma-separated list, commas in quotes
/// being text.
template <class F>
void each_member(std::string_view list, const F& f) {
  auto quoted = false;
  std::size_t from = 0;
  for (std::size_t i = 0; i <= list.size(); ++i) {
    if (i < list.size() && list[i] == '"')
      quoted = !quoted;
    if (i < list.size() && (quoted || list[i] != ','))
      continue;
    if (auto member = trimmed(list.substr(from, i - from)); !member.empty())
      f(member);
    from = i + 1;
  }
}

error bad(const char* field, std::string_view value, std::string hint) {
  return {errc::bad_request,
          std::string{field} + " is \"" + std::string{value.substr(0, 64)}
            + "\"",
          {},
          step_name,
          std::move(hint)};
}

/// At most one such field: of two, nobody can say which counts.
result<std::string_view> only(const request_view& in, const char* name) {
  if (in.count(name) > 1)
    return error{errc::bad_request,
                 "the request has more than one " + std::string{name},
                 {},
                 step_name,
                 "send one"};
  return trimmed(in.get(name));
}

/// RFC 7240: what is not understood is passed over.
void take_preference(std::string_view member, wishes& out) {
  auto word = trimmed(member.substr(0, member.find(';')));
  auto equals = word.find('=');
  auto name = trimmed(word.substr(0, equals));
  if (same_name(name, "respond-async")) {
    out.respond_async = true;
    return;
  }
  if (!same_name(name, "wait") || equals == std::string_view::npos)
    return;
  auto value = trimmed(word.substr(equals + 1));
  if (value.size() > 1 && value.front() == '"' && value.back() == '"')
    value = value.substr(1, value.size() - 2);
  if (auto seconds = whole_number(value))
    out.patience = std::chrono::seconds{std::min(*seconds, wait_seconds_max)};
}

result<void> take_wait(const request_view& in, wishes& out) {
  auto asked = only(in, "Cheops-Wait");
  if (!asked)
    return asked.error();
  for (const auto& f : in.fields)
    if (same_name(f.name, "Prefer"))
      each_member(f.value, [&](auto member) { take_preference(member, out); });
  // "Answer at once" and "wait so long, then answer" are both asynchronous;
  // only the first does not wait for the application.
  if (out.respond_async && out.patience.count() == 0)
    out.until = wait_for::decided;
  if (asked->empty() || same_name(*asked, "here"))
    return {};
  if (same_name(*asked, "all"))
    out.until = wait_for::all;
  else if (same_name(*asked, "decided"))
    out.until = wait_for::decided;
  else
    return bad("Cheops-Wait", *asked, "write here, all or decided");
  return {};
}

result<void> take_conditions(const request_view& in, wishes& out) {
  auto index = only(in, "Cheops-Replicant-Index");
  if (!index)
    return index.error();
  if (!index->empty()) {
    out.read_at = whole_number(*index);
    if (!out.read_at)
      return bad("Cheops-Replicant-Index", *index,
                 "send back the number that came with the resource");
  }
  for (const auto& f : in.fields) {
    if (same_name(f.name, "If-Match")) {
      out.if_match += (out.if_match.empty() ? "" : ", ");
      out.if_match += f.value;
    }
    for (auto name : {"If-None-Match", "If-Modified-Since",
                      "If-Unmodified-Since", "If-Range", "Content-Range"})
      if (same_name(f.name, name))
        return error{errc::not_built,
                     std::string{name}
                       + " cannot be judged for a resource on several sites",
                     {},
                     step_name,
                     "use If-Match, or send Cheops-Replicant-Index back"};
  }
  return {};
}

result<void> take_key(const request_view& in, wishes& out) {
  auto key = only(in, "Idempotency-Key");
  if (!key)
    return key.error();
  if (key->size() > idempotency_key_bytes_max)
    return error{errc::bad_request,
                 "Idempotency-Key has more than "
                   + std::to_string(idempotency_key_bytes_max) + " bytes",
                 {},
                 step_name,
                 "a UUID is enough"};
  out.key = *key;
  return {};
}

} // namespace

result<wishes> wishes_of(const request_view& in) {
  wishes out;
  for (auto* take : {take_wait, take_conditions, take_key})
    if (auto ok = take(in, out); !ok)
      return ok.error();
  return out;
}

result<bool> wants_linearizable(const request_view& in) {
  auto asked = only(in, "Cheops-Consistency");
  if (!asked)
    return asked.error();
  if (asked->empty() || same_name(*asked, "local"))
    return false;
  if (same_name(*asked, "linearizable"))
    return true;
  return bad("Cheops-Consistency", *asked, "write local or linearizable");
}

bool matches_etag(std::string_view if_match, std::string_view etag) noexcept {
  auto found = false;
  each_member(if_match, [&](std::string_view member) {
    found =
      found || member == "*" || (member == etag && !member.starts_with("W/"));
  });
  return found;
}

} // namespace cheops::replicant
