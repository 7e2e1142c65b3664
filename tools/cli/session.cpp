#include "tools/cli/session.hpp"

#include "glue/config.hpp"
#include "glue/quantity.hpp"
#include "tools/admin_json.hpp"
#include "tools/complaint.hpp"

#include <boost/json.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

namespace cheops::cli {

namespace json = boost::json;

using std::chrono::milliseconds;

namespace {

constexpr const char* default_socket = "/run/cheops/admin.sock";

constexpr std::array<exit_meaning, 9> meanings{{
  {exit_ok, "done"},
  {exit_failed,
   "the operation failed, or the answer was an HTTP error with --fail"},
  {exit_usage, "wrong usage or bad input: options, a scope, a file"},
  {exit_unreachable, "the node, a site or the application cannot be reached"},
  {exit_timed_out, "no answer within --timeout"},
  {exit_refused, "refused: the token is missing or wrong, or a policy forbids"},
  {exit_not_built, "the scope is right, but this release does not run it"},
  {exit_not_executable, "run: the command cannot be executed"},
  {exit_no_command, "run and shims: there is no such command"},
}};

result<std::string> read_token(const std::string& file) {
  std::ifstream in{file};
  std::string token;
  if (!in || !std::getline(in, token) || token.empty())
    return error{errc::bad_config, "no token can be read from " + file, "",
                 "read token", "give the site's admin.token_file"};
  while (!token.empty() && (token.back() == '\r' || token.back() == ' '))
    token.pop_back();
  return token;
}

/// "http+unix:///run/x.sock:/v1/sites", "http://127.0.0.1:9000/v1/sites".
std::string join(const std::string& url, const std::string& target) {
  return url.starts_with("http+unix://") ? url + ":" + target : url + target;
}

/// Its errors are all of one shape, and no application's.
bool is_of_admin(const http::client_response& x) {
  boost::system::error_code failure;
  auto value = json::parse(x.body, failure);
  const auto* body = failure ? nullptr : value.if_object();
  return body && body->contains("code") && body->contains("site")
         && body->contains("step") && body->contains("hint");
}

} // namespace

std::span<const exit_meaning> exit_meanings() {
  return meanings;
}

int exit_of(errc code) noexcept {
  switch (code) {
  case errc::none:
    return exit_ok;
  case errc::bad_scope:
  case errc::unknown_site:
  case errc::unknown_service:
  case errc::bad_request:
  case errc::bad_config:
    return exit_usage;
  case errc::unreachable:
  case errc::no_quorum:
    return exit_unreachable;
  case errc::timed_out:
  case errc::undecided:
    return exit_timed_out;
  case errc::forbidden:
    return exit_refused;
  case errc::not_built:
    return exit_not_built;
  default:
    return exit_failed;
  }
}

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

int session::fail(const error& x) const {
  std::cout.flush();
  std::cerr << tools::complaint("cheops", x) << "\n";
  return exit_of(x.code);
}

int session::usage(const std::string& what, const std::string& hint) const {
  std::cout.flush();
  std::cerr << "cheops: " << what << "\n";
  if (!hint.empty())
    std::cerr << hint << "\n";
  return exit_usage;
}

void session::remark(const std::string& what) const {
  if (options.verbose)
    std::cerr << "* " << what << "\n";
}

milliseconds session::timeout() const {
  auto us = glue::to_duration(options.timeout);
  return us ? std::chrono::ceil<milliseconds>(*us) : milliseconds{10'000};
}

format session::output() const {
  return to_format(options.output).value_or(format::table);
}

void session::print(const table& rows, const json::value& whole) const {
  std::cout << render(rows, whole, output(), !options.no_headers);
}

int session::watch(
  bool again, const std::function<std::variant<picture, int>()>& look) const {
  constexpr std::chrono::seconds pause{1};
  std::string last;
  for (auto first = true;; first = false) {
    auto seen = look();
    if (const auto* failed = std::get_if<int>(&seen))
      return *failed;
    const auto& now = std::get<picture>(seen);
    auto text = render(now.rows, now.whole, output(), !options.no_headers);
    if (text != last)
      std::cout << text << std::flush;
    if (first && !now.remark.empty() && output() == format::table)
      std::cerr << now.remark << "\n";
    if (!again)
      return exit_ok;
    last = std::move(text);
    std::this_thread::sleep_for(pause);
  }
}

bool session::has_config() const {
  return !options.config_file.empty();
}

result<site::config> session::config() const {
  if (!has_config())
    return error{errc::bad_config, "no configuration is named", "", "",
                 "give --config FILE or set CHEOPS_CONFIG"};
  return glue::load_config(options.config_file);
}

std::string admin_url(std::string_view text) {
  while (text.size() > 1 && text.ends_with('/'))
    text.remove_suffix(1);
  auto with = [](const char* scheme, std::string_view rest) {
    return std::string{scheme} + std::string{rest};
  };
  if (text.starts_with("http://") || text.starts_with("https://")
      || text.starts_with("http+unix://"))
    return std::string{text};
  auto socket = [&](std::string_view path) {
    return with("http+unix://", std::filesystem::absolute(path).string());
  };
  if (text.starts_with("unix://"))
    return socket(text.substr(7));
  if (text.starts_with("unix:"))
    return socket(text.substr(5));
  std::error_code ec;
  if (text.starts_with('/') || text.starts_with("./") || text.starts_with("../")
      || std::filesystem::exists(text, ec))
    return socket(text);
  return mesh::to_address(text) ? with("http://", text) : std::string{};
}

result<http::client_request> session::admin() const {
  http::client_request out;
  auto token_file = options.token_file;
  out.tls.ca = options.ca_file;
  if (!options.admin.empty()) {
    out.url = admin_url(options.admin);
    if (out.url.empty())
      return error{errc::bad_request,
                   "\"" + options.admin + "\" is no admin endpoint", "", "",
                   "give a URL, host:port, or the path of a Unix socket"};
  } else if (has_config()) {
    auto site = config();
    if (!site)
      return site.error();
    const auto& at = site->admin;
    if (!at.unix_path.empty())
      out.url =
        "http+unix://" + std::filesystem::absolute(at.unix_path).string();
    else if (at.listen)
      out.url = tools::url_of({{}, *at.listen, at.tls, {}});
    else
      return error{errc::bad_config,
                   options.config_file + " has no admin endpoint", "", "",
                   "add admin: {unix: PATH} to it, or give --admin"};
    if (token_file.empty() && at.listen)
      token_file = at.token_file;
    if (out.tls.ca.empty())
      out.tls.ca = at.tls.ca;
  } else if (std::filesystem::exists(default_socket)) {
    out.url = std::string{"http+unix://"} + default_socket;
  } else {
    return error{errc::bad_request, "no node is named", "", "",
                 "give --admin or --config, or set CHEOPS_ADMIN"};
  }
  if (!token_file.empty()) {
    auto token = read_token(token_file);
    if (!token)
      return token.error();
    out.fields.emplace_back("Authorization", "Bearer " + *token);
  }
  return out;
}

result<http::client_response> session::send(http::client_request what) const {
  using clock = std::chrono::steady_clock;
  constexpr milliseconds pause{200};
  auto until = clock::now() + timeout();
  for (;;) {
    auto answer = http::fetch(what);
    auto again = !answer && answer.error().code == errc::unreachable
                 && options.wait && clock::now() + pause < until;
    if (!again && !answer && answer.error().step == "TLS handshake") {
      auto why = answer.error();
      if (why.hint.empty())
        why.hint = "--ca-file names who may have signed its certificate";
      return why;
    }
    if (!again)
      return answer;
    remark(answer.error().what + "; trying again");
    std::this_thread::sleep_for(pause);
  }
}

result<http::client_response> session::call_raw(const std::string& method,
                                                const std::string& target,
                                                const std::string& body) const {
  auto request = admin();
  if (!request)
    return request.error();
  request->method = method;
  request->url = join(request->url, target);
  request->timeout = timeout();
  if (!body.empty()) {
    request->body = body;
    request->fields.emplace_back("Content-Type", "application/json");
  }
  remark(method + " " + request->url);
  auto answer = send(*request);
  if (!answer) {
    auto why = answer.error();
    if (why.code == errc::unreachable)
      why.hint = "is cheopsd running there? `cheops check` looks closer";
    return why;
  }
  if (answer->status == 401)
    return error{errc::forbidden, "the admin endpoint wants a token", "",
                 "ask " + request->url,
                 "give --token-file or set CHEOPS_ADMIN_TOKEN_FILE"};
  return answer;
}

error session::follow(const std::string& target, milliseconds silence_max,
                      std::function<bool(std::string_view)> sink) const {
  auto request = admin();
  if (!request)
    return request.error();
  request->url = join(request->url, target);
  request->timeout = silence_max;
  // What is no stream is a problem, and short.
  std::string first;
  auto streams = true;
  request->sink = [&](std::string_view piece) {
    constexpr std::size_t problem_bytes_max = 64 * 1024;
    if (first.empty() && piece.starts_with('{'))
      streams = false;
    if (first.size() < problem_bytes_max)
      first += piece;
    return streams ? sink(piece) : first.size() < problem_bytes_max;
  };
  remark("GET " + request->url);
  auto answer = send(*request);
  if (!answer)
    return answer.error();
  answer->body = first;
  if (answer->status >= 400)
    if (auto why = to_error(*answer))
      return *why;
  return {errc::broken, "the node ended the stream", "", "follow " + target,
          "is it being restarted?"};
}

result<json::value> session::call(const std::string& method,
                                  const std::string& target,
                                  const std::string& body) const {
  auto answer = call_raw(method, target, body);
  if (!answer)
    return answer.error();
  boost::system::error_code failure;
  auto value = json::parse(answer->body, failure);
  if (answer->status < 400 && !failure)
    return value;
  auto why = to_error(*answer);
  if (answer->status >= 400 && why && is_of_admin(*answer))
    return *why;
  return error{errc::broken,
               "who answers there is no admin endpoint of a node (status "
                 + std::to_string(answer->status) + ")",
               "", method + " " + target,
               "name what the site's configuration has under admin, not a "
               "front"};
}

error pointed_error(errc code, std::string_view caret) {
  return {code, "the scope is wrong\n" + std::string{caret}, "", "", ""};
}

std::optional<error> to_error(const http::client_response& x) {
  if (!x.get("Content-Type").starts_with("application/problem+json"))
    return std::nullopt;
  boost::system::error_code failure;
  auto value = json::parse(x.body, failure);
  if (failure || !value.is_object())
    return std::nullopt;
  auto text = [&](const char* name) -> std::string {
    const auto* member = value.as_object().if_contains(name);
    if (!member || !member->is_string())
      return {};
    return std::string{std::string_view{member->as_string()}};
  };
  auto code = from_slug(text("code"));
  // The caret says all that the sentence does.
  if (auto caret = text("caret"); !caret.empty())
    return pointed_error(code, caret);
  auto what = text("detail");
  if (what.empty())
    what = text("title");
  return error{code == errc::none ? errc::broken : code, what, text("site"),
               text("step"), text("hint")};
}

} // namespace cheops::cli
