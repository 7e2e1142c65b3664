// A stream of frames gives the same whole and in pieces, within its bounds;
// what a decoder takes, it takes again from its own encoder; and a link that
// is fed anything keeps to its limits.
#include "cheops/wire/frame.hpp"

#include "cheops/mesh/link.hpp"
#include "cheops/wire/messages.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace cheops;
using namespace cheops::wire;
namespace link = cheops::mesh::link;

// Small, so that the fuzzer reaches them.
constexpr std::size_t frame_max = 512;
constexpr std::size_t message_max = 1024;

void require(bool fine, const char* rule) {
  if (fine)
    return;
  std::fprintf(stderr, "broken: %s\n", rule);
  std::abort();
}

// Where the next piece ends: fixed by the input, so that a find repeats.
struct pieces {
  std::uint32_t state;
  std::size_t next(std::size_t left) {
    state = state * 1664525U + 1013904223U;
    auto n = 1 + (state >> 16) % 23;
    return n < left ? n : left;
  }
};

template <class Decoder>
void check_decoder(Decoder decode, std::string_view bytes) {
  auto x = decode(bytes);
  if (!x)
    return;
  auto again = decode(encode(*x));
  require(again.has_value() && *again == *x,
          "what was decoded is the same once encoded and decoded again");
}

void check_payload(kind what, std::string_view bytes) {
  switch (what) {
  case kind::hello:
    return check_decoder(decode_hello, bytes);
  case kind::ping:
    return check_decoder(decode_ping, bytes);
  case kind::pong:
    return check_decoder(decode_pong, bytes);
  case kind::gossip:
    check_decoder(decode_gossip, bytes);
    if (auto all = decode_gossip(bytes))
      for (const auto& x : *all)
        check_decoder(decode_statement, x.body);
    return;
  case kind::envelope:
    return check_decoder(decode_envelope, bytes);
  case kind::credit:
    return check_decoder(decode_credit, bytes);
  case kind::goodbye:
    return check_decoder(decode_goodbye, bytes);
  }
}

struct cut {
  std::vector<frame> frames;
  bool failed = false;
};

/// All frames that can be cut now.
void drain(cutter& from, cut& to) {
  while (!to.failed) {
    auto x = from.next();
    to.failed = !x;
    if (!x || !*x)
      break;
    require((*x)->payload.size() <= frame_max, "a frame keeps to its limit");
    to.frames.push_back(std::move(**x));
  }
  if (!to.failed)
    require(from.kept() <= header_bytes + frame_max,
            "no more is kept than one frame");
  else
    require(!from.next(), "after an error only errors follow");
}

void check_stream(std::string_view bytes, std::uint8_t seed) {
  cut whole;
  cutter first{frame_max};
  first.feed(bytes);
  drain(first, whole);

  cut parts;
  cutter second{frame_max};
  pieces at{seed};
  for (std::size_t i = 0; i < bytes.size() && !parts.failed;) {
    auto n = at.next(bytes.size() - i);
    second.feed(bytes.substr(i, n));
    drain(second, parts);
    i += n;
  }
  require(whole.failed == parts.failed, "a stream fails the same in pieces");
  require(whole.frames == parts.frames, "a stream is the same in pieces");

  std::string again;
  for (const auto& f : whole.frames)
    again += encode(f);
  require(bytes.starts_with(again), "a frame is the bytes that it came as");

  assembler together{message_max};
  for (auto& f : whole.frames) {
    auto message = together.add(std::move(f));
    if (!message)
      break;
    if (!*message)
      continue;
    require((*message)->payload.size() <= message_max + frame_max,
            "a message keeps to its limit");
    check_payload((*message)->kind, (*message)->payload);
  }
}

/// A link that is up, as the other side may feed it.
void check_link(std::string_view bytes, std::uint8_t seed) {
  link::settings with;
  with.hello.site = site_id{"A"};
  with.frame_bytes = frame_max;
  with.message_bytes = message_max;
  with.output_bytes = 4096;
  auto now = link::instant{1'000'000};
  auto x = link::start(with, link::role::accepted, {}, now, seed);
  (void) link::step(x, link::secured{site_id{"B"}}, now);
  hello other;
  other.site = site_id{"B"};
  frame f;
  f.payload = encode(other);
  (void) link::step(x, link::received{encode(f)}, now);
  (void) link::step(x, link::permitted{}, now);
  pieces at{seed};
  for (std::size_t i = 0; i < bytes.size();) {
    auto n = at.next(bytes.size() - i);
    (void) link::step(x, link::received{std::string{bytes.substr(i, n)}}, now);
    i += n;
    now += link::instant{1000};
    if (n % 8 == 0)
      (void) link::step(x, link::ticked{}, now);
  }
  require(x.queued <= with.output_bytes, "a link keeps to its bound");
  require(x.in_flight <= with.output_bytes + link::write_window,
          "answers keep to the bound too");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size < 2)
    return 0;
  std::string_view bytes{reinterpret_cast<const char*>(data) + 2, size - 2};
  switch (data[0] % 10) {
  case 0:
    check_stream(bytes, data[1]);
    break;
  case 8:
    check_decoder(decode_statement, bytes);
    break;
  case 9:
    check_link(bytes, data[1]);
    break;
  default:
    check_payload(static_cast<kind>(data[0] % 10), bytes);
  }
  return 0;
}
