#pragma once

#include "cheops/result.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cheops::wire {

/// What a frame carries. Sent: append, never renumber.
enum class kind : std::uint8_t {
  hello = 1,    ///< Who speaks; the first frame in each direction.
  ping = 2,     ///< A heartbeat.
  pong = 3,     ///< Its echo.
  gossip = 4,   ///< Statements of sites about themselves.
  envelope = 5, ///< From one actor to another.
  goodbye = 6,  ///< The last frame, and why.
  credit = 7,   ///< How much the peer may send by now.
};

/// Another chunk of the same message follows.
inline constexpr std::uint16_t flag_more = 0x1;
/// Who does not know the kind may skip the frame; without it, it must close.
inline constexpr std::uint16_t flag_optional = 0x2;

inline constexpr std::uint16_t frame_magic = 0xc4e0;
inline constexpr std::uint8_t frame_layout = 1;
inline constexpr std::size_t header_bytes = 16;
/// What a frame of a message counts for besides its payload: a message of a
/// few bytes still takes memory at who keeps it.
inline constexpr std::size_t frame_cost = 512;

/// One frame, without its length.
struct frame {
  wire::kind kind = kind::hello;
  std::uint16_t flags = 0;
  std::uint16_t chunk = 0;   ///< Counts the chunks of a message from 0.
  std::uint32_t message = 0; ///< Counts the messages of a direction.
  std::string payload;
  friend bool operator==(const frame&, const frame&) = default;
};

[[nodiscard]] std::string encode(const frame& x);

/// What a frame of a message takes of the credit that a peer gave.
[[nodiscard]] inline std::size_t cost_of(const frame& x) noexcept {
  return x.payload.size() + frame_cost;
}

/// Cuts a stream of bytes into frames. Holds at most one frame and what was
/// fed beside it; a length over the limit is refused before a byte of the
/// payload is kept.
class cutter {
public:
  explicit cutter(std::size_t frame_bytes_max) : max_(frame_bytes_max) {}

  void feed(std::string_view bytes);

  /// The next whole frame, nothing if more bytes are needed, or `broken`
  /// (not a frame) or `too_large`; after an error only errors follow.
  [[nodiscard]] result<std::optional<frame>> next();

  /// Bytes kept of a frame that is not whole yet.
  [[nodiscard]] std::size_t kept() const noexcept {
    return buffer_.size() - used_;
  }

  /// From now on.
  void limit(std::size_t frame_bytes_max) noexcept { max_ = frame_bytes_max; }

private:
  std::size_t max_;
  std::string buffer_;
  std::size_t used_ = 0;
};

/// Puts the chunks of one message together. A chunk that does not follow the
/// last one drops the message (frames get lost only by injected faults).
class assembler {
public:
  explicit assembler(std::size_t message_bytes_max) : max_(message_bytes_max) {}

  /// The whole message when `x` ends one; its payload is that of all chunks.
  [[nodiscard]] result<std::optional<frame>> add(frame x);

  /// What the frames cost that are kept for a message that is not whole.
  [[nodiscard]] std::size_t kept_cost() const noexcept { return cost_; }

  /// From now on.
  void limit(std::size_t message_bytes_max) noexcept {
    max_ = message_bytes_max;
  }

private:
  std::size_t max_;
  std::optional<frame> open_;
  std::size_t cost_ = 0;
};

} // namespace cheops::wire
