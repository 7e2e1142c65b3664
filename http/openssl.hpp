#pragma once

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

/// What tls.cpp and ca.cpp share; for this folder's sources only.
namespace cheops::http {

struct openssl_deleter {
  void operator()(BIO* x) const { BIO_free_all(x); }
  void operator()(X509* x) const { X509_free(x); }
  void operator()(X509_CRL* x) const { X509_CRL_free(x); }
  void operator()(X509_NAME* x) const { X509_NAME_free(x); }
  void operator()(X509_REVOKED* x) const { X509_REVOKED_free(x); }
  void operator()(X509_EXTENSION* x) const { X509_EXTENSION_free(x); }
  void operator()(EVP_PKEY* x) const { EVP_PKEY_free(x); }
  void operator()(BIGNUM* x) const { BN_free(x); }
  /// ASN1_INTEGER, ASN1_TIME and so on are all this type.
  void operator()(ASN1_STRING* x) const { ASN1_STRING_free(x); }
  void operator()(GENERAL_NAMES* x) const { GENERAL_NAMES_free(x); }
  void operator()(SSL* x) const { SSL_free(x); }
  void operator()(X509_STORE_CTX* x) const { X509_STORE_CTX_free(x); }
};

/// An object of OpenSSL's with one owner.
template <class T>
using owned = std::unique_ptr<T, openssl_deleter>;

/// The newest of this thread's queued errors, for people; empties the queue.
[[nodiscard]] std::string openssl_says();

/// For PEM readers: a key must not make a daemon ask at its terminal.
/// Sets the bool at `asked`, if any.
int no_password(char* to, int room, int writes, void* asked);

} // namespace cheops::http
