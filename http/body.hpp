#pragma once

#include "http/head.hpp"

#include <cstdint>
#include <string>

/// Bodies of messages: where they end, and that chunks are well-formed. The
/// bytes themselves pass as they came.
namespace cheops::http {

class body_reader {
public:
  /// What to do with the bytes looked at: the first `pass` belong to the
  /// body and go on; the next `drop` have been dealt with and go nowhere.
  struct step {
    std::size_t pass = 0;
    std::size_t drop = 0;
    bool bad = false;
  };

  /// `decode`: a chunked body comes out without its chunks (and trailers).
  void start(framing of, std::uint64_t length, bool decode,
             std::size_t trailer_bytes_max) noexcept;

  /// Looks at bytes not looked at before. When decoding it moves the data
  /// to the front of `bytes`.
  [[nodiscard]] step scan(char* bytes, std::size_t size);

  [[nodiscard]] bool done() const noexcept { return state_ == state::done; }
  [[nodiscard]] framing kind() const noexcept { return kind_; }
  /// `until_close`: the connection's end is the body's.
  void end() noexcept {
    if (kind_ == framing::until_close)
      state_ = state::done;
  }
  /// Chunked and done: the trailer fields that may go on, and the empty line
  /// that ends them.
  [[nodiscard]] std::string take_trailers() noexcept {
    return std::move(trailers_out_);
  }
  [[nodiscard]] const defect& why() const noexcept { return defect_; }

private:
  enum class state : std::uint8_t {
    data, ///< `left_` bytes of the body (or of a chunk) to come.
    size, ///< In a chunk's size.
    extension,
    size_lf,
    data_cr,
    data_lf,
    trailers,
    endless,
    done,
  };

  bool size_char(char c);
  bool extension_char(char c);
  bool framing_char(char c);
  std::size_t take_trailer_bytes(const char* bytes, std::size_t size);
  bool trailer_line(std::string_view line);
  bool refuse(std::string_view what) noexcept;

  framing kind_ = framing::none;
  state state_ = state::done;
  bool decode_ = false;
  bool bad_ = false;
  unsigned digits_ = 0;
  std::uint64_t left_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  std::size_t trailer_bytes_max_ = 0;
  std::string line_; ///< The trailer line being read.
  std::string trailers_out_;
  defect defect_;
};

} // namespace cheops::http
