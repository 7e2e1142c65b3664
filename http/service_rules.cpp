#include "http/service_rules.hpp"

#include "cheops/names.hpp"
#include "http/text.hpp"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <arpa/inet.h>
#include <fstream>
#include <sstream>

namespace cheops::http {

namespace {

namespace bh = boost::beast::http;

constexpr std::size_t token_bytes_min = 16;
static_assert(std::tuple_size_v<token_digest> == SHA256_DIGEST_LENGTH);

token_digest digest_of(std::string_view x) {
  token_digest out{};
  SHA256(reinterpret_cast<const unsigned char*>(x.data()), x.size(),
         out.data());
  return out;
}

// Tokens are compared by their digests: neither length nor content shows in
// the time that it takes.
bool same_token(std::string_view given, const token_digest& wanted) {
  auto x = digest_of(given);
  return CRYPTO_memcmp(x.data(), wanted.data(), wanted.size()) == 0;
}

std::string_view host_part(std::string_view host) {
  if (host.starts_with('['))
    return host.substr(1, host.find(']') == host.npos ? host.npos
                                                      : host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

bool is_literal(std::string_view host) {
  in6_addr scratch;
  std::string text{host};
  return inet_pton(AF_INET, text.c_str(), &scratch) == 1
         || inet_pton(AF_INET6, text.c_str(), &scratch) == 1;
}

// "application/json; charset=utf-8" is application/json.
bool same_type(std::string_view given, std::string_view wanted) {
  given = given.substr(0, given.find(';'));
  while (given.ends_with(' ') || given.ends_with('\t'))
    given.remove_suffix(1);
  return same_name(given, wanted);
}

bool good_host(const service_state& state, std::string_view host) {
  if (!state.with.at.unix_path.empty())
    return true; // No browser gets there.
  auto name = host_part(host);
  return is_literal(name) || same_name(name, "localhost")
         || same_name(name, state.with.at.listen->host);
}

bool good_token(const service_state& state, const service_request& in) {
  auto given = in.get("Authorization");
  constexpr std::string_view scheme = "Bearer ";
  return given.size() > scheme.size() && begins_with_name(given, scheme)
         && same_token(given.substr(scheme.size()), *state.token);
}

} // namespace

result<token_digest> read_token(const std::string& file) {
  std::ifstream in{file};
  std::ostringstream all;
  if (!in || !(all << in.rdbuf()))
    return error{errc::bad_config, file + ": cannot be read", "",
                 "read token file", ""};
  auto text = all.str();
  std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
  if (text.size() < token_bytes_min)
    return error{errc::bad_config,
                 file + ": a token has at least 16 characters", "",
                 "read token file", "make one: openssl rand -hex 32"};
  return digest_of(text);
}

service_response refused_by(const service_state& of, unsigned status, errc code,
                            std::string what, std::string hint,
                            std::string step) {
  const auto& site = of.with.site;
  auto out = to_response(
    status, {code, std::move(what), site, std::move(step), std::move(hint)},
    site);
  if (site.empty())
    std::erase_if(out.fields,
                  [](auto& x) { return x.first.starts_with("Cheops-"); });
  return out;
}

std::optional<service_response> objection(const head_fields& head,
                                          const service_state& state,
                                          service_request& out,
                                          routes::match& to) {
  auto refuse = [&state](unsigned status, errc code, std::string what,
                         std::string hint) {
    return refused_by(state, status, code, std::move(what), std::move(hint));
  };
  out.method = std::string{head.method_string()};
  for (auto& x : head)
    out.fields.emplace_back(std::string{x.name_string()},
                            std::string{x.value()});
  if (state.with.check_host && !good_host(state, out.get("Host")))
    return refuse(403, errc::forbidden, "the Host field names another host",
                  "use the address that is listened on");
  std::string target{head.target()};
  if (!state.known.find(target, out, to))
    return refuse(400, errc::bad_request, "the target is malformed",
                  "percent-encode what is no part of a path");
  if (to.found == nullptr && to.allow.empty())
    return refuse(404, errc::bad_request,
                  "there is nothing at " + clean_utf8(out.path, 256),
                  state.with.index.empty() ? "correct the path"
                                           : "see GET " + state.with.index);
  if (to.found == nullptr) {
    auto refused =
      refuse(405, errc::bad_request, "this path has the methods " + to.allow,
             "use one of them");
    refused.fields.emplace_back("Allow", to.allow);
    return refused;
  }
  if (state.token && to.found->needs_token && !good_token(state, out)) {
    auto refused = refuse(401, errc::forbidden, "a bearer token is needed",
                          "see admin.token_file");
    refused.fields.emplace_back("WWW-Authenticate", "Bearer");
    return refused;
  }
  auto type = out.get("Content-Type");
  if (!type.empty() && !to.found->takes.empty()
      && !same_type(type, to.found->takes))
    return refuse(415, errc::bad_request,
                  "the body's type is to be " + to.found->takes,
                  "send Content-Type: " + to.found->takes);
  return {};
}

} // namespace cheops::http
