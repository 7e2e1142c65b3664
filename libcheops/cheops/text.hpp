#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Small readings and writings of text that several parts need.
namespace cheops {

/// What a token of HTTP is made of, by its byte.
inline constexpr std::array<bool, 256> token_chars = [] {
  std::array<bool, 256> out{};
  for (unsigned c = '0'; c <= '9'; ++c)
    out[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c)
    out[c] = out[c - 'a' + 'A'] = true;
  for (auto c : std::string_view{"!#$%&'*+-.^_`|~"})
    out[static_cast<unsigned char>(c)] = true;
  return out;
}();

/// A token of HTTP (RFC 9110, 5.6.2): a method, the name of a field.
[[nodiscard]] bool is_token(std::string_view x) noexcept;

/// Decimal digits and nothing else.
[[nodiscard]] std::optional<std::uint64_t>
whole_number(std::string_view x) noexcept;

/// "2026-11-24T03:42:03Z", and "2026-11-24T03:42:03.125Z".
[[nodiscard]] std::string utc(std::chrono::system_clock::time_point x);
[[nodiscard]] std::string utc_ms(std::chrono::system_clock::time_point x);

} // namespace cheops
