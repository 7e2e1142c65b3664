#pragma once

#include "cheops/mesh/view.hpp"
#include "cheops/wire/frame.hpp"
#include "cheops/wire/messages.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The rules of one connection between two sites: hello, heartbeats, chunks,
/// credit, bounds, injected faults. docs/links.md draws the phases.
namespace cheops::mesh::link {

/// Time since any fixed point; never goes back.
using instant = std::chrono::microseconds;

enum class role : std::uint8_t {
  dialled,  ///< We opened the connection.
  accepted, ///< The peer did.
};

enum class phase : std::uint8_t {
  securing,   ///< TCP and TLS; no frame passes.
  waiting,    ///< Dialled: secured, and not yet permitted to say hello.
  greeting,   ///< Our turn is done; the peer's hello is awaited.
  judging,    ///< Accepted: the peer said hello, and is not yet admitted.
  confirming, ///< Accepted: we said hello, and await the first heartbeat.
  up,
  closed,
};

/// Bytes that are with the socket at once: enough to keep a fast link busy,
/// small enough that a heartbeat does not wait long behind them.
inline constexpr std::size_t write_window = 256 * 1024;
/// Longer messages are cut; heartbeats pass between the chunks.
inline constexpr std::size_t chunk_bytes = 32 * 1024;

struct settings {
  wire::hello hello; ///< What we say.
  std::chrono::milliseconds heartbeat{500};
  std::chrono::milliseconds silence{2000};
  std::chrono::milliseconds dial{1000};
  std::size_t frame_bytes = 1024 * 1024;
  std::size_t message_bytes = 4 * 1024 * 1024;
  std::size_t output_bytes = 8 * 1024 * 1024;
  /// What the peer's messages may cost that this site has not done with.
  std::size_t input_bytes = 8 * 1024 * 1024;
};

/// The round trip as this site uses it: the least of the last three samples.
/// A loaded machine only ever adds to a sample, so the least is the path's
/// own; a path that got longer shows after three heartbeats, one that got
/// shorter at once.
class round_trip_filter {
public:
  void add(std::chrono::microseconds sample);
  [[nodiscard]] std::optional<std::chrono::microseconds> value() const;

private:
  std::deque<std::chrono::microseconds> last_;
};

struct held_frame {
  instant due{};
  wire::frame what;
};

struct state {
  settings with;
  role as = role::dialled;
  link::phase phase = phase::securing;
  site_id expected;  ///< Dialled: who we want; empty if accepted.
  site_id certified; ///< By the certificate; empty without TLS.
  std::optional<wire::hello> peer;
  std::uint16_t version = 0; ///< Agreed.
  instant opened{};
  instant heard{}; ///< When the last frame passed.
  instant pinged{};
  std::uint64_t digest = 0; ///< Said with each ping.

  wire::cutter in{wire::small_frame_bytes};
  wire::assembler whole{0};
  std::deque<wire::frame> queue; ///< Waits for the window.
  std::size_t queued = 0;        ///< Bytes of `queue` and `held_out`.
  std::size_t in_flight = 0;     ///< Bytes with the socket.
  std::uint32_t next_message = 0;
  std::uint64_t next_ping = 1;
  std::deque<wire::ping> pings; ///< Not answered yet, newest last.
  round_trip_filter round_trip;
  std::chrono::microseconds told{}; ///< Of `round_trip`, as `measured`.
  instant told_at{};
  int tell_more = 0;    ///< So many samples, after a change.
  bool differs = false; ///< The peer's digest, when it was `compared`.
  instant compared_at{};

  // Credit counts the cost of messages since the start; see wire::cost_of.
  std::uint64_t sent = 0;
  std::uint64_t allowed = 0;  ///< By the peer: `sent` stays below.
  bool stalled = false;       ///< `queue` waits for credit.
  std::uint64_t taken = 0;    ///< From the peer.
  std::uint64_t consumed = 0; ///< Of `taken`: nothing is left of them here.
  std::uint64_t granted = 0;  ///< To the peer: `taken` stays below.

  peer_faults faults;
  std::uint64_t random = 1; ///< State of the generator for losses.
  std::deque<held_frame> held_in;
  std::deque<held_frame> held_out;
  link_stats stats;
};

[[nodiscard]] state start(settings with, role as, site_id expected, instant now,
                          std::uint64_t seed);

/// TLS is done; `peer` is the name in the certificate, empty without TLS.
struct secured {
  site_id peer;
};
/// The supervisor lets us say hello (dialled), or takes the peer (accepted).
struct permitted {};
/// Bytes of the stream, decrypted.
struct received {
  std::string bytes;
};
/// What the socket has not taken yet.
struct drained {
  std::size_t in_flight = 0;
};
/// A message for the peer; ask `room` first.
struct posted {
  wire::kind kind = wire::kind::envelope;
  std::string payload;
};
/// New faults for this peer.
struct faulted {
  peer_faults faults;
};
/// The membership's digest has changed.
struct digested {
  std::uint64_t value = 0;
};
/// Once a heartbeat, and when a `wake` is due.
struct ticked {};
/// This site has done with messages that `arrived` or brought `gossip`.
struct consumed {
  std::size_t cost = 0;
};
/// New times and bounds; the hello stays what it was.
struct retuned {
  settings with;
};
/// We end it.
struct ended {
  wire::farewell why = wire::farewell::stopping;
  std::string text;
};

using input = std::variant<secured, permitted, received, drained, posted,
                           faulted, digested, ticked, consumed, retuned, ended>;

/// To the socket, in order.
struct write {
  std::string bytes;
};
/// The last effect. `said`: the peer's own goodbye.
struct close {
  std::string why;
  std::optional<wire::farewell> said;
};
/// Dialled and secured: ask the supervisor for `permitted`.
struct ready {};
/// The peer said hello; an accepted connection needs `permitted` now.
struct greeted {
  wire::hello hello;
};
struct went_up {};
/// The round trip is another than was told before, or it is time to say so.
struct measured {
  std::chrono::microseconds round_trip{};
};
/// Comes back as `consumed` when it has been dealt with; so does `arrived`.
struct gossip {
  std::vector<wire::sealed_statement> statements;
  std::size_t cost = 0;
};
struct arrived {
  wire::envelope envelope;
  std::size_t cost = 0;
};
/// The peer's digest, while it differs from ours and when it no longer does.
struct compared {
  std::uint64_t digest = 0;
};
/// Tick at that time too.
struct wake {
  instant at{};
};

using effect = std::variant<write, close, ready, greeted, went_up, measured,
                            gossip, arrived, compared, wake>;

/// Moves the connection by one input. Equal calls give equal effects.
[[nodiscard]] std::vector<effect> step(state& self, const input& in,
                                       instant now);

enum class room : std::uint8_t { yes, full, too_large, not_up };

/// Whether a message of so many bytes may be `posted` now.
[[nodiscard]] room room_for(const state& self, std::size_t bytes);

} // namespace cheops::mesh::link
