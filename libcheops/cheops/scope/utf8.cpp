#include "cheops/scope/utf8.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace cheops::scope {

namespace {

struct range {
  char32_t first;
  char32_t last;
};

bool within(std::span<const range> all, char32_t x) noexcept {
  return std::ranges::any_of(
    all, [x](const range& r) { return r.first <= x && x <= r.last; });
}

// Blocks of letters, coarse on purpose: what they hold besides letters is
// harmless in a name, and whatever is not in them can be quoted.
constexpr std::array<range, 12> letters{{
  {0xaa, 0xaa},
  {0xb5, 0xb5},
  {0xba, 0xba},
  {0xc0, 0xd6},
  {0xd8, 0xf6},
  {0xf8, 0x2c1},
  {0x300, 0x373},
  {0x376, 0x37d},
  {0x386, 0x167f},
  {0x1e00, 0x1fff},
  {0x3041, 0xd7ff},
  {0xf900, 0xfaff},
}};

constexpr std::array<range, 6> controls{{
  {0x0, 0x1f},
  {0x7f, 0x9f},
  {0x61c, 0x61c},
  {0x200e, 0x200f},
  {0x2028, 0x202e},
  {0x2066, 0x2069},
}};

constexpr std::array<range, 6> zero_wide{{
  {0x300, 0x36f},
  {0x483, 0x489},
  {0x200b, 0x200d},
  {0x20d0, 0x20ff},
  {0xfe00, 0xfe0f},
  {0xfeff, 0xfeff},
}};

constexpr std::array<range, 9> double_wide{{
  {0x1100, 0x115f},
  {0x2e80, 0x303e},
  {0x3041, 0xa4cf},
  {0xac00, 0xd7a3},
  {0xf900, 0xfaff},
  {0xfe30, 0xfe6f},
  {0xff00, 0xff60},
  {0x1f300, 0x1faff},
  {0x20000, 0x3fffd},
}};

constexpr unsigned char byte(std::string_view text, std::size_t at) noexcept {
  return static_cast<unsigned char>(text[at]);
}

std::string hexadecimal(char32_t x, std::size_t digits_min) {
  std::string out;
  for (; x != 0 || out.size() < digits_min; x >>= 4)
    out += "0123456789abcdef"[x & 0xf];
  std::ranges::reverse(out);
  return out;
}

} // namespace

code_point decode(std::string_view text, std::size_t at) noexcept {
  auto lead = byte(text, at);
  code_point bad{lead, 1, false};
  if (lead < 0x80)
    return {lead, 1, true};
  if (lead < 0xc2 || lead > 0xf4)
    return bad;
  std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() - at < size)
    return bad;
  auto value = static_cast<char32_t>(lead & (0xff >> (size + 1)));
  for (std::size_t i = 1; i < size; ++i) {
    auto next = byte(text, at + i);
    if ((next & 0xc0) != 0x80)
      return bad;
    value = (value << 6) | (next & 0x3f);
  }
  auto overlong =
    (size == 3 && value < 0x800) || (size == 4 && value < 0x10000);
  auto surrogate = value >= 0xd800 && value <= 0xdfff;
  if (overlong || surrogate || value > 0x10ffff)
    return bad;
  return {value, size, true};
}

bool is_control(char32_t x) noexcept {
  return within(controls, x);
}

bool is_name_character(char32_t x) noexcept {
  if (x < 0x80)
    return (x >= 'a' && x <= 'z') || (x >= 'A' && x <= 'Z')
           || (x >= '0' && x <= '9') || x == '_' || x == '-' || x == '.';
  return within(letters, x) && !is_control(x);
}

std::string shown(std::string_view text, std::size_t at, const code_point& x) {
  if (!x.valid)
    return "\\x" + hexadecimal(x.value, 2);
  if (!is_control(x.value))
    return std::string{text.substr(at, x.size)};
  switch (x.value) {
  case '\t':
    return "\\t";
  case '\n':
    return "\\n";
  case '\r':
    return "\\r";
  default:
    return x.value < 0x80 ? "\\x" + hexadecimal(x.value, 2)
                          : "\\u{" + hexadecimal(x.value, 2) + "}";
  }
}

std::size_t columns(char32_t x) noexcept {
  if (within(zero_wide, x))
    return 0;
  return within(double_wide, x) ? 2 : 1;
}

} // namespace cheops::scope
