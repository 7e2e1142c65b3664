#pragma once

#include "http/tls.hpp"
#include "support/raw_socket.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <csignal>
#include <memory>

/// The same over TLS, for either end.
class tls_socket final : public raw_socket {
public:
  enum class end { client, server };

  /// The handshake has run when this returns; `up` says how.
  tls_socket(raw_socket&& from, const cheops::http::ssl_context& with, end as,
             const std::string& sni = {})
    : raw_socket(std::move(from)), ssl_(SSL_new(with.get()), SSL_free) {
    std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes with write().
    SSL_set_fd(ssl_.get(), fd());
    if (!sni.empty())
      SSL_set_tlsext_host_name(ssl_.get(), sni.c_str());
    ERR_clear_error();
    up_ = (as == end::client ? SSL_connect(ssl_.get()) : SSL_accept(ssl_.get()))
          == 1;
    ERR_clear_error();
  }
  tls_socket(tls_socket&&) = default;

  /// Whether this end is content. In TLS 1.3 a client hears only with its
  /// first read what the server thinks of its certificate.
  [[nodiscard]] bool up() const { return up_; }
  /// Servers: the name that the client asked for; empty: none.
  [[nodiscard]] std::string sni() const {
    const auto* x = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    return x == nullptr ? std::string{} : x;
  }
  /// The site in the other side's certificate.
  [[nodiscard]] std::string site() const {
    return cheops::http::site_of(ssl_.get());
  }
  /// TLS's goodbye, without which a body may be cut short.
  void end_in_order() { (void) SSL_shutdown(ssl_.get()); }

protected:
  ssize_t send_some(std::string_view x) override {
    ERR_clear_error();
    return SSL_write(ssl_.get(), x.data(), static_cast<int>(x.size()));
  }
  ssize_t receive_some(char* to, std::size_t size) override {
    ERR_clear_error();
    return SSL_read(ssl_.get(), to, static_cast<int>(size));
  }

private:
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
  bool up_ = false;
};
