#include "http/text.hpp"

#include <array>
#include <cstdint>
#include <ctime>

namespace cheops::http {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD
constexpr std::string_view ellipsis = "\xE2\x80\xA6";    // …
constexpr std::string_view digits = "0123456789ABCDEF";

std::uint8_t byte_at(std::string_view x, std::size_t i) {
  return static_cast<std::uint8_t>(x[i]);
}

// The length of the UTF-8 sequence at `i`, 0 if there is none (RFC 3629:
// neither overlong forms nor surrogates nor beyond U+10FFFF).
std::size_t sequence_at(std::string_view x, std::size_t i) {
  auto lead = byte_at(x, i);
  if (lead < 0x80)
    return 1;
  std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || i + length > x.size())
    return 0;
  std::uint8_t low = 0x80, high = 0xBF; // Bounds of the second byte.
  if (lead == 0xE0)
    low = 0xA0;
  else if (lead == 0xED)
    high = 0x9F;
  else if (lead == 0xF0)
    low = 0x90;
  else if (lead == 0xF4)
    high = 0x8F;
  if (byte_at(x, i + 1) < low || byte_at(x, i + 1) > high)
    return 0;
  for (std::size_t k = 2; k < length; ++k)
    if ((byte_at(x, i + k) & 0xC0) != 0x80)
      return 0;
  return length;
}

// Whether the cleaned text from `i` on takes at most `room` bytes. Ends after
// `room` steps at most.
bool fits(std::string_view x, std::size_t i, std::size_t room) {
  while (i < x.size()) {
    auto length = sequence_at(x, i);
    auto needs = length == 0 ? replacement.size() : length;
    if (needs > room)
      return false;
    room -= needs;
    i += length == 0 ? 1 : length;
  }
  return true;
}

// Calls `put` with each character of the cleaned text.
template <class Put>
void for_each_clean(std::string_view x, std::size_t bytes_max, Put put) {
  auto room = bytes_max;
  for (std::size_t i = 0; i < x.size();) {
    auto length = sequence_at(x, i);
    auto piece = length == 0 ? replacement : x.substr(i, length);
    // Too near to the bound to hold this piece and an ellipsis after it.
    if (piece.size() + ellipsis.size() > room && !fits(x, i, room)) {
      if (ellipsis.size() <= room)
        put(ellipsis);
      return;
    }
    room -= piece.size();
    i += length == 0 ? 1 : length;
    put(piece);
  }
}

} // namespace

std::string clean_utf8(std::string_view x, std::size_t bytes_max) {
  std::string out;
  for_each_clean(x, bytes_max, [&out](std::string_view p) { out += p; });
  return out;
}

std::string clean_field(std::string_view x, std::size_t bytes_max) {
  std::string out{x.substr(0, bytes_max)};
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      c = '?';
  return out;
}

void append_json(std::string& to, std::string_view x, std::size_t bytes_max) {
  to += '"';
  for_each_clean(x, bytes_max, [&to](std::string_view p) {
    auto c = static_cast<unsigned char>(p.front());
    if (c == '"' || c == '\\') {
      to += '\\';
      to += p;
    } else if (c < 0x20 || c == 0x7F) {
      to += "\\u00";
      to += digits[c >> 4];
      to += digits[c & 15];
    } else {
      to += p;
    }
  });
  to += '"';
}

void append_date(std::string& to) {
  struct known_line {
    std::time_t at = -1;
    std::string text;
  };
  thread_local known_line last;
  if (auto now = std::time(nullptr); now != last.at) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 48> out{};
    auto length = std::strftime(out.data(), out.size(),
                                "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    last = {now, {out.data(), length}};
  }
  to += last.text;
}

} // namespace cheops::http
