#pragma once

#include "support/certificates.hpp"
#include "support/folder_fixture.hpp"
#include "support/proxy_fixture.hpp"
#include "support/tls_socket.hpp"

/// Authorities, and clients of a proxy that speak TLS.
struct tls_fixture : folder_fixture {
  cheops::support::certificate_authority mesh{folder.string(), "mesh"};
  cheops::support::certificate_authority foreign{folder.string(), "foreign"};

  /// The certificate and key alone: who has them asks for nothing.
  static cheops::site::tls_files identity(cheops::site::tls_files x) {
    x.ca.clear();
    return x;
  }
  /// Who shows nothing and looks at nothing.
  static cheops::http::ssl_context anybody() {
    return cheops::http::client_context({}, false).value();
  }
  /// Who shows a certificate and looks at nothing.
  static cheops::http::ssl_context with(const cheops::site::tls_files& x) {
    return cheops::http::client_context(identity(x), false).value();
  }
  static tls_socket call(std::uint16_t port,
                         const cheops::http::ssl_context& as) {
    return {raw_socket::to_port(port), as, tls_socket::end::client};
  }
};
