#include "http/rewrite.hpp"

#include "cheops/names.hpp"
#include "http/text.hpp"

#include <algorithm>
#include <charconv>

namespace cheops::http {

namespace {

void append_number(std::string& to, std::uint64_t n) {
  char digits[20];
  auto end = std::to_chars(digits, digits + sizeof digits, n).ptr;
  to.append(digits, end);
}

/// A value may hold what somebody else wrote (a scope, a name): whatever it
/// holds, it cannot end its line.
void append_field(std::string& to, std::string_view name,
                  std::string_view value) {
  to.append(name).append(": ");
  for (char c : value) {
    auto u = static_cast<unsigned char>(c);
    to.push_back((u < 0x20 && c != '\t') || u == 0x7f ? ' ' : c);
  }
  to.append("\r\n");
}

bool listed(std::span<const std::string_view> names, std::string_view x) {
  return std::ranges::any_of(names,
                             [&](auto name) { return same_name(name, x); });
}

bool replaced(std::span<const traffic::header> set, std::string_view x) {
  return std::ranges::any_of(
    set, [&](const auto& h) { return same_name(h.name, x); });
}

bool dropped(std::span<const std::string> names, std::string_view x) {
  return std::ranges::any_of(
    names, [&](const auto& name) { return same_name(name, x); });
}

/// Copies the lines for which `keep` holds; neighbours in one piece.
template <class Keep>
void copy_lines(std::string& to, const head& in, Keep keep) {
  std::size_t from = 0;
  auto flush = [&](std::size_t until) {
    if (from == until)
      return;
    const auto* first = in.fields[from].name.data();
    auto last = in.line(until - 1);
    to.append(first, last.data() + last.size());
  };
  for (std::size_t i = 0; i < in.fields.size(); ++i) {
    if (keep(i))
      continue;
    flush(i);
    from = i + 1;
  }
  flush(in.fields.size());
}

/// A connection option may name any field but those that say where the
/// message goes and where it ends.
bool dropped_by_nomination(const head& in, std::size_t i) {
  auto id = in.ids[i];
  return id != known::host && id != known::content_length
         && id != known::transfer_encoding
         && listed(in.nominated, in.fields[i].name);
}

void append_forwarded(std::string& to, const head& in, const forwarding& of) {
  to.append(of.own);
  // Always quoted: it may hold a port.
  if (!in.host.empty())
    to.append(";host=\"").append(in.host).append("\"");
  to.append("\r\n").append(of.address);
  // The first proxy knows what its client spoke; those behind do not.
  if (!of.believed || in.get("X-Forwarded-Proto").empty())
    to.append(of.proto);
}

/// Upgrade may come in several lines, and each goes on or none does.
bool offers_h2c(const head& in) {
  for (std::size_t i = 0; i < in.fields.size(); ++i)
    if (in.ids[i] == known::upgrade
        && fold_case(in.fields[i].value).find("h2c") != std::string::npos)
      return true;
  return false;
}

} // namespace

bool passes_upgrade(const head& in) noexcept {
  // h2c would take the connection out of our sight.
  return in.wants_upgrade && !in.upgrade.empty() && in.version == 11
         && !offers_h2c(in);
}

void write_request(std::string& to, const head& in,
                   const request_additions& with) {
  to.append(in.method).append(" ").append(with.target).append(" HTTP/1.1\r\n");
  auto upgrade = passes_upgrade(in);
  copy_lines(to, in, [&](std::size_t i) {
    switch (in.ids[i]) {
    case known::connection:
    case known::hop_by_hop:
    case known::ours:
      return false;
    case known::forwarded:
      if (!with.client->believed)
        return false;
      break;
    case known::upgrade:
      return upgrade;
    case known::max_forwards:
      if (in.forwards)
        return false;
      break;
    case known::expect:
      // RFC 9110, 10.1.1: it means nothing in HTTP/1.0.
      return in.version == 11;
    default:
      break;
    }
    const auto& name = in.fields[i].name;
    return !(!in.nominated.empty() && dropped_by_nomination(in, i))
           && !(!with.set.empty() && replaced(with.set, name))
           && !(!with.edits.empty() && replaced(with.edits, name))
           && !(!with.drop.empty() && dropped(with.drop, name));
  });
  if (!in.has_host)
    append_field(to, "Host", with.host);
  if (upgrade)
    to.append("Connection: Upgrade\r\n");
  if (in.forwards) { // RFC 9110, 7.6.2; with 0 it does not come here.
    to.append("Max-Forwards: ");
    append_number(to, *in.forwards - 1);
    to.append("\r\n");
  }
  append_forwarded(to, in, *with.client);
  to.append(with.via);
  for (const auto& h : with.set)
    append_field(to, h.name, h.value);
  for (const auto& h : with.edits)
    append_field(to, h.name, h.value);
  for (const auto& h : with.set_for_peer)
    append_field(to, h.name, h.value);
  to.append("\r\n");
}

void write_answer(std::string& to, const head& in,
                  const answer_additions& with) {
  to.append("HTTP/1.1 ");
  append_number(to, in.status);
  to.append(" ").append(in.reason).append("\r\n");
  auto bodiless = in.status < 200 || in.status == 204;
  auto has_sites = false;
  auto has_date = false;
  copy_lines(to, in, [&](std::size_t i) {
    switch (in.ids[i]) {
    case known::connection:
    case known::hop_by_hop:
      return false;
    case known::ours:
      if (!with.keeps_ours || same_name(in.fields[i].name, "Cheops-Run"))
        return false;
      has_sites |= same_name(in.fields[i].name, "Cheops-Sites");
      return true;
    case known::date:
      has_date = true;
      break;
    case known::upgrade:
      return with.upgrade;
    case known::content_length:
      return !bodiless && !with.length && with.body != framing::chunked;
    case known::transfer_encoding:
      return !bodiless && !with.length && !with.old_client
             && with.body == in.body;
    default:
      break;
    }
    return (in.nominated.empty() || !dropped_by_nomination(in, i))
           && !(!with.set.empty() && replaced(with.set, in.fields[i].name));
  });
  if (!has_date && in.status >= 200)
    append_date(to); // RFC 9110, 6.6.1.
  for (const auto& h : with.set)
    append_field(to, h.name, h.value);
  if (with.length) {
    to.append("Content-Length: ");
    append_number(to, *with.length);
    to.append("\r\n");
  }
  if (with.body == framing::chunked && in.body != framing::chunked)
    to.append("Transfer-Encoding: chunked\r\n");
  if (!with.sites.empty() && !has_sites)
    append_field(to, "Cheops-Sites", with.sites);
  if (with.upgrade)
    to.append("Connection: Upgrade\r\n");
  else if (with.close)
    to.append("Connection: close\r\n");
  else if (with.keep_alive_1_0)
    to.append("Connection: keep-alive\r\n");
  to.append("\r\n");
}

void write_problem(std::string& to, const problem& x, bool without_body,
                   bool close, bool keep_alive_1_0,
                   std::span<const traffic::header> more) {
  to.append("HTTP/1.1 ");
  append_number(to, x.status);
  to.append(" ").append(reason_phrase(x.status)).append("\r\n");
  auto dated = std::ranges::any_of(
    x.fields, [](const auto& f) { return same_name(f.first, "Date"); });
  if (!dated)
    append_date(to);
  if (!x.type.empty())
    append_field(to, "Content-Type", x.type);
  if (x.status != 204) { // RFC 9110, 8.6.
    to.append("Content-Length: ");
    append_number(to, x.body.size());
    to.append("\r\n");
  }
  for (const auto& [name, value] : x.fields)
    append_field(to, name, value);
  for (const auto& h : more)
    append_field(to, h.name, h.value);
  if (close)
    to.append("Connection: close\r\n");
  else if (keep_alive_1_0)
    to.append("Connection: keep-alive\r\n");
  to.append("\r\n");
  if (!without_body)
    to.append(x.body);
}

} // namespace cheops::http
