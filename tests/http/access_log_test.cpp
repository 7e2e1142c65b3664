#include "http/access_log.hpp"
#include "support/boost_test.hpp"
#include "support/folder_fixture.hpp"

#include <boost/json.hpp>

#include <filesystem>
#include <sys/stat.h>
#include <thread>

using namespace cheops;
using namespace std::chrono_literals;

namespace {

struct log_fixture : folder_fixture {
  std::string file = path("access.log");

  std::shared_ptr<http::access_log> open(std::size_t ring = 1 << 20) const {
    return http::access_log::open(file, "Site1", ring).value();
  }

  std::vector<boost::json::object>
  lines(const std::string& name = "access.log") const {
    std::vector<boost::json::object> out;
    std::istringstream in{read(name)};
    std::string line;
    while (std::getline(in, line))
      out.push_back(boost::json::parse(line).as_object());
    return out;
  }
};

http::access_record sample() {
  http::access_record x;
  x.time = std::chrono::system_clock::time_point{1'767'323'045s + 67us};
  x.service = "Image";
  x.client = "127.0.0.1";
  x.method = "GET";
  x.target = "/v2/images?limit=2&token=abc";
  x.status = 200;
  x.bytes_in = 1;
  x.bytes_out = 1234567890123;
  x.took = 1500us;
  x.plan = "share";
  x.scope = "{ Image: \"New York\" }";
  x.served_by = "New York";
  return x;
}

} // namespace

BOOST_AUTO_TEST_SUITE(access_log)

BOOST_FIXTURE_TEST_CASE(an_exchange_is_one_object_on_one_line, log_fixture) {
  auto log = open();
  log->add_writer().write(sample());
  log->flush();
  std::string expected =
    "{\"time\":\"2026-01-02T03:04:05.000067Z\",\"site\":\"Site1\","
    "\"service\":\"Image\",\"client\":\"127.0.0.1\",\"method\":\"GET\","
    "\"target\":\"/v2/images?limit=2&token=[redacted]\",\"status\":200,"
    "\"bytes_in\":1,\"bytes_out\":1234567890123,\"duration_us\":1500,"
    "\"plan\":\"share\",\"scope\":\"{ Image: \\\"New York\\\" }\","
    "\"served_by\":\"New York\"}\n";
  BOOST_TEST(read("access.log") == expected);
}

BOOST_FIXTURE_TEST_CASE(strange_bytes_cannot_forge_a_line, log_fixture) {
  auto log = open();
  auto x = sample();
  std::string target = "/a\r\n{\"status\":500}\x01\xff\"\\" // Not UTF-8.
                       + std::string(100'000, 'a');
  x.target = target;
  x.method = "G\nET";
  log->add_writer().write(x);
  log->flush();
  auto all = lines(); // Parses each.
  BOOST_REQUIRE(all.size() == 1U);
  BOOST_TEST(read("access.log").size() < 4096U);
  BOOST_TEST(all[0]["status"].as_int64() == 200);
}

BOOST_AUTO_TEST_CASE(credentials_in_a_query_are_not_shown) {
  struct row {
    std::string_view in, out;
  };
  for (auto& x : {
         row{"/a", "/a"},
         row{"/a?", "/a?"},
         row{"/scope/e0E6Uzl9/a?b=c", "/scope/e0E6Uzl9/a?b=c"},
         row{"/a?token=x", "/a?token=[redacted]"},
         row{"/a?b=1&Access_Token=x&c=2", "/a?b=1&Access_Token=[redacted]&c=2"},
         row{"/a?%74oken=x", "/a?%74oken=[redacted]"},
         row{"/a?%zz=x", "/a?%zz=[redacted]"},
         row{"/a?X-Amz-Signature=x;sig=y",
             "/a?X-Amz-Signature=[redacted];sig=[redacted]"},
         row{"/a?api_key=x&key=y&code=z",
             "/a?api_key=[redacted]&key=[redacted]&code=[redacted]"},
         row{"/a?password=", "/a?password=[redacted]"},
         row{"/a?token", "/a?token"},
         row{"/a?q=token", "/a?q=token"},
         row{"/a?token=x?y=z", "/a?token=[redacted]"},
         row{"/a?&&token=x&", "/a?&&token=[redacted]&"},
         row{"http://u:p@h/a?b", "http://h/a?b"},
         row{"http://h/a@b", "http://h/a@b"},
         row{"*", "*"},
         row{"", ""},
       })
    BOOST_TEST(http::redact_target(x.in) == x.out);
}

BOOST_FIXTURE_TEST_CASE(lines_of_several_threads_stay_whole, log_fixture) {
  auto log = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    auto& to = log->add_writer();
    threads.emplace_back([&to] {
      for (int i = 0; i < 500; ++i)
        to.write(sample());
    });
  }
  for (auto& x : threads)
    x.join();
  log.reset(); // Writes what is left.
  BOOST_TEST(lines().size() == 2000U);
}

BOOST_FIXTURE_TEST_CASE(what_does_not_fit_is_dropped_and_counted, log_fixture) {
  auto log = open(100); // Shorter than a line.
  auto& to = log->add_writer();
  to.write(sample());
  to.write(sample());
  log->flush();
  BOOST_TEST(read("access.log") == "");
  BOOST_TEST(log->dropped() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_ring_goes_round, log_fixture) {
  auto log = open(1000); // Two lines and a half.
  auto& to = log->add_writer();
  for (int i = 0; i < 50; ++i) {
    to.write(sample());
    log->flush();
  }
  BOOST_TEST(lines().size() == 50U);
  BOOST_TEST(log->dropped() == 0U);
}

BOOST_FIXTURE_TEST_CASE(after_a_rotation_lines_go_to_the_new_file,
                        log_fixture) {
  auto log = open();
  auto& to = log->add_writer();
  to.write(sample());
  std::filesystem::rename(file, path("access.log.1"));
  BOOST_REQUIRE(log->reopen().has_value());
  to.write(sample());
  to.write(sample());
  log->flush();
  BOOST_TEST(lines("access.log.1").size() == 1U);
  BOOST_TEST(lines().size() == 2U);
}

BOOST_FIXTURE_TEST_CASE(a_file_that_cannot_be_is_an_error, log_fixture) {
  auto bad = http::access_log::open(path("none/access.log"), "Site1");
  BOOST_REQUIRE(!bad);
  BOOST_TEST((bad.error().code == errc::io));
  auto log = open();
  auto& to = log->add_writer();
  std::filesystem::rename(folder, folder.string() + "-away");
  BOOST_TEST(!log->reopen()); // The old one stays in use.
  std::filesystem::rename(folder.string() + "-away", folder);
  to.write(sample());
  log->flush();
  BOOST_TEST(lines().size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(others_cannot_read_it, log_fixture) {
  auto log = open();
  struct stat x {};
  BOOST_REQUIRE(::stat(file.c_str(), &x) == 0);
  BOOST_TEST((x.st_mode & 0007) == 0U);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_counted) {
  auto log = http::access_log::open("/dev/full", "Site1").value();
  auto& to = log->add_writer();
  to.write(sample());
  to.write(sample());
  log->flush();
  BOOST_TEST(log->dropped() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
