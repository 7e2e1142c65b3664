#pragma once

#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

/// TLS contexts, made from PEM files. An error (bad_config) names the file
/// and what is wrong with it: unreadable, not PEM, expired, a key of another
/// certificate, an encrypted key. Every context speaks HTTP/1.1 only (ALPN).
namespace cheops::http {

using ssl_context = std::shared_ptr<SSL_CTX>;

/// For a front (`files.ca` set: client certificates are asked for and must
/// verify). TLS 1.2 or later.
[[nodiscard]] result<ssl_context> front_context(const site::tls_files& files);

/// For the peer front and for the calls to it: TLS 1.3, both sides show
/// certificates, CRL checked where there is one. No resumption: a revoked
/// certificate must not live on in a ticket. Who the other side is says
/// `site_of`; host names are not looked at.
[[nodiscard]] result<ssl_context> peer_context(const site::tls_files& files,
                                               bool accepts);

/// For calls to a backend over TLS. Checks the server's name (or address)
/// unless `verify` is off; the connection itself must still send it as SNI.
[[nodiscard]] result<ssl_context> backend_context(const site::backend& to);

/// For any client: checks the certificate against `files.ca`, or against the
/// system's authorities if it is empty. Which name is checked is a matter of
/// the connection (SSL_set1_host).
[[nodiscard]] result<ssl_context> client_context(const site::tls_files& files,
                                                 bool verify);

/// The site name in the verified certificate of the other side: its URI SAN
/// `urn:cheops:site:<name, percent-encoded>`, decoded; empty if it has none,
/// several, or one that is malformed.
[[nodiscard]] std::string site_of(const SSL* connection);

/// Whether the certificate that the other side showed would be accepted under
/// the settings of `now` too: authorities and revocations may have changed
/// since the handshake. True where `now` asks for none.
[[nodiscard]] bool still_trusted(const SSL* connection, const SSL_CTX* now);

/// The URI of a site's certificate.
[[nodiscard]] std::string site_uri(std::string_view site);

/// Why the certificate of the other side was refused, for people: "certificate
/// has expired"; empty if it was not.
[[nodiscard]] std::string refused_because(const SSL* connection);

/// After a handshake that failed here: whether for the certificate of the
/// other side, or for the lack of one. Reads this thread's queued errors.
[[nodiscard]] bool refused_certificate(const SSL* connection);

/// The days until a certificate file ends (below 0: it has ended).
[[nodiscard]] result<int> days_left(const std::string& certificate_file);

} // namespace cheops::http
