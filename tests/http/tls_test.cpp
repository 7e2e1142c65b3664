#include "http/ca.hpp"
#include "http/tls.hpp"
#include "support/boost_test.hpp"
#include "support/folder_fixture.hpp"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

using namespace cheops;
namespace ca = cheops::http::ca;

namespace {

/// Both ends of a connection in one thread.
struct pair_of_ends {
  using end = std::unique_ptr<SSL, decltype(&SSL_free)>;
  end client, server;
  bool client_up = false, server_up = false;

  pair_of_ends(const http::ssl_context& from, const http::ssl_context& to)
    : client(SSL_new(from.get()), SSL_free),
      server(SSL_new(to.get()), SSL_free) {
    BIO *a = nullptr, *b = nullptr;
    BIO_new_bio_pair(&a, 0, &b, 0);
    SSL_set_bio(client.get(), a, a);
    SSL_set_bio(server.get(), b, b);
    SSL_set_connect_state(client.get());
    SSL_set_accept_state(server.get());
  }

  /// Turns both until nothing moves; true if both have agreed.
  bool shake() {
    bool client_failed = false, server_failed = false;
    for (int i = 0; i < 20; ++i) {
      turn(client.get(), client_up, client_failed);
      turn(server.get(), server_up, server_failed);
    }
    // In TLS 1.3 the client is done before the server has looked at its
    // certificate: what it hears then comes with the next read.
    char byte = 0;
    if (client_up && SSL_read(client.get(), &byte, 1) <= 0
        && SSL_get_error(client.get(), -1) == SSL_ERROR_SSL)
      client_up = false;
    return client_up && server_up;
  }

private:
  static void turn(SSL* x, bool& up, bool& failed) {
    if (up || failed)
      return;
    auto n = SSL_do_handshake(x);
    up = n == 1;
    auto why = SSL_get_error(x, n);
    failed = !up && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE;
  }
};

struct mesh_fixture : folder_fixture {
  std::string home = path("ca");

  mesh_fixture() { BOOST_REQUIRE(ca::init(home, {}).has_value()); }

  site::tls_files files_of(const std::string& name,
                           const std::string& authority = {}) const {
    ca::request what;
    what.name = name;
    what.into = path("files-" + name);
    auto made = ca::issue(authority.empty() ? home : authority, what).value();
    site::tls_files out;
    out.certificate = made.certificate;
    out.key = made.key;
    out.ca = path("ca/ca.crt");
    out.crl = path("ca/ca.crl");
    return out;
  }

  site::tls_files server_files() const {
    ca::request what;
    what.name = "front";
    what.site = false;
    what.dns = {"images.example"};
    what.addresses = {"127.0.0.1"};
    what.into = path("front");
    auto made = ca::issue(home, what).value();
    site::tls_files out;
    out.certificate = made.certificate;
    out.key = made.key;
    return out;
  }

  /// A certificate with these URIs, whatever they are, by a CA of its own.
  site::tls_files with_uris(std::vector<std::string> uris) const {
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"),
                                                            EVP_PKEY_free};
    std::unique_ptr<X509, decltype(&X509_free)> x{X509_new(), X509_free};
    X509_set_version(x.get(), X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(x.get()), -100);
    X509_gmtime_adj(X509_getm_notAfter(x.get()), 100'000);
    X509_set_pubkey(x.get(), key.get());
    auto* names = GENERAL_NAMES_new();
    for (auto& uri : uris) {
      auto* text = ASN1_IA5STRING_new();
      ASN1_STRING_set(text, uri.data(), static_cast<int>(uri.size()));
      auto* name = GENERAL_NAME_new();
      GENERAL_NAME_set0_value(name, GEN_URI, text);
      sk_GENERAL_NAME_push(names, name);
    }
    X509_add1_ext_i2d(x.get(), NID_subject_alt_name, names, 0, 0);
    GENERAL_NAMES_free(names);
    X509_sign(x.get(), key.get(), EVP_sha256());
    site::tls_files out{path("uri.crt"), path("uri.key"), path("uri.crt"), ""};
    save(out.certificate, [&](BIO* to) { PEM_write_bio_X509(to, x.get()); });
    save(out.key, [&](BIO* to) {
      PEM_write_bio_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr,
                               nullptr);
    });
    return out;
  }

  template <class Write>
  static void save(const std::string& file, Write write) {
    auto* to = BIO_new_file(file.c_str(), "w");
    BOOST_REQUIRE(to != nullptr);
    write(to);
    BIO_free(to);
  }
};

std::string what_of(const result<http::ssl_context>& x) {
  BOOST_REQUIRE(!x);
  BOOST_TEST((x.error().code == errc::bad_config));
  return x.error().what;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(tls)

BOOST_FIXTURE_TEST_CASE(peers_know_each_other_by_their_certificates,
                        mesh_fixture) {
  auto paris = http::peer_context(files_of("Paris"), false).value();
  auto york = http::peer_context(files_of("New York é"), true).value();
  pair_of_ends x{paris, york};
  BOOST_REQUIRE(x.shake());
  BOOST_TEST(http::site_of(x.client.get()) == "New York é");
  BOOST_TEST(http::site_of(x.server.get()) == "Paris");
  BOOST_TEST(std::string{SSL_get_version(x.client.get())} == "TLSv1.3");
  const unsigned char* protocol = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(x.client.get(), &protocol, &length);
  std::string chosen{reinterpret_cast<const char*>(protocol), length};
  BOOST_TEST(chosen == "http/1.1");
}

BOOST_FIXTURE_TEST_CASE(a_peer_of_another_authority_is_refused, mesh_fixture) {
  auto other = path("other");
  BOOST_REQUIRE(ca::init(other, {}).has_value());
  auto stranger = files_of("Paris", other); // Trusts ours, shows theirs.
  auto from = http::peer_context(stranger, false).value();
  auto to = http::peer_context(files_of("Berlin"), true).value();
  pair_of_ends x{from, to};
  BOOST_TEST(!x.shake());
  BOOST_TEST(!x.server_up);
  BOOST_TEST(http::refused_because(x.server.get()) != "");
  BOOST_TEST(http::site_of(x.server.get()) == "");
}

BOOST_FIXTURE_TEST_CASE(a_peer_without_a_certificate_is_refused, mesh_fixture) {
  site::tls_files nobody;
  nobody.ca = path("ca/ca.crt");
  auto from = http::client_context(nobody, true).value();
  auto to = http::peer_context(files_of("Berlin"), true).value();
  pair_of_ends x{from, to};
  BOOST_TEST(!x.shake());
  BOOST_TEST(!x.server_up);
}

BOOST_FIXTURE_TEST_CASE(a_front_certificate_makes_no_peer, mesh_fixture) {
  auto front = server_files();
  front.ca = path("ca/ca.crt");
  auto from = http::peer_context(front, false).value();
  auto to = http::peer_context(files_of("Berlin"), true).value();
  pair_of_ends x{from, to};
  BOOST_TEST(!x.shake()); // It is not for clients.
}

BOOST_FIXTURE_TEST_CASE(what_is_revoked_is_refused_both_ways, mesh_fixture) {
  auto paris = files_of("Paris");
  auto berlin = files_of("Berlin");
  BOOST_REQUIRE(ca::revoke(home, "Paris").has_value());
  {
    pair_of_ends x{http::peer_context(paris, false).value(),
                   http::peer_context(berlin, true).value()};
    BOOST_TEST(!x.shake());
    BOOST_TEST(http::refused_because(x.server.get()) == "certificate revoked");
  }
  {
    pair_of_ends x{http::peer_context(berlin, false).value(),
                   http::peer_context(paris, true).value()};
    BOOST_TEST(!x.shake());
    BOOST_TEST(http::refused_because(x.client.get()) == "certificate revoked");
  }
  pair_of_ends x{http::peer_context(berlin, false).value(),
                 http::peer_context(files_of("Rome"), true).value()};
  BOOST_TEST(x.shake());
}

BOOST_FIXTURE_TEST_CASE(peers_speak_nothing_older_than_tls_1_3, mesh_fixture) {
  auto paris = http::peer_context(files_of("Paris"), false).value();
  SSL_CTX_set_min_proto_version(paris.get(), TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(paris.get(), TLS1_2_VERSION);
  pair_of_ends x{paris, http::peer_context(files_of("Berlin"), true).value()};
  BOOST_TEST(!x.shake());
}

BOOST_FIXTURE_TEST_CASE(a_client_that_wants_another_protocol_is_refused,
                        mesh_fixture) {
  site::tls_files trust;
  trust.ca = path("ca/ca.crt");
  auto from = http::client_context(trust, true).value();
  unsigned char h2[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(from.get(), h2, sizeof h2);
  pair_of_ends x{from, http::front_context(server_files()).value()};
  BOOST_TEST(!x.shake());
}

BOOST_FIXTURE_TEST_CASE(a_backend_is_checked_by_name_and_by_address,
                        mesh_fixture) {
  auto front = http::front_context(server_files()).value();
  auto reaches = [&](const std::string& host, const std::string& name,
                     bool verify) {
    site::backend to;
    to.at = {host, 443};
    to.server_name = name;
    to.files.ca = path("ca/ca.crt");
    to.verify = verify;
    pair_of_ends x{http::backend_context(to).value(), front};
    return x.shake();
  };
  BOOST_TEST(reaches("images.example", "", true));
  BOOST_TEST(reaches("10.0.0.1", "images.example", true));
  BOOST_TEST(reaches("127.0.0.1", "", true));
  BOOST_TEST(!reaches("127.0.0.2", "", true));
  BOOST_TEST(!reaches("other.example", "", true));
  BOOST_TEST(reaches("other.example", "", false));
}

BOOST_FIXTURE_TEST_CASE(a_front_with_an_authority_wants_its_clients_known,
                        mesh_fixture) {
  auto files = server_files();
  files.ca = path("ca/ca.crt");
  auto front = http::front_context(files).value();
  site::tls_files trust;
  trust.ca = files.ca;
  pair_of_ends unknown{http::client_context(trust, true).value(), front};
  BOOST_TEST(!unknown.shake());
  auto known = files_of("Someone");
  known.crl.clear();
  pair_of_ends good{http::client_context(known, true).value(), front};
  BOOST_TEST(good.shake());
}

BOOST_FIXTURE_TEST_CASE(a_name_counts_only_alone_and_whole, mesh_fixture) {
  auto seen_as = [this](std::vector<std::string> uris) {
    auto files = with_uris(std::move(uris));
    pair_of_ends x{http::peer_context(files, false).value(),
                   http::peer_context(files, true).value()};
    BOOST_REQUIRE(x.shake());
    return http::site_of(x.server.get());
  };
  BOOST_TEST(seen_as({"urn:cheops:site:Paris"}) == "Paris");
  BOOST_TEST(seen_as({"https://x/", "urn:cheops:site:a%20b"}) == "a b");
  BOOST_TEST(seen_as({"urn:cheops:site:A", "urn:cheops:site:B"}) == "");
  BOOST_TEST(seen_as({"urn:cheops:site:A", "urn:cheops:site:%zz"}) == "");
  BOOST_TEST(seen_as({"urn:cheops:site:"}) == "");
  BOOST_TEST(seen_as({"urn:cheops:site:A%00B"}) == "");
  BOOST_TEST(seen_as({"urn:cheops:site:A%0AB"}) == "");
  BOOST_TEST(seen_as({"urn:cheops:site:%FF"}) == "");
  BOOST_TEST(seen_as({std::string{"urn:cheops:site:A\0B", 19}}) == "");
  BOOST_TEST(seen_as({"urn:other:site:A"}) == "");
}

BOOST_FIXTURE_TEST_CASE(an_error_names_the_file_and_what_is_wrong,
                        mesh_fixture) {
  auto good = files_of("Paris");
  auto berlin = files_of("Berlin");
  auto with = [&good](auto change) {
    auto files = good;
    change(files);
    return what_of(http::peer_context(files, true));
  };
  auto missing = with([&](auto& x) { x.certificate = path("none.crt"); });
  BOOST_TEST(missing == path("none.crt") + ": No such file or directory");
  auto mixed = with([&](auto& x) { x.key = berlin.key; });
  BOOST_TEST(mixed
             == berlin.key + ": is not the key of the certificate in "
                  + good.certificate);
  auto text = write("text.pem", "hello\n");
  BOOST_TEST(has(with([&](auto& x) { x.certificate = text; }),
                 "no certificate in PEM form"));
  BOOST_TEST(has(with([&](auto& x) { x.key = text; }), "no private key"));
  BOOST_TEST(has(with([&](auto& x) { x.ca = text; }), "no certificate"));
  BOOST_TEST(has(with([&](auto& x) { x.crl = text; }), "no CRL"));
  BOOST_TEST(has(with([&](auto& x) { x.ca.clear(); }), "tls.ca"));
  BOOST_TEST(has(with([&](auto& x) { x.key.clear(); }), "tls.key"));
  auto not_file = with([&](auto& x) { x.certificate = path("ca"); });
  BOOST_TEST(has(not_file, path("ca") + ": "));
}

BOOST_FIXTURE_TEST_CASE(expired_and_encrypted_files_are_told_apart,
                        mesh_fixture) {
  auto files = with_uris({"urn:cheops:site:A"});
  std::unique_ptr<BIO, decltype(&BIO_free)> in{
    BIO_new_file(files.certificate.c_str(), "r"), BIO_free};
  std::unique_ptr<X509, decltype(&X509_free)> cert{
    PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), X509_free};
  in.reset(BIO_new_file(files.key.c_str(), "r"));
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{
    PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr),
    EVP_PKEY_free};
  auto save_until = [&](long seconds) {
    X509_gmtime_adj(X509_getm_notBefore(cert.get()), seconds - 1000);
    X509_gmtime_adj(X509_getm_notAfter(cert.get()), seconds);
    X509_sign(cert.get(), key.get(), EVP_sha256());
    save(files.certificate,
         [&](BIO* to) { PEM_write_bio_X509(to, cert.get()); });
  };
  save_until(-100);
  BOOST_TEST(has(what_of(http::front_context(files)), "has expired on 20"));
  BOOST_TEST(http::days_left(files.certificate).value() == -1);
  save_until(10'000);
  BOOST_TEST(has(what_of(http::front_context(files)), "is not valid before"));
  save_until(500);
  files.ca.clear();
  BOOST_TEST(http::front_context(files).has_value());
  save(files.key, [&](BIO* to) {
    std::string password = "secret";
    PEM_write_bio_PKCS8PrivateKey(to, key.get(), EVP_aes_256_cbc(),
                                  password.data(), 6, nullptr, nullptr);
  });
  BOOST_TEST(has(what_of(http::front_context(files)),
                 files.key + ": is encrypted with a password"));
}

BOOST_AUTO_TEST_SUITE_END()
