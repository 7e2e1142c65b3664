#define BOOST_TEST_MODULE scope_property
#include "cheops/names.hpp"
#include "cheops/scope/parse.hpp"
#include "cheops/scope/parser.hpp"
#include "support/boost_test.hpp"

#include <boost/json.hpp>
#include <rapidcheck.h>

#include <set>

using namespace cheops;
using scope::placement;

namespace {

// -- arbitrary trees, in the canonical shape that the parser makes ------------

rc::Gen<std::string> any_name() {
  return rc::gen::element<std::string>(
    "S1", "s2", "Site-3", "a.b_c", "4", "-5", "50ms", "New York", "around",
    "Set", "PRIME", "a\"b", "back\\slash", "Zürich", "東京", "é è", "*", "(",
    "||", "x,y:z@w", "{}", " ");
}

// Names that differ in more than case.
std::vector<std::string> distinct_names(std::size_t count_max) {
  auto count = *rc::gen::inRange<std::size_t>(1, count_max + 1);
  std::vector<std::string> out;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < count; ++i) {
    auto x = *any_name();
    while (!seen.insert(fold_case(x)).second)
      x += "x";
    out.push_back(x);
  }
  return out;
}

scope::set some_copies(std::size_t count_max) {
  scope::set out;
  for (auto& name : distinct_names(count_max))
    out.parts.push_back(
      {*rc::gen::inRange<std::uint32_t>(1, 0xffffffff), name});
  return out;
}

scope::around some_around() {
  auto unit = *rc::gen::element(1, 1'000, 1'000'000);
  return {*any_name(),
          std::chrono::microseconds{*rc::gen::inRange(0, 2'000) * unit}};
}

placement some_placement(int depth);

// What the grammar cannot say of a chain's parts: the same site twice, and a
// single `2@A` beside another (they are one set).
template <class Chain>
void add_part(std::vector<placement>& parts, std::set<std::string>& seen,
              int depth) {
  constexpr auto in_all = std::is_same_v<Chain, scope::all>;
  auto x = some_placement(depth);
  if (auto* one = std::get_if<scope::site>(&x.node)) {
    while (!seen.insert(fold_case(one->name)).second)
      one->name += "y";
  } else if (auto* some = std::get_if<scope::set>(&x.node)) {
    if (in_all || some->parts.size() == 1)
      for (auto& part : some->parts)
        while (!seen.insert(fold_case(part.site)).second)
          part.site += "y";
    auto* last =
      parts.empty() ? nullptr : std::get_if<scope::set>(&parts.back().node);
    if (in_all && last != nullptr && some->parts.size() == 1
        && last->parts.size() == 1)
      return;
  }
  parts.push_back(std::move(x));
}

template <class Chain>
placement some_chain(int depth) {
  Chain out;
  std::set<std::string> seen;
  auto count = *rc::gen::inRange(2, 5);
  for (auto i = 0; i < count || out.parts.size() < 2; ++i)
    add_part<Chain>(out.parts, seen, depth - 1);
  return {std::move(out)};
}

placement some_placement(int depth) {
  switch (*rc::gen::inRange(0, depth > 0 ? 6 : 3)) {
  case 0:
    return {scope::site{*any_name()}};
  case 1:
    return {some_around()};
  case 2:
    return {some_copies(3)};
  case 3:
    return some_chain<scope::all>(depth);
  case 4:
    return some_chain<scope::cross>(depth);
  default:
    return some_chain<scope::any>(depth);
  }
}

bool has_cross(const placement& x) {
  return std::visit(
    [](const auto& node) {
      using node_type = std::decay_t<decltype(node)>;
      if constexpr (std::is_same_v<node_type, scope::cross>)
        return true;
      else if constexpr (std::is_same_v<
                           node_type,
                           scope::all> || std::is_same_v<node_type, scope::any>)
        return std::any_of(node.parts.begin(), node.parts.end(), has_cross);
      else
        return false;
    },
    x.node);
}

scope::tree some_tree() {
  scope::tree out;
  if (*rc::gen::inRange(0, 4) == 0) {
    out.services.emplace_back(scope::every_service, some_placement(4));
    return out;
  }
  auto crossed = false;
  for (auto& name : distinct_names(4)) {
    // Not by an "x": distinct_names may have made that name already.
    if (name == scope::every_service)
      name += "!";
    out.services.emplace_back(name, some_placement(4));
    crossed = crossed || has_cross(out.services.back().second);
  }
  if (crossed && *rc::gen::arbitrary<bool>())
    out.prime = *any_name();
  return out;
}

// -- arbitrary texts ----------------------------------------------------------

// What happens to any text: an error that can be shown, or a tree that prints
// to a text of the same tree.
void check_text(const std::string& text, const scope::known_names& known = {}) {
  auto x = scope::parse(text, known);
  if (!x) {
    RC_ASSERT(x.error().at <= text.size());
    RC_ASSERT(!x.error().what.empty());
    auto shown = scope::pointed(text, x.error());
    RC_ASSERT(std::count(shown.begin(), shown.end(), '\n') == 2);
    RC_ASSERT(!scope::to_error(text, x.error()).what.empty());
    return;
  }
  auto again = scope::parse(scope::to_string(*x), known);
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == *x);
}

std::string mutated(std::string text) {
  auto times = *rc::gen::inRange(1, 4);
  for (auto i = 0; i < times; ++i) {
    auto at = *rc::gen::inRange<std::size_t>(0, text.size() + 1);
    auto piece = *rc::gen::element<std::string>(
      "", "(", ")", "{", "}", "&", "||", "%", ",", ":", "@", "\"", "\\", " ",
      "0", "around", "set:", "prime:", "\x80", "\xe2\x80", "é", "x");
    auto cut = std::min(*rc::gen::inRange<std::size_t>(0, 3), text.size() - at);
    text.replace(at, cut, piece);
  }
  return text;
}

std::size_t steps(const std::string& text) {
  return scope::parse_counted(text, {}).steps;
}

// The worst of each kind, grown to about `bytes`.
std::string chain_of(std::size_t bytes, const std::string& op) {
  std::string out = "s0";
  for (auto i = 1; out.size() < bytes; ++i)
    out += op + "s" + std::to_string(i);
  return out;
}

std::string repeated(std::size_t bytes, const std::string& piece) {
  std::string out;
  while (out.size() < bytes)
    out += piece;
  return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_printed_tree_reads_back_as_itself) {
  BOOST_TEST(rc::check([] {
    auto x = some_tree();
    auto text = scope::to_string(x);
    RC_PRE(text.size() <= scope::text_bytes_max);
    auto back = scope::parse(text);
    if (!back)
      RC_FAIL(scope::pointed(text, back.error()));
    RC_ASSERT(*back == x);
    RC_ASSERT(boost::json::serialize(scope::to_json(*back))
              == boost::json::serialize(scope::to_json(x)));
    RC_ASSERT(scope::to_string(*back) == text);
  }));
}

BOOST_AUTO_TEST_CASE(spaces_change_nothing) {
  BOOST_TEST(rc::check([] {
    auto x = some_tree();
    auto text = scope::to_string(x);
    std::string wide;
    auto quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"' && (i == 0 || text[i - 1] != '\\'))
        quoted = !quoted;
      auto free = !quoted && std::strchr("{}(),:@&%", text[i]) != nullptr;
      wide += free ? std::string{"  "} + text[i] + " " : std::string{text[i]};
    }
    RC_PRE(wide.size() <= scope::text_bytes_max);
    // A name may end in a backslash, which the loop above takes for an escape.
    RC_PRE(text.find("\\\\\"") == std::string::npos);
    auto back = scope::parse(wide);
    RC_ASSERT(back.has_value());
    RC_ASSERT(*back == x);
  }));
}

BOOST_AUTO_TEST_CASE(random_bytes_are_an_error_or_a_tree) {
  BOOST_TEST(rc::check([](const std::string& text) { check_text(text); }));
}

BOOST_AUTO_TEST_CASE(random_tokens_are_an_error_or_a_tree) {
  BOOST_TEST(rc::check([] {
    auto parts = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("S1", "S2", "A", "{", "}", "(", ")", "&",
                                    "%", "||", ",", ":", "@", "2", "50ms",
                                    "around", "set", "prime", "\"q\"", " "));
    std::string text;
    for (const auto& x : parts)
      text += x;
    check_text(text);
  }));
}

BOOST_AUTO_TEST_CASE(mutated_texts_are_an_error_or_a_tree) {
  scope::known_names known{{"S1", "Zürich", "New York"},
                           {{"a", "Alpha"}, {"b", "Beta"}, {"nova", "Nova"}}};
  BOOST_TEST(rc::check([&] {
    auto text = mutated(scope::to_string(some_tree()));
    check_text(text);
    check_text(text, known);
  }));
}

// Counted in steps, so that no clock decides: twice the text costs at most
// twice the steps, and a bit for the ends.
BOOST_AUTO_TEST_CASE(the_work_is_linear_in_the_text) {
  using maker = std::function<std::string(std::size_t)>;
  const maker worst[] = {
    [](std::size_t n) { return chain_of(n, "&"); },
    [](std::size_t n) { return chain_of(n, "%"); },
    [](std::size_t n) { return chain_of(n, "|"); },
    [](std::size_t n) { return chain_of(n, "&1@"); },
    [](std::size_t n) { return chain_of(n, " & (a || b) % "); },
    [](std::size_t n) {
      return chain_of(n, "||" + std::string(60, '(') + "x");
    },
    [](std::size_t n) { return std::string(n, '('); },
    [](std::size_t n) { return repeated(n, "(a&"); },
    [](std::size_t n) { return repeated(n, "((((a))))|"); },
    [](std::size_t n) { return "\"" + std::string(n, 'x'); },
    [](std::size_t n) { return repeated(n, "a:"); },
    [](std::size_t n) { return "{set: 1@" + chain_of(n, ",1@") + "}"; },
    [](std::size_t n) { return "{a: " + chain_of(n, ",") + "}"; },
    [](std::size_t n) { return std::string(n, ' ') + "a"; },
  };
  for (const auto& make : worst) {
    auto once = steps(make(2'000));
    auto twice = steps(make(4'000));
    auto eight = steps(make(16'000));
    BOOST_TEST(once > 0U);
    BOOST_TEST(twice <= 2 * once + 200);
    BOOST_TEST(eight <= 8 * once + 800);
    BOOST_TEST(eight <= 20U * 16'000U);
  }
}
