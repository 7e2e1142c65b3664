#pragma once

#include "actors/tls.hpp"
#include "cheops/mesh/link.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cheops::support {

/// A process that dials a site's link listener with a certificate of its own
/// and then does as a test wishes. Blocking; each wait ends in half a minute.
class wild_peer {
public:
  /// Connected by TCP; nothing was said.
  wild_peer(const site::config& to, const site::config& as);
  ~wild_peer();
  wild_peer(const wild_peer&) = delete;
  wild_peer& operator=(const wild_peer&) = delete;

  /// Sends the first flight of TLS and reads the answer, but does not show
  /// the own certificate yet.
  void begin_handshake();

  /// TLS to its end, then `hello`, until the other side's hello has come;
  /// false if it hangs up before.
  [[nodiscard]] bool greet(const wire::hello& hello);

  void send(const std::string& bytes);

  /// The next frame of that kind, others are dropped; nothing at the end.
  [[nodiscard]] std::optional<wire::frame> next(wire::kind kind);

  /// Reads to the end: whether the other side hung up, and its goodbye.
  [[nodiscard]] bool is_hung_up_on();
  std::string goodbye; ///< What the other side said at its end.

private:
  [[nodiscard]] bool read_once();
  void write_out();

  int fd_ = -1;
  std::shared_ptr<const actors::tls::trust> trust_;
  std::optional<actors::tls::session> session_;
  wire::cutter cut_{1024 * 1024};
  bool secured_ = false;
  bool timed_out_ = false;
};

/// A frame as bytes.
[[nodiscard]] std::string frame_of(wire::kind kind, std::string payload,
                                   std::uint16_t flags = 0);

} // namespace cheops::support
