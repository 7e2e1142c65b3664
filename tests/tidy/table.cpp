#include "tidy/table.hpp"

#include <algorithm>

namespace tidy {

namespace {

using names = std::vector<std::string_view>;

/// The folders of the programs; those of their tests are derived.
std::vector<folder> source_folders() {
  return {
    {"libcheops/",
     {"cheops/"},
     {"Boost.System", "Boost.JSON", "Boost.URL", "Boost.UUID"}},
    {"actors/",
     {"cheops/", "actors/"},
     {"CAF", "OpenSSL", "spdlog", "Boost.System", "POSIX"}},
    {"store/",
     {"cheops/", "store/"},
     {"RocksDB", "spdlog", "Boost.System", "POSIX"}},
    {"http/",
     {"cheops/", "http/"},
     {"Beast", "Asio", "Boost.System", "Boost.JSON", "Boost.URL", "OpenSSL",
      "prometheus-cpp", "spdlog", "POSIX"}},
    {"glue/",
     {"cheops/", "glue/", "http/client.hpp"},
     {"Boost.System", "Boost.JSON", "Boost.URL", "yaml-cpp", "spdlog",
      "POSIX"}},
    {"tools/",
     {"cheops/", "actors/", "store/", "http/", "glue/", "tools/"},
     {"Beast", "Asio", "Boost.System", "Boost.JSON", "Boost.URL", "Boost.UUID",
      "CAF", "OpenSSL", "spdlog", "prometheus-cpp", "yaml-cpp", "CLI11",
      "libsystemd", "POSIX"}},
  };
}

/// tests/X: X and what X may, the fixtures, and the tools of tests.
folder tests_of(const folder& of) {
  auto result = of;
  result.path = "tests/" + of.path;
  result.own.push_back("support/");
  result.third.insert(result.third.end(), {"Boost.Test", "rapidcheck"});
  if (of.path != "libcheops/")
    result.third.push_back("POSIX");
  return result;
}

std::vector<folder> all_folders() {
  auto result = source_folders();
  const auto everything = result.back();
  for (const auto& x : source_folders())
    result.push_back(tests_of(x));
  auto add = [&](std::string path, std::vector<std::string> own, names third) {
    result.push_back({std::move(path), std::move(own), std::move(third)});
  };
  // Fixtures of several folders' tests; what they need is linked by the test.
  add("tests/support/",
      {"cheops/", "http/", "support/", "tools/scenario/free_port.hpp"},
      {"Boost.System", "Boost.JSON", "Boost.Test", "rapidcheck", "OpenSSL",
       "POSIX"});
  add("tests/tidy/", {"tidy/", "support/"}, {"Boost.Test"});
  auto end_to_end = tests_of(everything);
  end_to_end.path = "tests/e2e/";
  end_to_end.own.push_back("e2e/");
  result.push_back(end_to_end);
  for (std::string path : {"bench/", "fuzz/"}) {
    auto x = everything;
    x.path = path;
    x.own.push_back(path);
    x.third.insert(x.third.end(), {"benchmark", "rapidcheck"});
    result.push_back(x);
  }
  return result;
}

} // namespace

const std::vector<family>& families() {
  static const std::vector<family> result = {
    {"Boost.System", {"boost/system/", "boost/assert/source_location.hpp"}},
    {"Boost.JSON", {"boost/json.hpp", "boost/json/"}},
    {"Boost.URL", {"boost/url.hpp", "boost/url/"}},
    {"Boost.UUID", {"boost/uuid/"}},
    {"Asio", {"boost/asio.hpp", "boost/asio/"}},
    {"Beast", {"boost/beast.hpp", "boost/beast/"}},
    {"Boost.Test", {"boost/test/"}},
    {"CAF", {"caf/"}},
    {"OpenSSL", {"openssl/"}},
    {"spdlog", {"spdlog/"}},
    {"prometheus-cpp", {"prometheus/"}},
    {"yaml-cpp", {"yaml-cpp/"}},
    {"CLI11", {"CLI/"}},
    {"RocksDB", {"rocksdb/"}},
    {"rapidcheck", {"rapidcheck.h", "rapidcheck/"}},
    {"benchmark", {"benchmark/"}},
    {"libsystemd", {"systemd/"}},
    {"POSIX",
     {"sys/",     "net/",      "netinet/",  "arpa/",    "linux/",    "unistd.h",
      "fcntl.h",  "poll.h",    "netdb.h",   "sched.h",  "pthread.h", "dirent.h",
      "spawn.h",  "termios.h", "pwd.h",     "grp.h",    "ifaddrs.h", "signal.h",
      "stdlib.h", "string.h",  "strings.h", "malloc.h", "glob.h",    "time.h"}},
  };
  return result;
}

std::optional<std::string_view> family_of(std::string_view include) {
  for (const auto& x : families())
    for (auto prefix : x.prefixes)
      if (include.starts_with(prefix))
        return x.name;
  if (include.find_first_of("/.") == std::string_view::npos)
    return "std";
  return std::nullopt;
}

const folder* folder_of(std::string_view path) {
  static const auto folders = all_folders();
  const folder* best = nullptr;
  for (const auto& x : folders)
    if (path.starts_with(x.path)
        && (!best || x.path.size() > best->path.size()))
      best = &x;
  return best;
}

} // namespace tidy
