#define BOOST_TEST_MODULE glue
#include "glue/yaml.hpp"
#include "support/boost_test.hpp"

#include <string>

using namespace cheops;
using namespace cheops::glue;
using namespace std::chrono_literals;

namespace {

yaml::document open(std::string_view text) {
  auto x = yaml::parse(text, "f.yaml");
  BOOST_REQUIRE_MESSAGE(x, (x ? "" : to_string(x.error())));
  return *x;
}

/// What is complained about a text that `read` reads.
template <class Read>
std::string complaints(std::string_view text, Read read) {
  auto x = yaml::parse(text, "f.yaml");
  if (!x)
    return to_string(x.error());
  read(x->root());
  auto done = x->check();
  return done ? "" : to_string(done.error());
}

std::string refused(std::string_view text) {
  return complaints(text, [](const yaml::node&) {});
}

} // namespace

BOOST_AUTO_TEST_CASE(values_are_read_by_their_type) {
  auto file = open("name: A\n"
                   "port: 65535\n"
                   "on: true\n"
                   "share: 0.25\n"
                   "wait: 1.5s\n"
                   "room: 64KiB\n"
                   "at: \"[::1]:80\"\n"
                   "list: [a, b]\n");
  auto root = file.root();
  BOOST_TEST(root.at("name").as<std::string>() == "A");
  BOOST_TEST(root.at("port").as<std::uint16_t>() == 65535);
  BOOST_TEST(root.at("on").as<bool>());
  BOOST_TEST(root.at("share").as(0.0, 1.0) == 0.25);
  BOOST_TEST((root.at("wait").as<std::chrono::milliseconds>() == 1500ms));
  BOOST_TEST(root.at("room").as<yaml::bytes>().count == 65536U);
  BOOST_TEST((root.at("at").as<mesh::address>() == mesh::address{"::1", 80}));
  auto list = root.at("list").each();
  BOOST_REQUIRE(list.size() == 2U);
  BOOST_TEST(list[1].as<std::string>() == "b");
  BOOST_TEST(list[1].where() == "f.yaml:8:11");
  BOOST_TEST(file.check().has_value());
}

BOOST_AUTO_TEST_CASE(what_is_missing_keeps_its_default) {
  auto file = open("x: 1\nlater:\n");
  auto n = 7U;
  file.root().read("n", n, 1, 9);
  file.root().read("later", n);
  BOOST_TEST(n == 7U);
  BOOST_TEST(!file.root().optional("later"));
  BOOST_TEST(file.root().optional("later").each().empty());
  file.root().read("x", n, 1, 9);
  BOOST_TEST(n == 1U);
  BOOST_TEST(file.check().has_value());
}

BOOST_AUTO_TEST_CASE(a_wrong_value_says_where_what_was_expected_and_found) {
  auto one = [](auto read) {
    return [read](const yaml::node& root) { read(root.at("a").each()[0]); };
  };
  auto check = [&](std::string_view value, auto read, std::string_view text) {
    auto file = "a:\n  - " + std::string{value} + "\n";
    BOOST_TEST(complaints(file, one(read)) == text);
  };
  using node = const yaml::node&;
  check(
    "x", [](node x) { (void) x.as<mesh::address>(); },
    "f.yaml:2:5: a[0]: expected host:port, found \"x\"");
  check(
    "[1]", [](node x) { (void) x.as<std::string>(); },
    "f.yaml:2:5: a[0]: expected text, found a list");
  check(
    "{b: 1}", [](node x) { (void) x.as<bool>(); },
    "f.yaml:2:5: a[0]: expected true or false, found a mapping");
  check(
    "yes", [](node x) { (void) x.as<bool>(); },
    "f.yaml:2:5: a[0]: expected true or false, found \"yes\"");
  check(
    "70000", [](node x) { (void) x.as<std::uint16_t>(); },
    "f.yaml:2:5: a[0]: expected a whole number (at most 65535), found "
    "\"70000\"");
  check(
    "\"7\"", [](node x) { (void) x.as(1, 9); },
    "f.yaml:2:5: a[0]: expected a whole number (1 to 9), found \"7\"");
  check(
    "1.5", [](node x) { (void) x.as(0.0, 1.0); },
    "f.yaml:2:5: a[0]: expected a number (0 to 1), found \"1.5\"");
  check(
    "50", [](node x) { (void) x.as(1ms, 10'000ms); },
    "f.yaml:2:5: a[0]: expected a duration such as 50ms, 2s or 1m (1ms to "
    "10s), found \"50\"");
  check(
    "3MB", [](node x) { (void) x.as(yaml::bytes{1024}, yaml::bytes{1 << 20}); },
    "f.yaml:2:5: a[0]: expected a size such as 64KiB or 3MiB (1KiB to "
    "1MiB), found \"3MB\"");
  check(
    "blue",
    [](node x) {
      (void) x.as<int>({{"red", 1}, {"green", 2}});
    },
    "f.yaml:2:5: a[0]: expected red or green, found \"blue\"");
  check(
    "~", [](node x) { (void) x.as<std::string>(); },
    "f.yaml:2:5: a[0]: expected text, found nothing");
}

BOOST_AUTO_TEST_CASE(unknown_keys_are_errors_with_the_nearest_known_one) {
  auto read = [](const yaml::node& root) {
    for (const auto& x : root.at("fronts").each())
      (void) x.at("listen").as<mesh::address>();
  };
  BOOST_TEST(complaints("fronts:\n- lisen: a:1\n", read)
             == "f.yaml:2:3: fronts[0]: missing key \"listen\"\n"
                "f.yaml:2:3: fronts[0]: unknown key \"lisen\"; did you mean "
                "\"listen\"?");
  BOOST_TEST(complaints("fronts: []\ncolour: x\n", read)
             == "f.yaml:2:1: unknown key \"colour\"; known here: fronts");
}

BOOST_AUTO_TEST_CASE(a_mapping_that_is_taken_whole_has_no_unknown_keys) {
  BOOST_TEST(complaints("b: 1\na: 2\n",
                        [](const yaml::node& root) {
                          auto all = root.entries();
                          BOOST_REQUIRE(all.size() == 2U);
                          BOOST_TEST(all[0].first == "b");
                          BOOST_TEST(all[1].second.as<int>() == 2);
                        })
             == "");
}

BOOST_AUTO_TEST_CASE(all_complaints_come_at_once_in_the_order_of_the_lines) {
  BOOST_TEST(complaints("a: x\nb: y\n",
                        [](const yaml::node& root) {
                          (void) root.at("b").as<int>();
                          root.at("a").fail("is taken");
                        })
             == "f.yaml:1:4: a: is taken\n"
                "f.yaml:2:4: b: expected a whole number (-2147483648 to "
                "2147483647), found \"y\"");
}

BOOST_AUTO_TEST_CASE(what_strict_yaml_does_not_have_is_refused) {
  BOOST_TEST(refused("a: 1\nb: 2\na: 3\n")
             == "f.yaml:3:1: key \"a\" is given twice; first in line 1");
  BOOST_TEST(refused("a: !!int 1\n")
             == "f.yaml:1:4: a tag; tags are not supported");
  BOOST_TEST(refused("[a]: 1\n") == "f.yaml:1:1: a key that is not plain text");
  BOOST_TEST(refused("a: 1\n---\nb: 1\n")
             == "f.yaml:2:1: a second document; only one is read");
  BOOST_TEST(refused("# nothing\n") == "f.yaml: the file is empty");
  BOOST_TEST(refused("") == "f.yaml: the file is empty");
  BOOST_TEST(refused("a: [1\n") != "");
  BOOST_TEST(refused("a: &x [*x]\n")
             == "f.yaml:1:8: an alias within the value that it stands for");
}

BOOST_AUTO_TEST_CASE(anchors_and_aliases_are_read) {
  auto file = open("a: &x [1, 2]\nb: *x\n");
  BOOST_TEST(file.root().at("b").each().at(1).as<int>() == 2);
}

BOOST_AUTO_TEST_CASE(a_file_cannot_grow_by_aliases_or_nest_without_end) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    auto last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 9; ++j)
      bomb += last + ", ";
    bomb += last + "]\n";
  }
  auto text = refused(bomb);
  BOOST_TEST(text.ends_with("the aliases up to here make the file too large"),
             text);
  auto deep = std::string(65, '[') + std::string(65, ']');
  BOOST_TEST(refused(deep) == "f.yaml:1:65: nested deeper than 64");
  BOOST_TEST(refused(std::string(100'000, '[')) != "");
  BOOST_TEST(refused(std::string(yaml::file_bytes_max + 1, ' '))
             == "f.yaml: larger than 1048576 bytes");
}

BOOST_AUTO_TEST_CASE(text_in_complaints_is_escaped_and_clipped) {
  auto read = [](const yaml::node& root) { (void) root.at("a").as<int>(0, 9); };
  BOOST_TEST(complaints("a: \"x\\e\\n\\\"\"\n", read)
             == "f.yaml:1:4: a: expected a whole number (0 to 9), found "
                "\"x\\x1b\\n\\\"\"");
  auto clipped = complaints("a: " + std::string(100, 'y') + "\n", read);
  BOOST_TEST(clipped.ends_with(std::string(60, 'y') + "…\""), clipped);
}

BOOST_AUTO_TEST_CASE(text_holds_no_control_characters) {
  BOOST_TEST(complaints("a: \"x\\e\"\n",
                        [](const yaml::node& root) {
                          (void) root.at("a").as<std::string>();
                        })
             == "f.yaml:1:4: a: expected text without control characters, "
                "found \"x\\x1b\"");
}

BOOST_AUTO_TEST_CASE(a_flood_of_complaints_is_cut) {
  std::string text;
  for (int i = 0; i < 50'000; ++i)
    text += "k" + std::to_string(i) + ": 1\n";
  auto all = complaints(
    text, [](const yaml::node& root) { (void) root.optional("known"); });
  BOOST_TEST(std::ranges::count(all, '\n') == 20);
  BOOST_TEST(all.ends_with("… and more"));
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_read_says_why) {
  auto none = yaml::read_file("/nowhere/f.yaml");
  BOOST_REQUIRE(!none);
  BOOST_TEST((none.error().code == errc::bad_config));
  BOOST_TEST(to_string(none.error())
             == "/nowhere/f.yaml: cannot be read: No such file or directory");
  auto folder = yaml::read_file("/tmp");
  BOOST_REQUIRE(!folder);
  BOOST_TEST(to_string(folder.error())
             == "/tmp: cannot be read: Is a directory");
}
