// Any text is either an error that can be shown, or a tree that prints to a
// text of the same tree; and the work is linear in the text.
#include "cheops/scope/parse.hpp"
#include "cheops/scope/parser.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace cheops;

const scope::known_names nothing;
const scope::known_names known{
  {"Site1", "Site2", "Zürich", "New York", "around"},
  {{"a", "A"},
   {"servicea", "ServiceA"},
   {"nova", "Nova"},
   {"compute", "Nova"},
   {"set", "Set"}}};

// Steps a byte: each is looked at by the lexer, its token a few times by the
// parser at each of four levels, and what is printed has spaces between.
constexpr std::size_t steps_a_byte_max = 64;
constexpr std::size_t steps_for_nothing = 512;

void require(bool fine, const char* rule) {
  if (fine)
    return;
  std::fprintf(stderr, "broken: %s\n", rule);
  std::abort();
}

void check_error(std::string_view text, const scope::syntax_error& x) {
  require(x.at <= text.size(), "an error points into the text");
  require(!x.what.empty(), "an error says what is wrong");
  auto shown = scope::pointed(text, x);
  require(std::count(shown.begin(), shown.end(), '\n') == 2,
          "an error is three lines");
  require(!scope::to_error(text, x).what.empty(), "an error has a sentence");
}

void check_tree(const scope::tree& x, const scope::known_names& names) {
  auto text = scope::to_string(x);
  auto again = scope::parse(text, names);
  require(again.has_value(), "a printed tree parses");
  require(*again == x, "parse(print(tree)) is the tree");
  require(scope::to_string(*again) == text, "the canonical text is stable");
  require(to_json(*again) == to_json(x), "equal trees have equal JSON");
}

void check(std::string_view text, const scope::known_names& names) {
  auto [x, steps] = scope::parse_counted(text, names);
  require(steps <= steps_a_byte_max * text.size() + steps_for_nothing,
          "the work is linear in the text");
  if (x)
    check_tree(*x, names);
  else
    check_error(text, x.error());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  check(text, nothing);
  check(text, known);
  return 0;
}
