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

} // namespace cheops
