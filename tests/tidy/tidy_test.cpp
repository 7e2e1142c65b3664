#define BOOST_TEST_MODULE tidy
#include "tidy/rules.hpp"
#include "tidy/table.hpp"

#include "support/boost_test.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

using namespace tidy;
namespace fs = std::filesystem;

namespace {

/// All files of the project but what is built or fetched.
std::set<std::string> project_files() {
  const std::set<std::string> skipped = {".git", "build", ".cache",
                                         "node_modules"};
  std::set<std::string> result;
  const fs::path top{CHEOPS_SOURCE_DIR};
  fs::recursive_directory_iterator i{top}, end;
  for (; i != end; ++i) {
    if (i->is_directory() && skipped.contains(i->path().filename().string()))
      i.disable_recursion_pending();
    else if (i->is_regular_file())
      result.insert(i->path().lexically_relative(top).generic_string());
  }
  return result;
}

std::string contents(const std::string& path) {
  std::ifstream in{fs::path{CHEOPS_SOURCE_DIR} / path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Seeds of fuzzers, recordings and keys are data, whatever they contain.
bool is_text_of_ours(const std::string& path, const std::string& text) {
  return !path.starts_with("fuzz/corpus/") && path != "LICENSE"
         && text.find('\0') == std::string::npos;
}

findings in_code(std::string_view path, std::string text) {
  return check({std::string{path}, std::move(text)}, {});
}

std::string repeated(std::string_view line, std::size_t times) {
  std::string result;
  for (std::size_t i = 0; i < times; ++i)
    result += line;
  return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(the_project)

BOOST_AUTO_TEST_CASE(keeps_every_rule) {
  auto paths = project_files();
  BOOST_REQUIRE(paths.contains("libcheops/cheops/result.hpp"));
  for (const auto& path : paths) {
    auto text = contents(path);
    if (!is_text_of_ours(path, text))
      continue;
    for (const auto& x : check({path, text}, paths))
      BOOST_ERROR(x.path << ":" << x.line << ": " << x.what);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(an_include)

BOOST_AUTO_TEST_CASE(must_be_an_arrow_of_the_table) {
  const std::pair<const char*, const char*> bad[] = {
    {"libcheops/cheops/a.cpp", "#include \"http/client.hpp\"\n"},
    {"libcheops/cheops/a.cpp", "#include <boost/asio.hpp>\n"},
    {"libcheops/cheops/a.cpp", "#include <boost/variant2/variant.hpp>\n"},
    {"libcheops/cheops/a.cpp", "#include <spdlog/spdlog.h>\n"},
    {"libcheops/cheops/a.cpp", "#include <unistd.h>\n"},
    {"libcheops/cheops/a.cpp", "  #  include <caf/all.hpp>\n"},
    {"actors/a.cpp", "#include <boost/beast/core.hpp>\n"},
    {"actors/a.cpp", "#include \"http/server.hpp\"\n"},
    {"http/a.cpp", "#include <caf/all.hpp>\n"},
    {"http/a.cpp", "#include <rocksdb/db.h>\n"},
    {"http/a.cpp", "#include \"glue/config.hpp\"\n"},
    {"glue/a.cpp", "#include \"http/server.hpp\"\n"},
    {"glue/a.cpp", "#include <CLI/CLI.hpp>\n"},
    {"http/a.cpp", "#include <yaml-cpp/yaml.h>\n"},
    {"tools/a.cpp", "#include <rocksdb/db.h>\n"},
    {"tools/a.cpp", "#include <boost/test/unit_test.hpp>\n"},
    {"tests/libcheops/scope/a_test.cpp", "#include <poll.h>\n"},
    {"tests/glue/a_test.cpp", "#include <caf/all.hpp>\n"},
    {"http/a.cpp", "#include \"a.hpp\"\n"},
    {"elsewhere/a.cpp", "int x;\n"},
  };
  for (const auto& [path, text] : bad)
    BOOST_TEST(in_code(path, text).size() == 1, path << ": " << text);
}

BOOST_AUTO_TEST_CASE(may_be_an_arrow_of_the_table) {
  const std::pair<const char*, const char*> good[] = {
    {"libcheops/cheops/a.cpp", "#include \"cheops/result.hpp\"\n"},
    {"libcheops/cheops/a.cpp", "#include <boost/json.hpp>\n#include <map>\n"},
    {"actors/a.cpp", "#include <caf/all.hpp>\n#include <openssl/ssl.h>\n"},
    {"store/a.cpp", "#include <rocksdb/db.h>\n"},
    {"glue/a.cpp", "#include \"http/client.hpp\"\n"},
    {"tools/a.cpp", "#include <CLI/CLI.hpp>\n#include \"actors/node.hpp\"\n"},
    {"tests/http/a_test.cpp", "#include <rapidcheck.h>\n#include <poll.h>\n"},
    {"tests/libcheops/raft/a_test.cpp", "#include \"cluster.hpp\"\n"},
    {"fuzz/scope.cpp", "#include \"cheops/scope/parse.hpp\"\n"},
  };
  for (const auto& [path, text] : good)
    BOOST_TEST(in_code(path, text).empty(), path << ": " << text);
}

BOOST_AUTO_TEST_CASE(of_the_own_header_comes_first) {
  const std::set<std::string> paths = {"http/a.hpp"};
  const std::string own = "#include \"http/a.hpp\"\n";
  const std::string other = "#include <map>\n";
  BOOST_TEST(check_own_header({"http/a.cpp", other + own}, paths).size() == 1);
  BOOST_TEST(check_own_header({"http/a.cpp", ""}, paths).size() == 1);
  BOOST_TEST(check_own_header({"http/a.cpp", own + other}, paths).empty());
  BOOST_TEST(check_own_header({"http/b.cpp", other}, paths).empty());
}

BOOST_AUTO_TEST_CASE(of_each_family_is_allowed_to_somebody) {
  for (const auto& x : families()) {
    auto used = false;
    for (auto path : {"tools/", "store/", "tests/http/", "bench/"}) {
      const auto* in = folder_of(path);
      BOOST_REQUIRE(in);
      for (auto name : in->third)
        used = used || name == x.name;
    }
    BOOST_TEST(used, x.name);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_size)

BOOST_AUTO_TEST_CASE(of_a_file_is_bounded) {
  auto fits = repeated("int x;\n", file_lines_max);
  BOOST_TEST(in_code("http/a.cpp", fits).empty());
  BOOST_TEST(in_code("http/a.cpp", fits + "int y;\n").size() == 1);
}

BOOST_AUTO_TEST_CASE(of_a_line_is_bounded_in_columns_not_bytes) {
  auto fits = "// " + repeated("ä", columns_max - 3);
  BOOST_TEST(in_code("http/a.cpp", fits + "\n").empty());
  BOOST_TEST(in_code("http/a.cpp", fits + "x\n").size() == 1);
  auto url = "// https://" + repeated("x", columns_max);
  BOOST_TEST(in_code("http/a.cpp", url + "\n").empty());
  auto raw = "auto x = R\"(\n" + repeated("y", columns_max + 1) + "\n)\";\n";
  BOOST_TEST(in_code("http/a.cpp", raw).empty());
}

BOOST_AUTO_TEST_CASE(of_a_function_is_bounded) {
  const char* heads[] = {
    "void f() {\n",
    "int x::f(int a) const noexcept {\n",
    "struct x {\n  template <class T>\n  void f(T y = {}) {\n",
    "x::x(int y) : a_{y}, b_(2) {\n",
    "namespace a {\nauto f = [](int x) {\n",
    "BOOST_AUTO_TEST_CASE(a) {\n",
  };
  for (const std::string head : heads) {
    auto fits = head + repeated("  a();\n", function_lines_max - 1) + "}\n";
    auto over = head + repeated("  a();\n", function_lines_max) + "}\n";
    BOOST_TEST(in_code("http/a.cpp", fits).empty(), head);
    BOOST_TEST(in_code("http/a.cpp", over).size() == 1, head);
  }
}

BOOST_AUTO_TEST_CASE(of_what_is_not_a_function_is_not) {
  auto body = repeated("  int x;\n", 2 * function_lines_max);
  for (const std::string head :
       {"struct x {\n", "namespace a {\n", "enum class e {\n",
        "const std::map<int, void (*)(int)> table = {\n"})
    BOOST_TEST(in_code("http/a.cpp", head + body + "}\n").empty(), head);
}

BOOST_AUTO_TEST_CASE(of_a_function_is_found_behind_strings_and_comments) {
  const std::string head = "void f() { // {\n  x('{', \"{\", R\"(\")\");\n";
  auto fits = head + repeated("\n", function_lines_max - 2) + "}\n";
  BOOST_TEST(in_code("http/a.cpp", fits).empty());
  BOOST_TEST(in_code("http/a.cpp", fits + fits).empty());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_construct)

BOOST_AUTO_TEST_CASE(that_we_do_without_is_found) {
  const std::pair<const char*, std::string> bad[] = {
    {"http/a.hpp", "int x;\n"},
    {"http/a.hpp", "int x;\n#pragma once\n"},
    {"tests/http/a_test.cpp", "std::this_thread::sleep_for(x);\n"},
    {"tests/http/a_test.cpp", "::sleep(1);\n"},
    {"tests/e2e/a_test.cpp", "usleep(1);\n"},
    {"http/a.cpp", "using namespace std;\n"},
    {"http/a.cpp", "#ifdef N"
                   "DEBUG\n#endif\n"},
    {"http/a.cpp", "#define MAX(a, b) a\n"},
    {"libcheops/cheops/a.cpp", "auto x = std::chrono::steady_clock::now();\n"},
    {"libcheops/cheops/a.cpp", "std::getenv(\"X\");\n"},
    {"libcheops/cheops/a.cpp", "std::thread x;\n"},
    {"http/a.cpp", "// TO"
                   "DO: later\n"},
    {"docs/a.md", "FIX"
                  "ME\n"},
    {"docs/a.md", "Look into /wo"
                  "rk/x\n"},
    {"Makefile", "x = /ho"
                 "me/me/x\n"},
  };
  for (const auto& [path, text] : bad)
    BOOST_TEST(in_code(path, text).size() == 1, path << ": " << text);
}

BOOST_AUTO_TEST_CASE(that_only_looks_like_one_is_not) {
  const std::pair<const char*, const char*> good[] = {
    {"http/a.hpp", "// Why.\n\n#pragma once\n"},
    {"tests/http/a_test.cpp", "// No sleep_for here.\n"},
    {"tests/http/a_test.cpp", "auto x = \"sleep_for\";\n"},
    {"tests/http/a_test.cpp", "#define BOOST_TEST_MODULE a\n"},
    {"http/a.cpp", "using namespace std::chrono_literals;\n"},
    {"http/a.cpp", "auto x = std::chrono::steady_clock::now();\n"},
    {"libcheops/cheops/a.cpp", "std::chrono::steady_clock::time_point x;\n"},
    {"libcheops/cheops/a.cpp", "std::size_t x = 100'000; // getenv(\n"},
  };
  for (const auto& [path, text] : good)
    BOOST_TEST(in_code(path, text).empty(), path << ": " << text);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_link)

BOOST_AUTO_TEST_CASE(leads_to_a_file_or_folder) {
  const std::set<std::string> paths = {"docs/a.md", "docs/d/b.md", "README.md"};
  auto in = [&](const std::string& text) {
    return check_links({"docs/a.md", text}, paths).size();
  };
  BOOST_TEST(in("[x](d/b.md) [x](../README.md#part) [x](d/) [x](d)") == 0u);
  BOOST_TEST(in("[x](https://x.example/y) [x](#part)") == 0u);
  BOOST_TEST(in("[x](b.md)") == 1u);
  BOOST_TEST(in("[x](README.md) [x](d/b)") == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
