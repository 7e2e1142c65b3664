#include "cheops/percent.hpp"

namespace cheops {

std::string percent_encoded(std::string_view x) {
  static constexpr auto digits = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : x) {
    auto plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
                 || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_'
                 || c == '~';
    if (plain) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += digits[c >> 4];
      out += digits[c & 15];
    }
  }
  return out;
}

bool append_percent_decoded(std::string_view x, std::string& to) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] != '%') {
      to += x[i];
      continue;
    }
    if (x.size() - i < 3)
      return false;
    auto high = hex_digit(x[i + 1]);
    auto low = hex_digit(x[i + 2]);
    if (high < 0 || low < 0)
      return false;
    to += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

std::optional<std::string> percent_decoded(std::string_view x) {
  std::optional<std::string> out{std::in_place};
  out->reserve(x.size());
  if (!append_percent_decoded(x, *out))
    out.reset();
  return out;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

} // namespace cheops
