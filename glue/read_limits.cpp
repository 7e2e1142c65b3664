#include "glue/read_config.hpp"

#include <cstdint>

namespace cheops::glue {

using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;

template <class T>
void read_size(const yaml::node& x, std::string_view key, T& to,
               std::uint64_t low, std::uint64_t high) {
  yaml::bytes size{to};
  x.read(key, size, {low}, {high});
  to = static_cast<T>(size.count);
}

} // namespace

void read_limits(const yaml::node& x, site::limits& to) {
  if (!x)
    return;
  x.read("connections", to.connections, 1, 1'000'000);
  read_size(x, "header_bytes", to.header_bytes, kib, mib);
  x.read("header_fields", to.header_fields, 8, 4096);
  read_size(x, "target_bytes", to.target_bytes, 64, mib);
  read_size(x, "buffer_bytes", to.buffer_bytes, 4 * kib, 16 * mib);
  read_size(x, "retry_body_bytes", to.retry_body_bytes, 1, 16 * mib);
  x.read("upstream_idle", to.upstream_idle, 1, 100'000);
  x.read("upstream_connections", to.upstream_connections, 1, 100'000);
  x.read("upstream_waiting", to.upstream_waiting, 1, 1'000'000);
  x.read("correlations", to.correlations, 1, 100'000'000);
  x.read("tokens", to.tokens, 16, 10'000'000);
  x.read("scoped_resources", to.scoped_resources, 16, 100'000'000);
  x.read("hops", to.hops, 1, 64);
  x.read("peers", to.peers, 1, 10'000);
  read_size(x, "frame_bytes", to.frame_bytes, 16 * kib, 64 * mib);
  read_size(x, "link_output_bytes", to.link_output_bytes, 64 * kib, 1024 * mib);
  read_size(x, "link_input_bytes", to.link_input_bytes, 64 * kib, 1024 * mib);
  read_size(x, "entry_bytes", to.entry_bytes, 1, 64 * mib);
  read_size(x, "replicant_bytes", to.replicant_bytes, 64 * kib, 256 * mib);
  x.read("application_calls", to.application_calls, 1, 1024);
  if (to.replicant_bytes < to.entry_bytes)
    x.fail("replicant_bytes is less than entry_bytes; a replicant is rebuilt "
           "from one entry at least");
  if (to.target_bytes > to.header_bytes)
    x.fail("target_bytes is more than header_bytes; the target is a part of "
           "the head");
  if (to.link_output_bytes < to.frame_bytes)
    x.fail("link_output_bytes is less than frame_bytes; a link must hold one "
           "frame at least");
}

void read_timeouts(const yaml::node& x, site::timeouts& to) {
  if (!x)
    return;
  const struct {
    std::string_view key;
    milliseconds& to;
  } all[] = {{"connect", to.connect},
             {"header", to.header},
             {"idle", to.idle},
             {"upstream_idle", to.upstream_idle},
             {"answer", to.answer},
             {"peer_answer", to.peer_answer},
             {"tunnel_idle", to.tunnel_idle},
             {"correlation", to.correlation},
             {"token_mark", to.token_mark},
             {"validation", to.validation},
             {"scoped_resource", to.scoped_resource},
             {"drain", to.drain},
             {"heartbeat", to.heartbeat},
             {"link_silence", to.link_silence},
             {"dial", to.dial}};
  for (const auto& one : all)
    x.read(one.key, one.to, milliseconds{10}, std::chrono::hours{24});
  if (to.link_silence < 2 * to.heartbeat)
    x.fail("link_silence is less than two heartbeats; a link would be cut off "
           "for one that is late");
}

} // namespace cheops::glue
