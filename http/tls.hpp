#pragma once

#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <openssl/ssl.h>

#include <memory>
#include <string>

/// TLS contexts, made from PEM files.
namespace cheops::http {

using ssl_context = std::shared_ptr<SSL_CTX>;

/// For a front (`files.ca` set: client certificates are asked for and must
/// verify). TLS 1.2 or later, ALPN http/1.1.
[[nodiscard]] result<ssl_context> front_context(const site::tls_files& files);

/// For the peer front and for the calls to it: TLS 1.3, both sides show
/// certificates, CRL checked where there is one.
[[nodiscard]] result<ssl_context> peer_context(const site::tls_files& files,
                                               bool accepts);

/// For calls to a backend over TLS.
[[nodiscard]] result<ssl_context> backend_context(const site::backend& to);

/// The site name in the verified certificate of the other side: its URI SAN
/// `urn:cheops:site:<name, percent-encoded>`, decoded; empty if it has none.
[[nodiscard]] std::string site_of(const SSL* connection);

} // namespace cheops::http
