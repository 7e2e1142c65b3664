#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Messages of protocol buffers, looked at by the numbers of fields, without
/// their schema. Bytes that are not asked for stay as they came. Pure.
namespace cheops::glue::kubernetes::protobuf {

/// Whether it is a row of fields, as kube-apiserver's reader takes them (no
/// groups, which its messages do not have).
[[nodiscard]] bool is_message(std::string_view x);

/// How often a field of that number stands in a message, not below it.
[[nodiscard]] std::size_t count(std::string_view message, std::uint32_t number);

/// The bytes of the last field at that path of numbers, each but the last a
/// message within the one before; nullopt: there is none, or it is a number.
[[nodiscard]] std::optional<std::string_view>
find(std::string_view message, std::span<const std::uint32_t> path);

/// Whether there is a field at that path, of any type.
[[nodiscard]] bool has(std::string_view message,
                       std::span<const std::uint32_t> path);

/// Calls `f(bytes)` for each field of that number which holds bytes.
template <class F>
void each(std::string_view message, std::uint32_t number, F f);

/// The message without the fields at that path.
[[nodiscard]] std::string without(std::string_view message,
                                  std::span<const std::uint32_t> path);

/// The message with one more field of bytes at that path, behind the others;
/// messages on the way to it are made where there are none.
[[nodiscard]] std::string with(std::string_view message,
                               std::span<const std::uint32_t> path,
                               std::string_view bytes);

/// A field of bytes, as it stands in a message.
[[nodiscard]] std::string field(std::uint32_t number, std::string_view bytes);

// -- how it is read ----------------------------------------------------------

struct piece {
  std::uint32_t number = 0;
  bool bytes = false;     ///< It holds bytes: a text, or a message.
  std::string_view whole; ///< With its tag.
  std::string_view value; ///< Of bytes.
};
/// Takes the first field off; nullopt: there is none that can be read.
[[nodiscard]] std::optional<piece> take(std::string_view& message);

template <class F>
void each(std::string_view message, std::uint32_t number, F f) {
  while (auto x = take(message))
    if (x->bytes && x->number == number)
      f(x->value);
}

} // namespace cheops::glue::kubernetes::protobuf
