#pragma once

#include "cheops/site/config.hpp"

#include <chrono>
#include <cstddef>

namespace cheops::bench {

/// What one measurement gave.
struct figure {
  double per_second = 0; ///< Round trips, or bytes.
  double cpu_us = 0;     ///< Of the process, for each round trip or MB.
};

/// Who is measured: certificates of two sites, and the CA of both.
struct two_sites {
  site::tls_files a;
  site::tls_files b;
};

/// User and system time of this process so far.
[[nodiscard]] std::chrono::microseconds cpu_time();

/// A TLS 1.3 connection over loopback as Asio alone makes it, mutual
/// certificates, one blocking thread for each end: what a link is held
/// against. Each call makes a connection of its own.
///
/// `outstanding` messages of so many bytes go round, each with a write and a
/// TLS record of its own, as frames of a link.
[[nodiscard]] figure bare_round_trips(const two_sites& who, std::size_t bytes,
                                      std::size_t outstanding,
                                      std::chrono::milliseconds time);

/// One end writes `bytes` at once, again and again; the other reads 64 KiB.
[[nodiscard]] figure bare_bulk(const two_sites& who, std::size_t bytes,
                               std::chrono::milliseconds time);

} // namespace cheops::bench
