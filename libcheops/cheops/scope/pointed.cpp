#include "cheops/scope/parse.hpp"
#include "cheops/scope/utf8.hpp"

#include <algorithm>
#include <stdexcept>

namespace cheops::scope {

namespace {

constexpr std::size_t window_columns = 72;
constexpr std::string_view cut = "...";

// One character of the text as a terminal shows it.
struct cell {
  std::string text;
  std::size_t wide = 0;
};

struct row {
  std::vector<cell> cells;
  std::size_t caret = 0; ///< Index of the cell pointed at, or one past them.
};

row to_row(std::string_view text, std::size_t at) {
  row out;
  for (std::size_t i = 0; i < text.size();) {
    auto x = decode(text, i);
    auto escaped = !x.valid || is_control(x.value);
    auto s = shown(text, i, x);
    auto wide = escaped ? s.size() : columns(x.value);
    i += x.size;
    if (i <= at)
      ++out.caret;
    out.cells.push_back({std::move(s), wide});
  }
  return out;
}

std::size_t width(const row& x, std::size_t first, std::size_t last) {
  std::size_t out = 0;
  for (auto i = first; i < last; ++i)
    out += x.cells[i].wide;
  return out;
}

// The cells to show: all where they fit, else those around the caret.
std::pair<std::size_t, std::size_t> window(const row& x) {
  auto count = x.cells.size();
  if (width(x, 0, count) <= window_columns)
    return {0, count};
  auto room = window_columns - 2 * cut.size();
  auto first = x.caret;
  auto last = x.caret;
  std::size_t used = 0;
  auto fits = [&](std::size_t i, std::size_t limit) {
    return used + x.cells[i].wide <= limit;
  };
  while (first > 0 && fits(first - 1, room / 2))
    used += x.cells[--first].wide;
  while (last < count && fits(last, room))
    used += x.cells[last++].wide;
  while (first > 0 && fits(first - 1, room))
    used += x.cells[--first].wide;
  return {first, last};
}

std::string way_out(const syntax_error& x) {
  std::string out;
  if (!x.expected.empty())
    out += "expected " + x.expected;
  if (!x.nearest.empty())
    out += std::string{out.empty() ? "" : "; "} + "did you mean \"" + x.nearest
           + "\"?";
  return out;
}

} // namespace

std::string pointed(std::string_view text, const syntax_error& x) {
  auto all = to_row(text, x.at);
  auto [first, last] = window(all);
  std::string out = first > 0 ? std::string{cut} : "";
  auto column = out.size() + width(all, first, all.caret);
  for (auto i = first; i < last; ++i)
    out += all.cells[i].text;
  if (last < all.cells.size())
    out += cut;
  out += "\n" + std::string(column, ' ') + "^\n" + x.what;
  auto hint = way_out(x);
  return hint.empty() ? out : out + ": " + hint;
}

error to_error(std::string_view text, const syntax_error& x) {
  error out;
  out.code = x.code;
  out.what = x.what + ", at character "
             + std::to_string(to_row(text, x.at).caret + 1) + " of the scope";
  out.step = "parse scope";
  out.hint = way_out(x);
  return out;
}

void throw_exception_from_error(const syntax_error& x,
                                const boost::source_location&) {
  throw std::runtime_error(to_error({}, x).what);
}

} // namespace cheops::scope
