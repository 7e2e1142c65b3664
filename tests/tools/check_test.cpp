#define BOOST_TEST_MODULE tools_check
#include "http/ca.hpp"
#include "support/boost_test.hpp"
#include "tools/cli/probe.hpp"
#include "tools/run_program.hpp"

#include <arpa/inet.h>
#include <chrono>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace cheops;
using namespace cheops::test;
using namespace std::chrono_literals;

namespace {

const std::string program = CHEOPS_BIN_DIR "/cheops";

/// A listener on a free port of loopback that never answers.
struct listener {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  mesh::address at{"127.0.0.1", 0};

  listener() {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof name;
    BOOST_REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&name), size) == 0);
    BOOST_REQUIRE(listen(fd, 8) == 0);
    getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size);
    at.port = ntohs(name.sin_port);
  }
  ~listener() { close(fd); }
};

/// An authority with Site1's certificate.
struct with_certificate {
  temporary_folder folder;
  std::string ca = folder.path() + "/ca";
  site::tls_files files;

  with_certificate() {
    BOOST_REQUIRE(http::ca::init(ca, {}));
    http::ca::request rq;
    rq.name = "Site1";
    rq.into = folder.path() + "/site1";
    auto made = http::ca::issue(ca, rq);
    BOOST_REQUIRE_MESSAGE(made, to_string(made.error()));
    files.certificate = made->certificate;
    files.key = made->key;
    files.ca = made->ca;
  }
};

} // namespace

BOOST_AUTO_TEST_CASE(ports_are_free_or_taken_or_not_ours) {
  listener taken;
  BOOST_TEST((cli::probe_port(taken.at) == cli::port_state::taken));
  BOOST_TEST((cli::probe_port({"127.0.0.1", 0}) == cli::port_state::free));
  BOOST_TEST(
    (cli::probe_port({"192.0.2.1", 9999}) == cli::port_state::not_ours));
  BOOST_TEST(
    (cli::probe_port({"no such host", 1}) == cli::port_state::bad_host));
}

BOOST_AUTO_TEST_CASE(connecting_tells_who_is_not_there) {
  mesh::address closed;
  {
    listener open;
    BOOST_TEST(cli::probe_connect(open.at, 2s).has_value());
    closed = open.at;
  }
  auto refused = cli::probe_connect(closed, 2s);
  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().code == errc::unreachable));
}

BOOST_FIXTURE_TEST_CASE(certificates_say_whose_they_are, with_certificate) {
  auto facts = cli::probe_certificate(files);
  BOOST_REQUIRE_MESSAGE(facts, to_string(facts.error()));
  BOOST_TEST(facts->site == "Site1");
  BOOST_TEST(facts->key_fits);
  BOOST_TEST(facts->key_private);
  BOOST_TEST(facts->signed_by_ca);
  BOOST_TEST((facts->not_after > std::chrono::system_clock::now() + 30 * 24h));
}

BOOST_FIXTURE_TEST_CASE(a_foreign_key_and_a_foreign_authority_are_seen,
                        with_certificate) {
  with_certificate other;
  auto mixed = files;
  mixed.key = other.files.key;
  BOOST_TEST(!cli::probe_certificate(mixed)->key_fits);
  mixed = files;
  mixed.ca = other.files.ca;
  BOOST_TEST(!cli::probe_certificate(mixed)->signed_by_ca);
  mixed = files;
  mixed.certificate = folder.write("junk", "junk");
  BOOST_TEST(!cli::probe_certificate(mixed).has_value());
  chmod(files.key.c_str(), 0644);
  BOOST_TEST(!cli::probe_certificate(files)->key_private);
}

BOOST_FIXTURE_TEST_CASE(
  a_file_that_is_not_there_is_not_one_without_a_certificate, with_certificate) {
  for (auto member : {&site::tls_files::certificate, &site::tls_files::key}) {
    auto missing = files;
    missing.*member = folder.path() + "/nowhere";
    auto facts = cli::probe_certificate(missing);
    BOOST_REQUIRE(!facts);
    BOOST_TEST(facts.error().what.find(
                 "/nowhere cannot be read: No such file or directory")
                 != std::string::npos,
               facts.error().what);
  }
}

BOOST_FIXTURE_TEST_CASE(the_doctor_names_what_is_wrong, with_certificate) {
  listener taken;
  mesh::address closed;
  {
    listener gone;
    closed = gone.at;
  }
  auto config = folder.write(
    "site.yaml", "site: Site2\napplication: " CHEOPS_SOURCE_DIR
                 "/glue/applications/demo.yaml\n"
                 "data: "
                   + folder.path()
                   + "/data\n"
                     "admin: {unix: "
                   + folder.path()
                   + "/admin.sock}\n"
                     "fronts:\n"
                     "  - {service: ServiceA, listen: \""
                   + mesh::to_string(taken.at) + "\", backend: \"http://"
                   + mesh::to_string(closed)
                   + "\"}\n"
                     "tls: {certificate: "
                   + files.certificate + ", key: " + files.key
                   + ", ca: " + files.ca + "}\n");
  auto got =
    run_program({program, "check", "--config", config, "--timeout", "2s"});
  BOOST_TEST(got.code == 1, got.err);
  auto says = [&](const std::string& part) {
    BOOST_TEST(got.out.find(part) != std::string::npos, part << " is not in\n"
                                                             << got.out);
  };
  says("[ok]   configuration");
  says("[warn] admin");
  says("-> start the node: cheopsd --config " + config);
  says("[fail] front ServiceA: " + mesh::to_string(taken.at)
       + " is taken by another program");
  says("-> find it: ss -ltnp");
  says("[fail] site certificate: is of site Site1, not of Site2");
  says("-> issue a new one: cheops ca issue Site2");
  says("[fail] backend of ServiceA");
  says("Something is wrong: 3 failed");
}

BOOST_AUTO_TEST_CASE(the_doctor_needs_a_configuration_that_reads) {
  BOOST_TEST(run_program({program, "check"}, {{"CHEOPS_CONFIG", ""}}).code
             == 2);
  temporary_folder folder;
  auto config = folder.write("site.yaml", "site: Site1\nnonsense: 1\n");
  auto got = run_program({program, "check", "--config", config});
  BOOST_TEST(got.code == 1);
  BOOST_TEST(got.out.starts_with("[fail] configuration"), got.out);
}
