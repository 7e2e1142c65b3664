#pragma once

#include "bench/bare_tls.hpp"

#include <memory>

namespace cheops::bench {

/// Two nodes of this process, linked over loopback under mutual TLS. What is
/// measured is what an actor of one site sees that asks an actor of the
/// other: through both routers and both links, there and back.
class node_pair {
public:
  /// Throws where a node does not start or the link does not come up.
  explicit node_pair(const two_sites& who);
  ~node_pair();

  /// `outstanding` envelopes with so many bytes go round.
  [[nodiscard]] figure round_trips(std::size_t bytes, std::size_t outstanding,
                                   std::chrono::milliseconds time);

  /// Envelopes with so many bytes go to the other site, where each is
  /// confirmed with an empty one; `outstanding` are not confirmed.
  [[nodiscard]] figure bulk(std::size_t bytes, std::size_t outstanding,
                            std::chrono::milliseconds time);

private:
  struct inside;
  std::unique_ptr<inside> inside_;
};

} // namespace cheops::bench
