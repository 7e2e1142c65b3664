#pragma once

#include "cheops/mesh/view.hpp"
#include "cheops/names.hpp"
#include "cheops/result.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// The payloads of frames. A decoder ignores bytes after the fields that it
/// knows: later versions only append.
namespace cheops::wire {

/// The versions of the protocol that this release speaks.
inline constexpr std::uint16_t protocol_min = 1;
inline constexpr std::uint16_t protocol_max = 1;

inline constexpr std::size_t name_bytes_max = 253;
inline constexpr std::size_t services_max = 64;
inline constexpr std::size_t round_trips_max = 1024;
inline constexpr std::size_t statement_bytes_max = 384 * 1024;
inline constexpr std::size_t chain_max = 4;
inline constexpr std::size_t certificate_bytes_max = 8 * 1024;
inline constexpr std::size_t signature_bytes_max = 1024;
inline constexpr std::size_t statements_max = 64; ///< In one message.
/// A frame before both sides have said hello, and the payload of a ping,
/// pong or goodbye at any time.
inline constexpr std::size_t small_frame_bytes = 4096;

struct hello {
  std::uint16_t version_min = protocol_min;
  std::uint16_t version_max = protocol_max;
  site_id site;
  std::string store; ///< The id of its store: 32 hex digits.
  std::uint64_t incarnation = 0;
  std::uint64_t features = 0; ///< Bits; none is defined yet.
  std::string software;       ///< For people.
  /// What the messages may cost that the peer sends before it is granted
  /// more (frame.hpp, cost_of).
  std::uint64_t window = 0;
  friend bool operator==(const hello&, const hello&) = default;
};

/// The version that two sides speak: the highest that both know.
[[nodiscard]] result<std::uint16_t> agree(const hello& a, const hello& b);

struct ping {
  std::uint64_t sequence = 0;
  std::uint64_t sent_us = 0; ///< Of the sender's own clock.
  std::uint64_t digest = 0;  ///< Of the statements that the sender holds.
  std::uint64_t granted = 0; ///< As in `credit`, said again.
  friend bool operator==(const ping&, const ping&) = default;
};

struct pong {
  std::uint64_t sequence = 0;
  std::uint64_t echo_us = 0; ///< `sent_us` of the ping.
  friend bool operator==(const pong&, const pong&) = default;
};

/// What all messages may cost together that the peer sends on this
/// connection. It only grows, so one that is lost is made up for by the next.
struct credit {
  std::uint64_t granted = 0;
  friend bool operator==(const credit&, const credit&) = default;
};

/// What a site says of itself.
struct statement {
  site_id site;
  std::uint64_t incarnation = 0;
  std::uint64_t version = 0; ///< Grows within an incarnation.
  std::string store;
  mesh::address peer_front;
  mesh::address link;
  std::vector<service_id> services;
  std::map<site_id, std::chrono::microseconds> round_trips;
  friend bool operator==(const statement&, const statement&) = default;
};

/// A statement as it travels: the bytes that were signed, the certificates
/// of who signed (DER, leaf first), the signature. Without TLS both are empty.
struct sealed_statement {
  std::string body;
  std::vector<std::string> chain;
  std::string signature;
  friend bool operator==(const sealed_statement&,
                         const sealed_statement&) = default;
};

/// What is signed is this text followed by the body, so that a signature of
/// the same key for another purpose can never be taken for one of these.
inline constexpr std::string_view signature_context =
  "cheops site statement 1\n";

/// Where an actor is: a resource of a kind at a site.
struct target {
  site_id site;
  std::string kind;
  std::string resource;
  friend bool operator==(const target&, const target&) = default;
};

enum class delivery : std::uint8_t {
  message = 0,   ///< For the target.
  no_target = 1, ///< Came back: nobody is at that address.
  // Came back from this site's own end of a link; never sent.
  unreachable = 2, ///< There is no link to the site.
  full = 3,        ///< limits.link_output_bytes is reached; try later.
  too_large = 4,   ///< Over the longest message that a link takes.
};

/// A message from an actor to another. The site it comes from is not in it:
/// that is the certificate's.
struct envelope {
  delivery how = delivery::message;
  target to;
  std::string from_kind; ///< With the origin, where answers go.
  std::string from_resource;
  std::uint64_t id = 0; ///< The sender's own, returned in answers.
  std::string payload;
  friend bool operator==(const envelope&, const envelope&) = default;
};

/// Sent: append, never renumber.
enum class farewell : std::uint8_t {
  stopping = 1,  ///< The process ends in order.
  crossing = 2,  ///< Another connection of the same two sites stays.
  duplicate = 3, ///< Another process runs under that name.
  refused = 4,   ///< By rule: certificate, name, version.
  silence = 5,   ///< Nothing was heard for too long.
  broken = 6,    ///< The protocol was violated.
  removed = 7,   ///< The site was taken out of the configuration.
};

struct goodbye {
  farewell why = farewell::stopping;
  std::string text;
  friend bool operator==(const goodbye&, const goodbye&) = default;
};

[[nodiscard]] std::string encode(const hello& x);
[[nodiscard]] std::string encode(const ping& x);
[[nodiscard]] std::string encode(const pong& x);
[[nodiscard]] std::string encode(const credit& x);
[[nodiscard]] std::string encode(const statement& x);
[[nodiscard]] std::string encode(const std::vector<sealed_statement>& x);
[[nodiscard]] std::string encode(const envelope& x);
[[nodiscard]] std::string encode(const goodbye& x);

/// Errors: `broken`, for bytes that are not such a payload or break a bound.
[[nodiscard]] result<hello> decode_hello(std::string_view x);
[[nodiscard]] result<ping> decode_ping(std::string_view x);
[[nodiscard]] result<pong> decode_pong(std::string_view x);
[[nodiscard]] result<credit> decode_credit(std::string_view x);
[[nodiscard]] result<statement> decode_statement(std::string_view x);
[[nodiscard]] result<std::vector<sealed_statement>>
decode_gossip(std::string_view x);
[[nodiscard]] result<envelope> decode_envelope(std::string_view x);
[[nodiscard]] result<goodbye> decode_goodbye(std::string_view x);

} // namespace cheops::wire
