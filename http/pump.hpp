#pragma once

#include "http/buffer.hpp"
#include "http/stream.hpp"

#include <cstdint>
#include <string>

namespace cheops::http {

/// What is on its way to one connection: text of ours, then bytes that lie
/// at the front of the other connection's buffer, then text again. All of it
/// goes out in one write where it fits.
struct pump {
  std::string before;
  std::size_t before_sent = 0;
  std::size_t ready = 0; ///< Bytes of the buffer that go out.
  std::size_t drop = 0;  ///< Bytes behind them that do not.
  std::string after;
  std::size_t after_sent = 0;

  [[nodiscard]] bool empty() const noexcept {
    return ready == 0 && before_sent == before.size()
           && after_sent == after.size();
  }
  /// Nothing of the buffer is on its way: the next piece may be looked at.
  [[nodiscard]] bool takes_piece() const noexcept {
    return ready == 0 && after_sent == after.size();
  }
  /// Writes until all is out (`done`) or the connection takes no more.
  [[nodiscard]] io flush(stream& to, buffer& from, std::uint64_t& sent);
  /// Forgets what is not sent; takes it out of the buffer.
  void discard(buffer& from) noexcept;
  /// Forgets what of `before` lies behind `at`, and the piece; nothing of
  /// either is sent. The buffer is left as it is.
  void take_back(std::size_t at) noexcept;
  /// A new piece lies at the front of the buffer.
  void piece(std::size_t pass, std::size_t drop_behind, buffer& from) noexcept;

private:
  void sent_bytes(std::size_t n, buffer& from) noexcept;
};

} // namespace cheops::http
