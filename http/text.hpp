#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Small helpers for text that strangers wrote.
namespace cheops::http {

/// `x` as valid UTF-8 of at most `bytes_max` bytes: what is not UTF-8 becomes
/// U+FFFD, what is too long ends in "…" (which counts).
[[nodiscard]] std::string clean_utf8(std::string_view x, std::size_t bytes_max);

/// `x` as a field value: control characters become '?', at most `bytes_max`.
[[nodiscard]] std::string clean_field(std::string_view x,
                                      std::size_t bytes_max);

/// Appends `x` as a JSON string with its quotes; cleaned as by `clean_utf8`.
void append_json(std::string& to, std::string_view x, std::size_t bytes_max);

/// Appends the line `Date` of now. Made anew once a second, on each thread.
void append_date(std::string& to);

} // namespace cheops::http
