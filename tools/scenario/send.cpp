#include "tools/scenario/send.hpp"

#include "cheops/names.hpp"
#include "cheops/traffic/carriers.hpp"
#include "http/client.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <memory>
#include <thread>

namespace cheops::scenario {

namespace json = boost::json;

namespace {

constexpr std::uint64_t checksum_start = 0xcbf29ce484222325;
constexpr milliseconds journal_timeout{2'000};

/// FNV-1a, 64 bits: as the demo application sums up what it received.
std::uint64_t checksum(std::uint64_t sum, std::string_view piece) {
  for (auto c : piece)
    sum = (sum ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return sum;
}

std::string hex(std::uint64_t x) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(x));
  return text;
}

/// The bytes of an upload: 0 to 250, again and again.
std::size_t fill_pattern(std::uint64_t at, char* to, std::uint64_t count) {
  auto next = at % 251;
  for (std::uint64_t i = 0; i < count; ++i) {
    to[i] = static_cast<char>(next);
    next = next == 250 ? 0 : next + 1;
  }
  return static_cast<std::size_t>(count);
}

result<mesh::address> address_of(const live_site& site,
                                 const std::string& service, bool bypass) {
  for (const auto& [name, at] : bypass ? site.at.application : site.at.fronts)
    if (same_name(name, service))
      return at;
  return error{errc::bad_config, "no service \"" + service + '"', site.name,
               "prepare a request", ""};
}

void put_scope(prepared& x, std::string& path) {
  switch (x.carry) {
  case carrier::header:
    x.fields.emplace_back("Scope", x.scope);
    break;
  case carrier::prefix:
    path = traffic::make_prefix(x.scope) + path;
    break;
  case carrier::baggage:
    x.fields.emplace_back("baggage", scope_baggage(x.scope));
    break;
  }
}

std::string shell_quoted(const std::string& text) {
  auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c))
           || std::string_view{"-_./:=,@%+"}.find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain))
    return text;
  std::string out = "'";
  for (auto c : text)
    out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + '\'';
}

std::string text_at(const json::value& x, const char* member) {
  const auto* found =
    x.is_object() ? x.get_object().if_contains(member) : nullptr;
  return found && found->is_string()
           ? std::string{found->get_string().data(), found->get_string().size()}
           : std::string{};
}

/// One service's journal; false if it cannot be read.
bool read_journal(live_site& site, const std::string& service,
                  const mesh::address& at, const std::string& path,
                  std::vector<journal_call>& to) {
  http::client_request call;
  auto& after = site.journal_read[service];
  call.url =
    "http://" + mesh::to_string(at) + path + "?after=" + std::to_string(after);
  call.timeout = journal_timeout;
  auto got = http::fetch(call);
  if (!got || got->status != 200)
    return false;
  boost::system::error_code wrong;
  auto body = json::parse(got->body, wrong);
  const auto* calls = wrong ? nullptr : body.find_pointer("/calls", wrong);
  const auto* last = calls ? body.find_pointer("/last", wrong) : nullptr;
  if (!last || !last->is_number() || !calls->is_array())
    return false;
  for (const auto& x : calls->get_array()) {
    const auto* status = x.find_pointer("/status", wrong);
    to.push_back(
      {site.name, service, text_at(x, "method"), text_at(x, "path"),
       status && status->is_number() ? status->to_number<unsigned>() : 0});
  }
  after = last->to_number<std::uint64_t>();
  return true;
}

} // namespace

std::string scope_baggage(std::string_view scope) {
  std::string out = "cheops.scope=";
  for (auto c : scope) {
    if (std::isalnum(static_cast<unsigned char>(c))) {
      out += c;
      continue;
    }
    char code[4];
    std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned char>(c));
    out += code;
  }
  return out;
}

result<prepared> prepare(sites& all, const request_spec& what,
                         const variables& known) {
  error wrong;
  auto text = [&](const std::string& x) {
    auto out = expand(x, known);
    if (out)
      return *out;
    wrong = out.error();
    return std::string{};
  };
  auto site = all.find(text(what.site));
  if (!site)
    return wrong.code == errc::none ? site.error() : wrong;
  auto at = address_of(**site, text(what.service), what.bypass);
  if (!at)
    return at.error();
  prepared x;
  x.network = all.network_of(**site);
  x.method = what.method;
  x.carry = what.carry;
  x.timeout = what.timeout;
  x.upload_bytes = what.upload_bytes;
  x.discard_body = what.discard_body;
  for (const auto& [name, value] : what.headers)
    x.fields.emplace_back(name, text(value));
  x.body = text(what.body);
  if (what.json) {
    auto body = expand_all(*what.json, known);
    if (!body)
      return body.error();
    x.body = json::serialize(*body);
    x.fields.emplace_back("Content-Type", "application/json");
  }
  x.scope = text(what.scope);
  auto path = text(what.path);
  if (!x.scope.empty())
    put_scope(x, path);
  if (wrong.code != errc::none)
    return wrong;
  // A captured Location may be a whole URL: only its path is wanted.
  if (auto scheme = path.find("://"); scheme != std::string::npos)
    path = path.substr(std::min(path.find('/', scheme + 3), path.size()));
  x.url = "http://" + mesh::to_string(*at) + path;
  return x;
}

observation send_here(const prepared& x) {
  http::client_request call;
  call.method = x.method;
  call.url = x.url;
  call.fields = x.fields;
  call.body = x.body;
  call.timeout = x.timeout;
  observation out;
  auto sent = checksum_start;
  auto received = checksum_start;
  if (x.upload_bytes)
    call.source = [&sent, at = std::uint64_t{0},
                   all = x.upload_bytes](char* to, std::size_t room) mutable {
      auto n = fill_pattern(at, to, std::min<std::uint64_t>(room, all - at));
      sent = checksum(sent, {to, n});
      at += n;
      return n;
    };
  if (x.discard_body)
    call.sink = [&](std::string_view piece) {
      out.body_bytes += piece.size();
      received = checksum(received, piece);
      return true;
    };
  auto begin = std::chrono::steady_clock::now();
  auto got = http::fetch(call);
  out.took = std::chrono::duration_cast<microseconds>(
    std::chrono::steady_clock::now() - begin);
  out.sent_checksum = hex(sent);
  out.received_checksum = hex(received);
  if (!got) {
    out.failure = got.error();
    return out;
  }
  out.status = got->status;
  out.fields = std::move(got->fields);
  out.body = std::move(got->body);
  if (!x.discard_body)
    out.body_bytes = out.body.size();
  return out;
}

observation send(const prepared& x) {
  if (x.network < 0)
    return send_here(x);
  observation out;
  std::thread([&] {
    if (auto inside = enter(x.network); !inside)
      out.failure = inside.error();
    else
      out = send_here(x);
  }).join();
  return out;
}

std::string command_of(const prepared& x) {
  std::string out = "cheops http";
  auto add = [&out](const std::string& option, const std::string& value) {
    out += ' ' + option + ' ' + shell_quoted(value);
  };
  for (const auto& [name, value] : x.fields) {
    if (name == "Scope")
      add("--scope", value);
    else if (name != "Content-Type" || x.body.empty())
      add("-H", name + ": " + value);
  }
  if (!x.body.empty())
    add("-d", x.body);
  if (x.upload_bytes)
    add("-T", std::to_string(x.upload_bytes) + "-bytes");
  return out + ' ' + x.method + ' ' + shell_quoted(x.url);
}

std::string explain_command(const request_spec& what,
                            const std::string& scope) {
  return "cheops explain --service " + shell_quoted(what.service) + " -m "
         + what.method + ' ' + shell_quoted(scope) + ' '
         + shell_quoted(what.path);
}

std::vector<journal_call> read_journals(sites& all,
                                        std::vector<std::string>& unread) {
  std::vector<journal_call> out;
  const auto& path = all.what().application.journal;
  if (path.empty())
    return out;
  for (auto& site : all.all()) {
    bool good = site->application && !site->application_paused;
    auto read = [&] {
      for (const auto& [service, at] : site->at.application)
        good = good && read_journal(*site, service, at, path, out);
    };
    if (all.network_of(*site) < 0)
      read();
    else if (good)
      std::thread([&] {
        good = enter(all.network_of(*site)).has_value();
        read();
      }).join();
    if (!good)
      unread.push_back(site->name);
  }
  return out;
}

} // namespace cheops::scenario
