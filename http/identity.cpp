#include "http/identity.hpp"

#include "http/file.hpp"
#include "http/tls.hpp"

#include <algorithm>

namespace cheops::http {

namespace {

/// What may stand in a token (RFC 6750, 2.1, and somewhat more).
bool is_visible(char c) {
  return c > ' ' && c < 0x7F;
}

} // namespace

result<std::string> read_bearer(const std::string& file) {
  auto text = read_secret(file);
  if (!text)
    return text.error();
  auto end = std::find_if_not(text->begin(), text->end(), is_visible);
  auto rest_is_space = std::all_of(end, text->end(), [](char c) {
    return c == '\n' || c == '\r' || c == ' ';
  });
  if (end == text->begin() || !rest_is_space)
    return error{errc::bad_config,
                 file + ": holds no bearer token: one line without spaces", "",
                 "read a token", "write the token into it, and nothing else"};
  text->erase(end, text->end());
  return text;
}

result<void> check_identity(const site::backend& to) {
  if (!to.identity.token_file.empty())
    if (auto token = read_bearer(to.identity.token_file); !token)
      return token.error();
  if (!to.identity.certificate.empty())
    if (auto made = client_context(site::node_files(to), to.verify); !made)
      return made.error();
  return {};
}

} // namespace cheops::http
