#include "actors/tls.hpp"

#include "cheops/mesh/certificate_name.hpp"

#include <climits>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace cheops::actors::tls {

namespace {

template <auto Free>
struct freeing {
  template <class T>
  void operator()(T* x) const noexcept {
    Free(x);
  }
};

void free_certificates(STACK_OF(X509) * x) {
  sk_X509_pop_free(x, X509_free);
}

using context_ptr = std::unique_ptr<SSL_CTX, freeing<SSL_CTX_free>>;
using x509_ptr = std::unique_ptr<X509, freeing<X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freeing<EVP_PKEY_free>>;
using digest_ptr = std::unique_ptr<EVP_MD_CTX, freeing<EVP_MD_CTX_free>>;
using verify_ptr =
  std::unique_ptr<X509_STORE_CTX, freeing<X509_STORE_CTX_free>>;
using names_ptr = std::unique_ptr<GENERAL_NAMES, freeing<GENERAL_NAMES_free>>;
using stack_ptr = std::unique_ptr<STACK_OF(X509), freeing<free_certificates>>;

/// The newest entry of OpenSSL's error queue, which is emptied.
std::string reason() {
  std::string out = "unknown reason";
  while (auto code = ERR_get_error())
    if (const auto* text = ERR_reason_error_string(code))
      out = text;
  return out;
}

error bad(const std::string& file, const std::string& what) {
  return {errc::bad_config,
          file + ": " + what,
          {},
          "load certificates",
          "`cheops ca issue SITE` makes a site's certificate and key"};
}

const unsigned char* bytes_of(std::string_view x) {
  return reinterpret_cast<const unsigned char*>(x.data());
}

std::string der(X509* x) {
  unsigned char* buffer = nullptr;
  auto size = i2d_X509(x, &buffer);
  if (size <= 0)
    return {};
  std::string out(reinterpret_cast<char*>(buffer),
                  static_cast<std::size_t>(size));
  OPENSSL_free(buffer);
  return out;
}

x509_ptr from_der(std::string_view x) {
  const auto* at = bytes_of(x);
  x509_ptr out{d2i_X509(nullptr, &at, static_cast<long>(x.size()))};
  ERR_clear_error();
  return out;
}

/// The site that a certificate names: its one URI SAN of our form.
site_id site_of(X509* x) {
  names_ptr names{static_cast<GENERAL_NAMES*>(
    X509_get_ext_d2i(x, NID_subject_alt_name, nullptr, nullptr))};
  site_id found;
  if (!names)
    return found;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI)
      continue;
    const auto* text = name->d.uniformResourceIdentifier;
    std::string_view uri{
      reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
      static_cast<std::size_t>(ASN1_STRING_length(text))};
    auto site = mesh::from_urn(uri);
    // Two names in one certificate would let its holder choose.
    if (site && !found.empty() && *site != found)
      return {};
    if (site)
      found = *site;
  }
  return found;
}

error untrusted(const std::string& why) {
  return {errc::forbidden, why, {}, "check certificate", {}};
}

class loaded_trust final : public trust {
public:
  context_ptr server;
  context_ptr client;
  std::vector<std::string> own_chain;

  result<wire::sealed_statement> seal(const wire::statement& x) const override;
  result<site_id> signer(const wire::sealed_statement& x) const override;
  result<site_id> judge(const std::vector<std::string>& chain) const override;

  SSL* connection(mesh::link::role as) const override {
    auto* ssl =
      SSL_new(as == mesh::link::role::dialled ? client.get() : server.get());
    if (ssl == nullptr)
      throw std::bad_alloc{};
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    if (as == mesh::link::role::dialled)
      SSL_set_connect_state(ssl);
    else
      SSL_set_accept_state(ssl);
    return ssl;
  }
};

std::string signed_bytes(const std::string& body) {
  return std::string{wire::signature_context} + body;
}

result<wire::sealed_statement>
loaded_trust::seal(const wire::statement& x) const {
  wire::sealed_statement out;
  out.body = wire::encode(x);
  out.chain = own_chain;
  auto text = signed_bytes(out.body);
  digest_ptr context{EVP_MD_CTX_new()};
  auto* key = SSL_CTX_get0_privatekey(server.get());
  std::size_t size = 0;
  // Ed25519 brings its own digest.
  const auto* digest =
    EVP_PKEY_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
  auto done =
    EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key) == 1
    && EVP_DigestSign(context.get(), nullptr, &size, bytes_of(text),
                      text.size())
         == 1;
  if (done) {
    out.signature.resize(size);
    done =
      EVP_DigestSign(context.get(),
                     reinterpret_cast<unsigned char*>(out.signature.data()),
                     &size, bytes_of(text), text.size())
      == 1;
    out.signature.resize(size);
  }
  if (!done)
    return error{errc::bad_config,
                 "the key cannot sign: " + reason(),
                 {},
                 "sign statement",
                 "use an ECDSA, RSA or Ed25519 key"};
  return out;
}

result<site_id> loaded_trust::signer(const wire::sealed_statement& x) const {
  auto site = judge(x.chain);
  if (!site)
    return site;
  auto leaf = from_der(x.chain.front());
  auto* key = X509_get0_pubkey(leaf.get());
  if (key == nullptr)
    return untrusted("its certificate holds no key");
  const auto* digest =
    EVP_PKEY_id(key) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256();
  auto text = signed_bytes(x.body);
  digest_ptr context{EVP_MD_CTX_new()};
  auto good =
    EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1
    && EVP_DigestVerify(context.get(), bytes_of(x.signature),
                        x.signature.size(), bytes_of(text), text.size())
         == 1;
  ERR_clear_error();
  if (!good)
    return untrusted("the signature is not of its certificate");
  return site;
}

result<site_id>
loaded_trust::judge(const std::vector<std::string>& chain) const {
  if (chain.empty())
    return untrusted("there is no certificate");
  auto leaf = from_der(chain.front());
  if (!leaf)
    return untrusted("the certificate cannot be read");
  stack_ptr rest{sk_X509_new_null()};
  for (std::size_t i = 1; i < chain.size(); ++i) {
    auto x = from_der(chain[i]);
    if (!x || sk_X509_push(rest.get(), x.get()) == 0)
      return untrusted("a certificate of the chain cannot be read");
    (void) x.release();
  }
  verify_ptr context{X509_STORE_CTX_new()};
  auto* store = SSL_CTX_get_cert_store(server.get());
  if (X509_STORE_CTX_init(context.get(), store, leaf.get(), rest.get()) != 1)
    return untrusted(reason());
  if (X509_verify_cert(context.get()) != 1) {
    auto code = X509_STORE_CTX_get_error(context.get());
    ERR_clear_error();
    return untrusted(X509_verify_cert_error_string(code));
  }
  auto site = site_of(leaf.get());
  if (site.empty())
    return untrusted("the certificate names no site, or several");
  return site;
}

/// One CRL file may hold those of several CAs.
result<void> load_crl(X509_STORE* store, const std::string& file) {
  std::unique_ptr<BIO, freeing<BIO_free_all>> in{
    BIO_new_file(file.c_str(), "r")};
  if (!in)
    return bad(file, reason());
  int n = 0;
  while (auto* crl =
           PEM_read_bio_X509_CRL(in.get(), nullptr, nullptr, nullptr)) {
    X509_STORE_add_crl(store, crl);
    X509_CRL_free(crl);
    ++n;
  }
  ERR_clear_error();
  if (n == 0)
    return bad(file, "holds no revocation list (PEM)");
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  return {};
}

/// A key with a passphrase would ask the terminal: say no instead.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

result<context_ptr> context(const site::tls_files& files, bool accepts) {
  context_ptr ctx{
    SSL_CTX_new(accepts ? TLS_server_method() : TLS_client_method())};
  if (!ctx)
    return bad(files.certificate, reason());
  auto* c = ctx.get();
  SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION);
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     nullptr);
  // No resumption: each link is judged by the lists of now.
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(c, 0);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(c, no_passphrase);
  if (SSL_CTX_use_certificate_chain_file(c, files.certificate.c_str()) != 1)
    return bad(files.certificate, reason());
  if (SSL_CTX_use_PrivateKey_file(c, files.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return bad(files.key, reason());
  if (SSL_CTX_check_private_key(c) != 1)
    return bad(files.key, "is not the key of " + files.certificate);
  if (SSL_CTX_load_verify_file(c, files.ca.c_str()) != 1)
    return bad(files.ca, reason());
  if (!files.crl.empty())
    if (auto crl = load_crl(SSL_CTX_get_cert_store(c), files.crl); !crl)
      return crl.error();
  return ctx;
}

} // namespace

result<std::shared_ptr<const trust>> trust::load(const site::tls_files& files,
                                                 const site_id& self) {
  auto out = std::make_shared<loaded_trust>();
  auto server = context(files, true);
  if (!server)
    return server.error();
  auto client = context(files, false);
  if (!client)
    return client.error();
  out->server = std::move(*server);
  out->client = std::move(*client);
  auto* leaf = SSL_CTX_get0_certificate(out->server.get());
  if (auto site = site_of(leaf); site != self)
    return bad(files.certificate,
               site.empty()
                 ? "names no site (URI SAN " + mesh::to_urn(self)
                     + " is missing)"
                 : "is for site " + site.value + ", not for " + self.value);
  out->own_chain.push_back(der(leaf));
  STACK_OF(X509)* rest = nullptr;
  SSL_CTX_get0_chain_certs(out->server.get(), &rest);
  for (int i = 0; rest != nullptr && i < sk_X509_num(rest)
                  && out->own_chain.size() < wire::chain_max;
       ++i)
    out->own_chain.push_back(der(sk_X509_value(rest, i)));
  // What peers will say of us should be heard at the start, not from them.
  if (auto own = out->judge(out->own_chain); !own)
    return bad(files.certificate,
               "does not verify against " + files.ca + ": " + own.error().what);
  return std::shared_ptr<const trust>{std::move(out)};
}

void session::free::operator()(ssl_st* x) const noexcept {
  SSL_free(x);
}

session::session(const trust& with, mesh::link::role as)
  : ssl_(with.connection(as)) {}

session::progress session::feed(std::string_view bytes) {
  progress out;
  auto* ssl = ssl_.get();
  ERR_clear_error();
  if (!bytes.empty())
    BIO_write(SSL_get_rbio(ssl), bytes.data(), static_cast<int>(bytes.size()));
  if (!secured_) {
    auto done = SSL_do_handshake(ssl);
    if (done != 1) {
      if (SSL_get_error(ssl, done) != SSL_ERROR_WANT_READ) {
        auto verdict = SSL_get_verify_result(ssl);
        out.failed = verdict == X509_V_OK
                       ? "TLS: " + reason()
                       : std::string{"TLS: the peer's certificate: "}
                           + X509_verify_cert_error_string(verdict);
        ERR_clear_error();
      }
      return out;
    }
    secured_ = true;
    out.secured = true;
  }
  char buffer[16384];
  for (;;) {
    auto n = SSL_read(ssl, buffer, sizeof buffer);
    if (n > 0) {
      out.plain.append(buffer, static_cast<std::size_t>(n));
      continue;
    }
    auto why = SSL_get_error(ssl, n);
    if (why == SSL_ERROR_ZERO_RETURN)
      out.failed = "the peer closed the connection";
    else if (why != SSL_ERROR_WANT_READ)
      out.failed = "TLS: " + reason();
    return out;
  }
}

void session::write(std::string_view plain) {
  while (!plain.empty()) {
    auto part = plain.substr(0, 1U << 30);
    auto n = SSL_write(ssl_.get(), part.data(), static_cast<int>(part.size()));
    if (n <= 0)
      return; // Shut down; the socket will say so.
    plain.remove_prefix(static_cast<std::size_t>(n));
  }
}

void session::output(std::vector<char>& to) {
  auto* bio = SSL_get_wbio(ssl_.get());
  char* bytes = nullptr;
  auto size = BIO_get_mem_data(bio, &bytes);
  if (size <= 0)
    return;
  to.insert(to.end(), bytes, bytes + size);
  (void) BIO_reset(bio);
}

std::vector<std::string> session::chain() const {
  std::vector<std::string> out;
  x509_ptr leaf{SSL_get1_peer_certificate(ssl_.get())};
  if (!leaf)
    return out;
  out.push_back(der(leaf.get()));
  // On the accepting side OpenSSL leaves the leaf out of this list.
  auto* rest = SSL_get_peer_cert_chain(ssl_.get());
  for (int i = 0; rest != nullptr && i < sk_X509_num(rest); ++i)
    if (auto x = der(sk_X509_value(rest, i)); x != out.front())
      out.push_back(std::move(x));
  return out;
}

} // namespace cheops::actors::tls
