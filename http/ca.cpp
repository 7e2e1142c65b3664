#include "http/ca.hpp"

#include "cheops/names.hpp"
#include "cheops/site/name.hpp"
#include "http/ca_folder.hpp"
#include "http/openssl.hpp"
#include "http/text.hpp"
#include "http/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <ctime>
#include <filesystem>

namespace cheops::http::ca {

namespace {

constexpr std::size_t common_name_max = 64; // X.520's ub-common-name.
constexpr unsigned days_max = 36'500;
constexpr long skew_seconds = 300; // Clocks of other sites may be behind.

error wrong(std::string what, std::string hint = {}) {
  return {errc::bad_config, std::move(what), "", "certificates",
          std::move(hint)};
}

error openssl_failed(std::string_view step) {
  return {errc::io, std::string{step} + ": " + openssl_says(), "",
          "certificates", ""};
}

owned<EVP_PKEY> new_key() {
  return owned<EVP_PKEY>{EVP_EC_gen("P-256")};
}

template <class T, class Write>
std::string to_pem(T* x, Write write) {
  owned<BIO> to{BIO_new(BIO_s_mem())};
  if (write(to.get(), x) != 1)
    return {};
  char* text = nullptr;
  auto length = BIO_get_mem_data(to.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

std::string pem_of(X509* x) {
  return to_pem(x, PEM_write_bio_X509);
}
std::string pem_of(X509_CRL* x) {
  return to_pem(x, PEM_write_bio_X509_CRL);
}
std::string pem_of(EVP_PKEY* x) {
  return to_pem(x, [](BIO* to, EVP_PKEY* key) {
    return PEM_write_bio_PKCS8PrivateKey(to, key, nullptr, nullptr, 0, nullptr,
                                         nullptr);
  });
}

// 127 random bits: positive, never twice, and tells nothing.
owned<ASN1_INTEGER> random_serial() {
  owned<BIGNUM> number{BN_new()};
  if (BN_rand(number.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) != 1)
    return {};
  return owned<ASN1_INTEGER>{BN_to_ASN1_INTEGER(number.get(), nullptr)};
}

std::string hex_of(const ASN1_INTEGER* x) {
  owned<BIGNUM> number{ASN1_INTEGER_to_BN(x, nullptr)};
  auto* text = BN_bn2hex(number.get());
  std::string out{text};
  OPENSSL_free(text);
  return out;
}

// The subject; a name that is too long for it is cut (the SAN has it whole).
bool set_common_name(X509_NAME* to, std::string_view name) {
  auto text = clean_utf8(name, common_name_max);
  return X509_NAME_add_entry_by_txt(
           to, "CN", MBSTRING_UTF8,
           reinterpret_cast<const unsigned char*>(text.data()),
           static_cast<int>(text.size()), -1, 0)
         == 1;
}

// `text` is of our own making: nothing of a stranger's gets into it.
bool add_extension(X509* to, X509* issuer, int nid, const char* text) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  owned<X509_EXTENSION> x{X509V3_EXT_conf_nid(nullptr, &context, nid, text)};
  return x && X509_add_ext(to, x.get(), -1) == 1;
}

bool add_uri(GENERAL_NAMES* to, const std::string& uri) {
  auto* name = GENERAL_NAME_new();
  auto* text = ASN1_IA5STRING_new();
  ASN1_STRING_set(text, uri.data(), static_cast<int>(uri.size()));
  GENERAL_NAME_set0_value(name, GEN_URI, text);
  return sk_GENERAL_NAME_push(to, name) > 0;
}

bool add_dns(GENERAL_NAMES* to, const std::string& dns) {
  auto* name = GENERAL_NAME_new();
  auto* text = ASN1_IA5STRING_new();
  ASN1_STRING_set(text, dns.data(), static_cast<int>(dns.size()));
  GENERAL_NAME_set0_value(name, GEN_DNS, text);
  return sk_GENERAL_NAME_push(to, name) > 0;
}

bool add_address(GENERAL_NAMES* to, const std::string& literal) {
  auto* bytes = a2i_IPADDRESS(literal.c_str());
  if (bytes == nullptr)
    return false;
  auto* name = GENERAL_NAME_new();
  GENERAL_NAME_set0_value(name, GEN_IPADD, bytes);
  return sk_GENERAL_NAME_push(to, name) > 0;
}

bool add_names(X509* to, const request& what) {
  owned<GENERAL_NAMES> names{GENERAL_NAMES_new()};
  bool good = !what.site || add_uri(names.get(), site_uri(what.name));
  for (auto& x : what.dns)
    good = good && add_dns(names.get(), x);
  for (auto& x : what.addresses)
    good = good && add_address(names.get(), x);
  return good
         && X509_add1_ext_i2d(to, NID_subject_alt_name, names.get(), 0, 0) == 1;
}

// What every certificate has; the caller adds its extensions and signs.
owned<X509> new_certificate(std::string_view name, EVP_PKEY* key,
                            unsigned days) {
  owned<X509> x{X509_new()};
  auto serial = random_serial();
  auto set = x && serial && X509_set_version(x.get(), X509_VERSION_3) == 1
             && X509_set_serialNumber(x.get(), serial.get()) == 1
             && X509_gmtime_adj(X509_getm_notBefore(x.get()), -skew_seconds)
             && X509_time_adj_ex(X509_getm_notAfter(x.get()),
                                 static_cast<int>(days), 0, nullptr)
             && X509_set_pubkey(x.get(), key) == 1
             && set_common_name(X509_get_subject_name(x.get()), name);
  return set ? std::move(x) : nullptr;
}

owned<X509> new_authority(const authority& with, EVP_PKEY* key) {
  auto x = new_certificate(with.name, key, with.days);
  if (!x)
    return nullptr;
  auto* self = x.get();
  auto set =
    X509_set_issuer_name(self, X509_get_subject_name(self)) == 1
    && add_extension(self, self, NID_basic_constraints,
                     "critical,CA:TRUE,pathlen:0")
    && add_extension(self, self, NID_key_usage, "critical,keyCertSign,cRLSign")
    && add_extension(self, self, NID_subject_key_identifier, "hash")
    && X509_sign(self, key, EVP_sha256()) > 0;
  return set ? std::move(x) : nullptr;
}

struct opened {
  owned<X509> certificate;
  owned<EVP_PKEY> key;
};

owned<X509> new_leaf(const request& what, EVP_PKEY* key, const opened& by) {
  auto x = new_certificate(what.name, key, what.days);
  if (!x)
    return nullptr;
  auto* issuer = by.certificate.get();
  // Nothing outlives its authority.
  auto* until = X509_get0_notAfter(issuer);
  if (ASN1_TIME_compare(X509_get0_notAfter(x.get()), until) > 0
      && X509_set1_notAfter(x.get(), until) != 1)
    return nullptr;
  auto set =
    X509_set_issuer_name(x.get(), X509_get_subject_name(issuer)) == 1
    && add_extension(x.get(), issuer, NID_basic_constraints,
                     "critical,CA:FALSE")
    && add_extension(x.get(), issuer, NID_key_usage,
                     "critical,digitalSignature")
    && add_extension(x.get(), issuer, NID_ext_key_usage,
                     what.site ? "serverAuth,clientAuth" : "serverAuth")
    && add_extension(x.get(), issuer, NID_subject_key_identifier, "hash")
    && add_extension(x.get(), issuer, NID_authority_key_identifier,
                     "keyid:always")
    && add_names(x.get(), what)
    && X509_sign(x.get(), by.key.get(), EVP_sha256()) > 0;
  return set ? std::move(x) : nullptr;
}

// RFC 3339, UTC.
std::string text_of(const ASN1_TIME* x) {
  std::tm broken{};
  if (ASN1_TIME_to_tm(x, &broken) != 1)
    return {};
  std::array<char, 32> out{};
  auto length =
    std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%SZ", &broken);
  return {out.data(), length};
}

std::string now_text() {
  owned<ASN1_TIME> now{X509_gmtime_adj(nullptr, 0)};
  return text_of(now.get());
}

bool add_revoked(X509_CRL* to, const entry& x) {
  BIGNUM* number = nullptr;
  if (BN_hex2bn(&number, x.serial.c_str()) == 0)
    return false;
  owned<BIGNUM> keep{number};
  owned<ASN1_INTEGER> serial{BN_to_ASN1_INTEGER(number, nullptr)};
  owned<ASN1_TIME> when{ASN1_TIME_new()};
  owned<X509_REVOKED> one{X509_REVOKED_new()};
  // "2026-01-02T03:04:05Z" as ASN.1 writes it: "20260102030405Z".
  std::string generalized = x.revoked;
  std::erase_if(generalized,
                [](char c) { return c == '-' || c == ':' || c == 'T'; });
  if (ASN1_TIME_set_string_X509(when.get(), generalized.c_str()) != 1
      || X509_REVOKED_set_serialNumber(one.get(), serial.get()) != 1
      || X509_REVOKED_set_revocationDate(one.get(), when.get()) != 1
      || X509_CRL_add0_revoked(to, one.get()) != 1)
    return false;
  (void) one.release(); // The list owns it now.
  return true;
}

// It holds until the authority ends: no machinery renews it, and a list that
// ran out would cut every site from every other.
result<std::string> make_crl(const opened& by,
                             const std::vector<entry>& entries) {
  owned<X509_CRL> crl{X509_CRL_new()};
  owned<ASN1_TIME> now{X509_gmtime_adj(nullptr, 0)};
  auto* issuer = by.certificate.get();
  auto good =
    X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) == 1
    && X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer)) == 1
    && X509_CRL_set1_lastUpdate(crl.get(), now.get()) == 1
    && X509_CRL_set1_nextUpdate(crl.get(), X509_get0_notAfter(issuer)) == 1;
  for (auto& x : entries)
    if (!x.revoked.empty())
      good = good && add_revoked(crl.get(), x);
  good = good && X509_CRL_sort(crl.get()) == 1
         && X509_CRL_sign(crl.get(), by.key.get(), EVP_sha256()) > 0;
  if (!good)
    return openssl_failed("make the CRL");
  return pem_of(crl.get());
}

/// The folder of an authority that was made.
result<folder_lock> open_folder(const std::string& folder) {
  auto in = folder_lock::open(folder);
  std::error_code ec;
  if (in ? in->exists("ca.crt") : std::filesystem::exists(folder, ec))
    return in;
  return wrong("there is no authority in " + folder,
               "make one (cheops ca init), or name its folder");
}

result<opened> open_authority(const folder_lock& in) {
  auto certificate = in.read("ca.crt");
  if (!certificate)
    return certificate.error();
  auto key = in.read("ca.key");
  if (!key)
    return key.error();
  opened out;
  owned<BIO> from{BIO_new_mem_buf(certificate->data(),
                                  static_cast<int>(certificate->size()))};
  out.certificate.reset(
    PEM_read_bio_X509(from.get(), nullptr, no_password, nullptr));
  from.reset(BIO_new_mem_buf(key->data(), static_cast<int>(key->size())));
  out.key.reset(
    PEM_read_bio_PrivateKey(from.get(), nullptr, no_password, nullptr));
  OPENSSL_cleanse(key->data(), key->size());
  if (!out.certificate || !out.key
      || X509_check_private_key(out.certificate.get(), out.key.get()) != 1) {
    ERR_clear_error();
    return wrong(in.path("ca.crt")
                 + " and ca.key are not a certificate and "
                   "its key");
  }
  if (X509_cmp_current_time(X509_get0_notAfter(out.certificate.get())) < 0)
    return wrong(in.path("ca.crt") + " has expired",
                 "make a new authority: cheops ca init");
  return out;
}

bool is_dns_name(std::string_view x) {
  if (x.starts_with("*."))
    x.remove_prefix(2);
  if (x.empty() || x.size() > site::name_bytes_max || x.front() == '.'
      || x.back() == '.')
    return false;
  return std::all_of(x.begin(), x.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

bool is_address(const std::string& x) {
  ERR_clear_error();
  auto* bytes = a2i_IPADDRESS(x.c_str());
  ERR_clear_error();
  ASN1_OCTET_STRING_free(bytes);
  return bytes != nullptr;
}

result<void> check(const request& what) {
  auto& name = what.name;
  // The rule of the configuration: it must take what is issued here.
  if (!site::is_name(name) || clean_utf8(name, name.size() * 3) != name)
    return wrong("\"" + clean_utf8(name, site::name_bytes_max)
                   + "\" cannot be a name",
                 "give " + std::string{site::name_rule});
  for (auto& x : what.dns)
    if (!is_dns_name(x))
      return wrong("\"" + clean_utf8(x, site::name_bytes_max)
                   + "\" is not a DNS name");
  for (auto& x : what.addresses)
    if (!is_address(x))
      return wrong("\"" + clean_utf8(x, site::name_bytes_max)
                   + "\" is not an IP address");
  if (!what.site && what.dns.empty() && what.addresses.empty())
    return wrong("a server's certificate needs a DNS name or an IP address");
  if (what.days == 0 || what.days > days_max)
    return wrong("a certificate is valid for 1 to 36500 days");
  return {};
}

} // namespace

result<void> init(const std::string& folder, const authority& with) {
  if (with.days == 0 || with.days > days_max || with.name.empty())
    return wrong("an authority has a name and is valid for 1 to 36500 days");
  auto in = folder_lock::make(folder);
  if (!in)
    return in.error();
  for (auto* file : {"ca.crt", "ca.key", "issued.jsonl"})
    if (in->exists(file))
      return wrong(in->path(file) + " exists: there is an authority already",
                   "name another folder");
  opened made;
  made.key = new_key();
  if (made.key)
    made.certificate = new_authority(with, made.key.get());
  if (!made.certificate)
    return openssl_failed("make the authority");
  auto crl = make_crl(made, {});
  if (!crl)
    return crl.error();
  return in->create({{"ca.key", pem_of(made.key.get()), 0600},
                     {"ca.crt", pem_of(made.certificate.get()), 0644},
                     {"ca.crl", *crl, 0644},
                     {"issued.jsonl", "", 0644}});
}

result<issued> issue(const std::string& folder, const request& what) {
  if (auto good = check(what); !good)
    return good.error();
  auto in = open_folder(folder);
  if (!in)
    return in.error();
  auto by = open_authority(*in);
  if (!by)
    return by.error();
  auto entries = in->read_entries();
  if (!entries)
    return entries.error();
  // A mesh takes them for one name, and keeps the second site out.
  for (const auto& x : *entries)
    if (what.site && x.site && x.revoked.empty() && x.name != what.name
        && same_name(x.name, what.name))
      return wrong("there is a site \"" + x.name
                     + "\", and names match whatever their case",
                   "take another name, or revoke " + x.name);
  std::error_code ec;
  if (what.into.empty()
      || std::filesystem::equivalent(what.into, folder, ec)) // Locked by us.
    return wrong("the files of a certificate go into a folder of their own");
  auto into = folder_lock::make(what.into);
  if (!into)
    return into.error();
  std::string stem = what.site ? "site" : "server";
  if (!what.overwrite)
    for (auto* end : {".crt", ".key"})
      if (into->exists(stem + end))
        return wrong(
          into->path(stem + end) + " exists",
          "name another folder (--into), or replace it (--overwrite)");
  auto key = new_key();
  auto leaf = key ? new_leaf(what, key.get(), *by) : nullptr;
  if (!leaf)
    return openssl_failed("make the certificate");
  issued out{into->path(stem + ".crt"), into->path(stem + ".key"),
             into->path("ca.crt"), hex_of(X509_get0_serialNumber(leaf.get()))};
  // Listed first: what is not listed could not be revoked.
  entries->push_back({out.serial, what.name, what.site,
                      text_of(X509_get0_notAfter(leaf.get())), ""});
  if (auto done = in->write_entries(*entries); !done)
    return done.error();
  auto done = into->replace({{stem + ".key", pem_of(key.get()), 0600},
                             {stem + ".crt", pem_of(leaf.get()), 0644},
                             {"ca.crt", pem_of(by->certificate.get()), 0644}});
  if (!done)
    return done.error();
  return out;
}

result<std::vector<entry>> list(const std::string& folder) {
  auto in = open_folder(folder);
  if (!in)
    return in.error();
  return in->read_entries();
}

result<std::vector<std::string>> revoke(const std::string& folder,
                                        const std::string& serial_or_name) {
  auto in = open_folder(folder);
  if (!in)
    return in.error();
  auto by = open_authority(*in);
  if (!by)
    return by.error();
  auto entries = in->read_entries();
  if (!entries)
    return entries.error();
  std::vector<std::string> revoked;
  auto now = now_text();
  for (auto& x : *entries) {
    if (!x.revoked.empty()
        || (!same_name(x.serial, serial_or_name) && x.name != serial_or_name))
      continue;
    x.revoked = now;
    revoked.push_back(x.serial);
  }
  if (revoked.empty())
    return wrong("no valid certificate has the serial or the name \""
                   + clean_utf8(serial_or_name, site::name_bytes_max) + "\"",
                 "see: cheops ca list");
  auto crl = make_crl(*by, *entries);
  if (!crl)
    return crl.error();
  // The CRL first: a revocation that is listed has taken effect.
  if (auto done = in->replace({{"ca.crl", *crl, 0644}}); !done)
    return done.error();
  if (auto done = in->write_entries(*entries); !done)
    return done.error();
  return revoked;
}

} // namespace cheops::http::ca
