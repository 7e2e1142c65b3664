#include "support/certificates.hpp"

#include "cheops/mesh/certificate_name.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <map>
#include <stdexcept>

namespace cheops::support {

namespace {

constexpr long a_day = 24L * 60 * 60;

void must(bool good) {
  if (!good)
    throw std::runtime_error("OpenSSL refuses to make a test certificate");
}

template <class Write>
void to_file(const std::string& file, Write write) {
  auto* out = std::fopen(file.c_str(), "w");
  must(out != nullptr);
  must(write(out) == 1);
  std::fclose(out);
}

void name(X509_NAME* to, const std::string& cn) {
  must(X509_NAME_add_entry_by_txt(
         to, "CN", MBSTRING_UTF8,
         reinterpret_cast<const unsigned char*>(cn.c_str()), -1, -1, 0)
       == 1);
}

void extend(X509* x, int nid, const std::string& value) {
  auto* e = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  must(e != nullptr);
  must(X509_add_ext(x, e, -1) == 1);
  X509_EXTENSION_free(e);
}

X509* blank(EVP_PKEY* key, long serial) {
  auto* x = X509_new();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
  X509_gmtime_adj(X509_getm_notBefore(x), -a_day);
  X509_gmtime_adj(X509_getm_notAfter(x), 30 * a_day);
  X509_set_pubkey(x, key);
  return x;
}

} // namespace

struct certificate_authority::keys {
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  std::map<std::string, long> serials;
  ~keys() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
};

certificate_authority::certificate_authority(std::string folder,
                                             std::string stem)
  : keys_(std::make_unique<keys>()), stem_(std::move(folder) + "/" + stem) {
  keys_->key = EVP_EC_gen("P-256");
  must(keys_->key != nullptr);
  auto* x = blank(keys_->key, serial_++);
  keys_->certificate = x;
  name(X509_get_subject_name(x), "Test CA " + stem);
  X509_set_issuer_name(x, X509_get_subject_name(x));
  extend(x, NID_basic_constraints, "critical,CA:TRUE");
  extend(x, NID_key_usage, "critical,keyCertSign,cRLSign");
  must(X509_sign(x, keys_->key, EVP_sha256()) > 0);
  to_file(stem_ + "-ca.pem", [&](FILE* f) { return PEM_write_X509(f, x); });
}

certificate_authority::~certificate_authority() = default;

site::tls_files certificate_authority::issue(const std::string& site) {
  auto out = issue_for("URI:" + mesh::to_urn(site_id{site}));
  keys_->serials[site] = serial_ - 1;
  return out;
}

site::tls_files certificate_authority::issue_for(const std::string& san) {
  auto* key = EVP_EC_gen("P-256");
  auto serial = serial_++;
  auto* x = blank(key, serial);
  keys_->serials[san] = serial;
  name(X509_get_subject_name(x), "a site");
  X509_set_issuer_name(x, X509_get_subject_name(keys_->certificate));
  extend(x, NID_subject_alt_name, san);
  must(X509_sign(x, keys_->key, EVP_sha256()) > 0);
  site::tls_files out;
  auto base = stem_ + "-" + std::to_string(serial);
  out.ca = stem_ + "-ca.pem";
  out.certificate = base + ".pem";
  out.key = base + "-key.pem";
  to_file(out.certificate, [&](FILE* f) { return PEM_write_X509(f, x); });
  to_file(out.key, [&](FILE* f) {
    return PEM_write_PrivateKey(f, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
  X509_free(x);
  EVP_PKEY_free(key);
  return out;
}

std::string
certificate_authority::revoke(const std::vector<std::string>& sites) {
  auto* crl = X509_CRL_new();
  X509_CRL_set_version(crl, X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(crl, X509_get_subject_name(keys_->certificate));
  auto* t = ASN1_TIME_new();
  X509_gmtime_adj(t, -60);
  X509_CRL_set1_lastUpdate(crl, t);
  for (const auto& s : sites) {
    auto* r = X509_REVOKED_new();
    auto* serial = ASN1_INTEGER_new();
    ASN1_INTEGER_set(serial, keys_->serials.at(s));
    X509_REVOKED_set_serialNumber(r, serial);
    X509_REVOKED_set_revocationDate(r, t);
    must(X509_CRL_add0_revoked(crl, r) == 1);
    ASN1_INTEGER_free(serial);
  }
  X509_gmtime_adj(t, a_day);
  X509_CRL_set1_nextUpdate(crl, t);
  ASN1_TIME_free(t);
  X509_CRL_sort(crl);
  must(X509_CRL_sign(crl, keys_->key, EVP_sha256()) > 0);
  auto file = stem_ + "-crl.pem";
  to_file(file, [&](FILE* f) { return PEM_write_X509_CRL(f, crl); });
  X509_CRL_free(crl);
  return file;
}

} // namespace cheops::support
