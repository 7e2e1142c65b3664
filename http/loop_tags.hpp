#pragma once

#include "cheops/traffic/correlation.hpp"
#include "http/head.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

/// Marks in Via that only this process can make: a request that brings one
/// back has gone in a circle. What others write there decides nothing.
namespace cheops::http {

class loop_tags {
public:
  /// `key`: of this process, the same in all its threads.
  loop_tags(std::array<unsigned char, 32> key, std::string via_name)
    : key_(key), via_name_(std::move(via_name)) {}

  [[nodiscard]] static std::array<unsigned char, 32> fresh_key();

  /// "Via: 1.1 Site1 (cheops 0123…)" with its line end, for requests that
  /// pass the front of `service`.
  [[nodiscard]] std::string line(std::string_view service,
                                 std::uint64_t minute) const;

  /// Whether a Via field of `in` carries a mark of the last minutes.
  [[nodiscard]] bool came_back(const head& in, std::string_view service,
                               std::uint64_t minute) const;

  /// "Site1 > Site2", from the Via fields.
  [[nodiscard]] static std::string path_of(const head& in);

  [[nodiscard]] static std::uint64_t minute_of(traffic::clock::time_point t) {
    return static_cast<std::uint64_t>(t.time_since_epoch()
                                      / std::chrono::minutes{1});
  }

private:
  static constexpr std::uint64_t minutes_live = 3;
  [[nodiscard]] std::string tag(std::string_view service,
                                std::uint64_t minute) const;

  std::array<unsigned char, 32> key_;
  std::string via_name_;
};

} // namespace cheops::http
