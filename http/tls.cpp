#include "http/tls.hpp"

#include "cheops/percent.hpp"
#include "http/openssl.hpp"
#include "http/text.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <optional>

namespace cheops::http {

namespace {

constexpr std::string_view uri_prefix = "urn:cheops:site:";
constexpr std::array<unsigned char, 9> alpn{8,   'h', 't', 't', 'p',
                                            '/', '1', '.', '1'};

error bad_file(const std::string& file, std::string what,
               std::string hint = {}) {
  return {errc::bad_config, file + ": " + std::move(what), "", "load TLS files",
          std::move(hint)};
}

result<owned<BIO>> open_file(const std::string& file) {
  ERR_clear_error();
  errno = 0;
  owned<BIO> in{BIO_new_file(file.c_str(), "r")};
  if (!in) {
    auto why = errno;
    ERR_clear_error();
    return bad_file(file, why == 0 ? "cannot be read" : std::strerror(why));
  }
  return in;
}

std::string date(const ASN1_TIME* x) {
  owned<BIO> to{BIO_new(BIO_s_mem())};
  ASN1_TIME_print_ex(to.get(), x, ASN1_DTFLGS_ISO8601);
  char* text = nullptr;
  auto length = BIO_get_mem_data(to.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

std::optional<error> check_dates(const std::string& file, const X509* x) {
  if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
    return bad_file(file, "has expired on " + date(X509_get0_notAfter(x)),
                    "issue a new one: cheops ca issue");
  if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
    return bad_file(file, "is not valid before " + date(X509_get0_notBefore(x)),
                    "check this machine's clock");
  return {};
}

result<owned<X509>> read_leaf(const std::string& file) {
  auto in = open_file(file);
  if (!in)
    return in.error();
  owned<X509> leaf{PEM_read_bio_X509(in->get(), nullptr, no_password, nullptr)};
  if (!leaf) {
    ERR_clear_error();
    return bad_file(file, "holds no certificate in PEM form");
  }
  return leaf;
}

result<owned<EVP_PKEY>> read_key(const std::string& file) {
  auto in = open_file(file);
  if (!in)
    return in.error();
  bool asked = false;
  owned<EVP_PKEY> key{
    PEM_read_bio_PrivateKey(in->get(), nullptr, no_password, &asked)};
  if (key)
    return key;
  ERR_clear_error();
  return asked ? bad_file(file, "is encrypted with a password",
                          "decrypt it: openssl pkey -in … -out …")
               : bad_file(file, "holds no private key in PEM form");
}

// Our certificate and its key.
result<void> use_identity(SSL_CTX* to, const site::tls_files& files) {
  if (files.certificate.empty() || files.key.empty())
    return bad_file(files.certificate.empty() ? "tls.certificate" : "tls.key",
                    "is not configured, and is needed beside the other");
  auto leaf = read_leaf(files.certificate);
  if (!leaf)
    return leaf.error();
  if (auto wrong = check_dates(files.certificate, leaf->get()))
    return *wrong;
  auto key = read_key(files.key);
  if (!key)
    return key.error();
  if (X509_check_private_key(leaf->get(), key->get()) != 1) {
    ERR_clear_error();
    return bad_file(files.key, "is not the key of the certificate in "
                                 + files.certificate);
  }
  if (SSL_CTX_use_certificate_chain_file(to, files.certificate.c_str()) != 1)
    return bad_file(files.certificate, openssl_says());
  if (SSL_CTX_use_PrivateKey(to, key->get()) != 1)
    return bad_file(files.key, openssl_says());
  return {};
}

result<void> use_crl(SSL_CTX* to, const std::string& file) {
  auto in = open_file(file);
  if (!in)
    return in.error();
  auto* store = SSL_CTX_get_cert_store(to);
  std::size_t count = 0;
  for (;;) {
    owned<X509_CRL> crl{
      PEM_read_bio_X509_CRL(in->get(), nullptr, no_password, nullptr)};
    if (!crl)
      break;
    auto* until = X509_CRL_get0_nextUpdate(crl.get());
    if (until != nullptr && X509_cmp_current_time(until) < 0)
      return bad_file(file, "has expired on " + date(until),
                      "fetch the authority's newest CRL");
    if (X509_STORE_add_crl(store, crl.get()) != 1)
      return bad_file(file, openssl_says());
    ++count;
  }
  auto why = ERR_GET_REASON(ERR_peek_last_error());
  ERR_clear_error();
  if (count == 0 || why != PEM_R_NO_START_LINE)
    return bad_file(file, "holds no CRL in PEM form");
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
  return {};
}

// Who may have signed the other side, and what they have revoked.
result<void> use_authorities(SSL_CTX* to, const site::tls_files& files) {
  auto first = read_leaf(files.ca); // For its precise errors.
  if (!first)
    return first.error();
  if (auto wrong = check_dates(files.ca, first->get()))
    return *wrong;
  if (SSL_CTX_load_verify_file(to, files.ca.c_str()) != 1)
    return bad_file(files.ca, openssl_says());
  if (!files.crl.empty())
    return use_crl(to, files.crl);
  return {};
}

int choose_alpn(SSL*, const unsigned char** out, unsigned char* out_length,
                const unsigned char* in, unsigned in_length, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_length, alpn.data(), alpn.size(), in,
                            in_length)
      != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL; // RFC 7301, 3.2.
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

void no_resumption(SSL_CTX* x) {
  SSL_CTX_set_session_cache_mode(x, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(x, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(x, 0);
}

ssl_context make(bool accepts, int version_min) {
  auto* method = accepts ? TLS_server_method() : TLS_client_method();
  ssl_context out{SSL_CTX_new(method), SSL_CTX_free};
  assert(out != nullptr);
  auto* x = out.get();
  SSL_CTX_set_min_proto_version(x, version_min);
  SSL_CTX_set_options(x, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION
                           | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Idle connections are many: they shall not hold two buffers of 16 KiB.
  SSL_CTX_set_mode(x, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
                        | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_default_passwd_cb(x, no_password);
  [[maybe_unused]] auto set =
    SSL_CTX_set_cipher_list(x, "ECDHE+AESGCM:ECDHE+CHACHA20"); // TLS 1.2.
  assert(set == 1);
  if (accepts) {
    SSL_CTX_set_alpn_select_cb(x, choose_alpn, nullptr);
  } else {
    SSL_CTX_set_session_cache_mode(x, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_protos(x, alpn.data(), alpn.size());
  }
  return out;
}

// The text of a URI that names a site; nullopt if it is of another kind.
std::optional<std::string_view> site_text(const GENERAL_NAME* x) {
  if (x->type != GEN_URI)
    return {};
  auto* uri = x->d.uniformResourceIdentifier;
  std::string_view text{
    reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
    static_cast<std::size_t>(ASN1_STRING_length(uri))};
  if (!text.starts_with(uri_prefix))
    return {};
  return text.substr(uri_prefix.size());
}

// The name in it; empty if it is malformed.
std::string site_in(std::string_view text) {
  auto name = percent_decoded(text);
  if (!name)
    return {};
  for (auto c : *name)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      return {};
  return clean_utf8(*name, name->size() * 3) == *name ? *name : std::string{};
}

} // namespace

std::string openssl_says() {
  auto code = ERR_peek_last_error();
  ERR_clear_error();
  auto* reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

int no_password(char*, int, int, void* asked) {
  if (asked != nullptr)
    *static_cast<bool*>(asked) = true;
  return -1;
}

result<ssl_context> front_context(const site::tls_files& files) {
  auto out = make(true, TLS1_2_VERSION);
  if (auto done = use_identity(out.get(), files); !done)
    return done.error();
  if (files.ca.empty()) {
    // Tickets keep the sessions at the clients; we hold nothing.
    SSL_CTX_set_session_cache_mode(out.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(out.get(), 1);
    return out;
  }
  no_resumption(out.get());
  if (auto done = use_authorities(out.get(), files); !done)
    return done.error();
  SSL_CTX_set_client_CA_list(out.get(),
                             SSL_load_client_CA_file(files.ca.c_str()));
  SSL_CTX_set_verify(
    out.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return out;
}

result<ssl_context> peer_context(const site::tls_files& files, bool accepts) {
  if (files.ca.empty())
    return bad_file("tls.ca",
                    "is not configured; between sites both ends show "
                    "certificates of one authority",
                    "make one: cheops ca init");
  auto out = make(accepts, TLS1_3_VERSION);
  no_resumption(out.get());
  if (auto done = use_identity(out.get(), files); !done)
    return done.error();
  if (auto done = use_authorities(out.get(), files); !done)
    return done.error();
  SSL_CTX_set_verify(
    out.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  return out;
}

result<ssl_context> client_context(const site::tls_files& files, bool verify) {
  auto out = make(false, TLS1_2_VERSION);
  if (!files.certificate.empty() || !files.key.empty())
    if (auto done = use_identity(out.get(), files); !done)
      return done.error();
  if (!verify)
    return out;
  if (files.ca.empty()) {
    if (SSL_CTX_set_default_verify_paths(out.get()) != 1)
      return bad_file(X509_get_default_cert_dir(), openssl_says());
  } else if (auto done = use_authorities(out.get(), files); !done) {
    return done.error();
  }
  SSL_CTX_set_verify(out.get(), SSL_VERIFY_PEER, nullptr);
  return out;
}

result<ssl_context> backend_context(const site::backend& to) {
  auto out = client_context(to.files, to.verify);
  if (!out || !to.verify)
    return out;
  auto& name = to.server_name.empty() ? to.at.host : to.server_name;
  auto* checks = SSL_CTX_get0_param(out->get());
  if (X509_VERIFY_PARAM_set1_ip_asc(checks, name.c_str()) == 1)
    return out;
  ERR_clear_error();
  X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (name.empty()
      || X509_VERIFY_PARAM_set1_host(checks, name.data(), name.size()) != 1)
    return bad_file("backend", "\"" + name + "\" cannot be a server's name");
  return out;
}

std::string site_of(const SSL* connection) {
  auto* cert = SSL_get0_peer_certificate(connection);
  // Without verification the result is "ok" as well: ask for both.
  if (cert == nullptr || SSL_get_verify_result(connection) != X509_V_OK
      || (SSL_get_verify_mode(connection) & SSL_VERIFY_PEER) == 0)
    return {};
  owned<GENERAL_NAMES> names{static_cast<GENERAL_NAMES*>(
    X509_get_ext_d2i(cert, NID_subject_alt_name, nullptr, nullptr))};
  std::optional<std::string_view> found;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    auto text = site_text(sk_GENERAL_NAME_value(names.get(), i));
    if (text && found)
      return {}; // Two names: nobody's.
    if (text)
      found = text;
  }
  return found ? site_in(*found) : std::string{};
}

bool still_trusted(const SSL* connection, const SSL_CTX* now) {
  if ((SSL_CTX_get_verify_mode(now) & SSL_VERIFY_PEER) == 0)
    return true;
  auto* leaf = SSL_get0_peer_certificate(connection);
  owned<X509_STORE_CTX> check{X509_STORE_CTX_new()};
  if (leaf == nullptr || !check
      || X509_STORE_CTX_init(check.get(), SSL_CTX_get_cert_store(now), leaf,
                             SSL_get_peer_cert_chain(connection))
           != 1)
    return false;
  // As OpenSSL does in a handshake.
  X509_STORE_CTX_set_default(
    check.get(), SSL_is_server(connection) != 0 ? "ssl_client" : "ssl_server");
  auto good = X509_verify_cert(check.get()) == 1;
  ERR_clear_error();
  return good;
}

std::string site_uri(std::string_view site) {
  return std::string{uri_prefix} + percent_encoded(site);
}

std::string refused_because(const SSL* connection) {
  auto why = SSL_get_verify_result(connection);
  return why == X509_V_OK ? std::string{} : X509_verify_cert_error_string(why);
}

bool refused_certificate(const SSL* connection) {
  return SSL_get_verify_result(connection) != X509_V_OK
         || ERR_GET_REASON(ERR_peek_last_error())
              == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
}

result<int> days_left(const std::string& certificate_file) {
  auto leaf = read_leaf(certificate_file);
  if (!leaf)
    return leaf.error();
  int days = 0, rest = 0;
  if (ASN1_TIME_diff(&days, &rest, nullptr, X509_get0_notAfter(leaf->get()))
      != 1)
    return bad_file(certificate_file, "has no readable end of validity");
  return days < 0 || rest < 0 ? days - 1 : days;
}

} // namespace cheops::http
