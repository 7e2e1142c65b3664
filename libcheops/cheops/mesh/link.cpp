#include "cheops/mesh/link.hpp"

#include "cheops/splitmix.hpp"

#include <algorithm>
#include <cassert>

namespace cheops::mesh::link {

namespace {

constexpr int samples_max = 3;
constexpr std::size_t pings_max = 16;
/// Frames that injected delays may hold back from the peer's side.
constexpr std::size_t held_in_max = 4096;
/// A round trip is told when it changed by more than this and by more than a
/// sixteenth (less is noise, and each telling wakes actors), with all samples
/// that it is made of …
constexpr std::chrono::microseconds measured_step{100};
/// … and after so many heartbeats anyway, with the counters of the link.
constexpr int measured_heartbeats = 8;

using effects = std::vector<effect>;

bool closed(const state& self) {
  return self.phase == phase::closed;
}

/// A number in [0, 1).
double draw(state& self) {
  return static_cast<double>(splitmix64(self.random) >> 11) * 0x1.0p-53;
}

bool dropped(state& self, const fault& x) {
  return x.cut || (x.loss > 0 && draw(self) < x.loss);
}

bool is_control(wire::kind x) {
  return x != wire::kind::gossip && x != wire::kind::envelope;
}

std::size_t size_of(const wire::frame& x) {
  return wire::header_bytes + x.payload.size();
}

void put(state& self, const wire::frame& x, effects& out) {
  auto bytes = wire::encode(x);
  self.in_flight += bytes.size();
  self.stats.bytes_sent += bytes.size();
  ++self.stats.frames_sent;
  out.emplace_back(write{std::move(bytes)});
}

/// Hands a frame to the socket, through the injected faults; false if they
/// dropped it. A delay keeps the order, so a frame is never due before the
/// one ahead of it.
bool emit(state& self, wire::frame x, instant now, effects& out) {
  const auto& f = self.faults.out;
  if (dropped(self, f))
    return false;
  if (f.delay.count() == 0 && self.held_out.empty()) {
    put(self, x, out);
    return true;
  }
  auto due = now + f.delay;
  if (!self.held_out.empty())
    due = std::max(due, self.held_out.back().due);
  self.queued += size_of(x);
  self.held_out.push_back({due, std::move(x)});
  out.emplace_back(wake{due});
  return true;
}

void pump(state& self, instant now, effects& out) {
  while (!self.queue.empty() && self.in_flight < write_window) {
    auto cost = wire::cost_of(self.queue.front());
    if (self.sent + cost > self.allowed) {
      self.stats.stalls += self.stalled ? 0 : 1;
      self.stalled = true;
      return;
    }
    self.stalled = false;
    auto x = std::move(self.queue.front());
    self.queue.pop_front();
    self.queued -= size_of(x);
    if (emit(self, std::move(x), now, out))
      self.sent += cost;
  }
}

/// Sends past the queue: heartbeats, hello, goodbye.
void say(state& self, wire::kind kind, std::string payload, instant now,
         effects& out) {
  wire::frame x;
  x.kind = kind;
  x.message = self.next_message++;
  x.payload = std::move(payload);
  (void) emit(self, std::move(x), now, out);
}

void finish(state& self, std::string why, effects& out,
            std::optional<wire::farewell> said = std::nullopt) {
  self.phase = phase::closed;
  self.queue.clear();
  self.held_in.clear();
  self.held_out.clear();
  self.queued = 0;
  out.emplace_back(close{std::move(why), said});
}

/// Says goodbye before the end; what waits is given up, so the goodbye does
/// not wait either.
void leave(state& self, wire::farewell farewell, std::string why,
           effects& out) {
  wire::frame x;
  x.kind = wire::kind::goodbye;
  x.message = self.next_message++;
  x.payload = wire::encode(wire::goodbye{farewell, why});
  if (self.phase != phase::securing && !dropped(self, self.faults.out))
    put(self, x, out);
  finish(self, std::move(why), out);
}

/// Whether a heartbeat would only make a full line longer. A peer that sends
/// pings and reads nothing must not have us keep an answer to each.
bool choked(const state& self) {
  return self.in_flight >= 2 * write_window
         || self.queued + self.in_flight > self.with.output_bytes;
}

/// What the peer may have sent of messages, all in all; never less than it
/// was told.
std::uint64_t grantable(const state& self) {
  return std::max(self.granted, self.consumed + self.with.input_bytes);
}

/// Nothing is left here of what cost so much. The peer hears of it when it
/// is worth a frame, or with the next ping.
void give_back(state& self, std::size_t cost, instant now, effects& out) {
  assert(self.consumed + cost <= self.taken);
  self.consumed += cost;
  self.stats.held_bytes = self.taken - self.consumed;
  if (grantable(self) - self.granted < self.with.input_bytes / 4)
    return;
  self.granted = grantable(self);
  say(self, wire::kind::credit, wire::encode(wire::credit{self.granted}), now,
      out);
}

void on_granted(state& self, std::uint64_t total, instant now, effects& out) {
  if (total <= self.allowed)
    return;
  self.allowed = total;
  pump(self, now, out);
}

void send_ping(state& self, instant now, effects& out) {
  if (choked(self))
    return;
  self.granted = grantable(self);
  wire::ping x{self.next_ping++, static_cast<std::uint64_t>(now.count()),
               self.digest, self.granted};
  self.pings.push_back(x);
  if (self.pings.size() > pings_max)
    self.pings.pop_front();
  self.pinged = now;
  say(self, wire::kind::ping, wire::encode(x), now, out);
}

void come_up(state& self, instant now, effects& out) {
  self.phase = phase::up;
  self.in.limit(self.with.frame_bytes);
  out.emplace_back(went_up{});
  send_ping(self, now, out);
}

void violate(state& self, const error& why, effects& out) {
  leave(self, wire::farewell::broken, why.what, out);
}

void on_hello(state& self, std::string_view bytes, instant now, effects& out) {
  if (self.phase != phase::greeting)
    return leave(self, wire::farewell::broken, "a hello at the wrong time",
                 out);
  auto x = wire::decode_hello(bytes);
  if (!x)
    return violate(self, x.error(), out);
  auto name = self.certified.empty() ? x->site : self.certified;
  if (x->site != name)
    return leave(self, wire::farewell::refused,
                 "the hello says site " + x->site.value
                   + ", the certificate says " + name.value,
                 out);
  if (!self.expected.empty() && name != self.expected)
    return leave(self, wire::farewell::refused,
                 "site " + name.value + " answers where " + self.expected.value
                   + " was expected",
                 out);
  auto version = wire::agree(self.with.hello, *x);
  if (!version)
    return leave(self, wire::farewell::refused, version.error().what, out);
  self.version = *version;
  self.allowed = x->window;
  self.peer = *x;
  self.phase = phase::judging;
  out.emplace_back(greeted{std::move(*x)});
  // The acceptor's hello is its consent, so for us the link is up; ours is
  // given by the supervisor.
  if (self.as == role::dialled)
    come_up(self, now, out);
}

void on_ping(state& self, std::string_view bytes, instant now, effects& out) {
  auto x = wire::decode_ping(bytes);
  if (!x)
    return violate(self, x.error(), out);
  if (!choked(self))
    say(self, wire::kind::pong,
        wire::encode(wire::pong{x->sequence, x->sent_us}), now, out);
  on_granted(self, x->granted, now, out);
  // Told while there is a difference, and when it is gone; not with every
  // ping of a peer that sends a thousand.
  auto differs = x->digest != self.digest;
  if ((!differs && !self.differs)
      || (self.differs && now - self.compared_at < self.with.heartbeat / 2))
    return;
  self.differs = differs;
  self.compared_at = now;
  out.emplace_back(compared{x->digest});
}

void on_credit(state& self, std::string_view bytes, instant now, effects& out) {
  auto x = wire::decode_credit(bytes);
  if (!x)
    return violate(self, x.error(), out);
  on_granted(self, x->granted, now, out);
}

void tell_round_trip(state& self, instant now, effects& out) {
  auto time = *self.round_trip.value();
  auto change = time > self.told ? time - self.told : self.told - time;
  if (change > std::max(measured_step, self.told / 16))
    self.tell_more = samples_max;
  auto again = now - self.told_at >= measured_heartbeats * self.with.heartbeat;
  if (self.tell_more == 0 && !again)
    return;
  self.tell_more = std::max(0, self.tell_more - 1);
  self.told = time;
  self.told_at = now;
  out.emplace_back(measured{time});
}

void on_pong(state& self, std::string_view bytes, instant now, effects& out) {
  auto x = wire::decode_pong(bytes);
  if (!x)
    return violate(self, x.error(), out);
  // Only an echo of what we really sent counts: a peer cannot shorten its
  // round trip by inventing one.
  auto i = std::ranges::find(self.pings, x->sequence, &wire::ping::sequence);
  if (i == self.pings.end() || i->sent_us != x->echo_us)
    return;
  auto sent = instant{static_cast<instant::rep>(i->sent_us)};
  self.pings.erase(self.pings.begin(), i + 1);
  self.round_trip.add(now - sent);
  tell_round_trip(self, now, out);
}

void on_goodbye(state& self, std::string_view bytes, effects& out) {
  auto x = wire::decode_goodbye(bytes);
  if (!x)
    return finish(self, "said goodbye", out, wire::farewell::broken);
  finish(self, "said goodbye: " + x->text, out, x->why);
}

/// A whole message of an open link, and what it cost.
void take(state& self, const wire::frame& x, std::size_t cost, effects& out) {
  if (x.kind == wire::kind::gossip) {
    if (auto all = wire::decode_gossip(x.payload))
      out.emplace_back(gossip{std::move(*all), cost});
    else
      violate(self, all.error(), out);
  } else if (auto e = wire::decode_envelope(x.payload)) {
    out.emplace_back(arrived{std::move(*e), cost});
  } else {
    violate(self, e.error(), out);
  }
}

/// A frame of a message: its cost is kept with the message, and given back
/// at once for what is dropped.
void assemble(state& self, wire::frame x, instant now, effects& out) {
  auto cost = self.whole.kept_cost() + wire::cost_of(x);
  auto message = self.whole.add(std::move(x));
  if (!message)
    return violate(self, message.error(), out);
  cost -= self.whole.kept_cost();
  if (*message)
    take(self, **message, cost, out);
  else if (cost > 0)
    give_back(self, cost, now, out);
}

void control(state& self, const wire::frame& x, instant now, effects& out) {
  switch (x.kind) {
  case wire::kind::ping:
    return on_ping(self, x.payload, now, out);
  case wire::kind::pong:
    return on_pong(self, x.payload, now, out);
  case wire::kind::credit:
    return on_credit(self, x.payload, now, out);
  default:
    if ((x.flags & wire::flag_optional) == 0)
      leave(self, wire::farewell::broken,
            "a frame of the unknown kind "
              + std::to_string(static_cast<unsigned>(x.kind)),
            out);
  }
}

/// A frame that has passed the injected faults.
void handle(state& self, wire::frame x, instant now, effects& out) {
  self.heard = now;
  if (is_control(x.kind) && x.payload.size() > wire::small_frame_bytes
      && (x.flags & wire::flag_optional) == 0)
    return leave(self, wire::farewell::broken, "an oversized control frame",
                 out);
  if (x.kind == wire::kind::goodbye)
    return on_goodbye(self, x.payload, out);
  if (x.kind == wire::kind::hello)
    return on_hello(self, x.payload, now, out);
  if (self.phase == phase::confirming)
    come_up(self, now, out);
  if (self.phase != phase::up)
    return leave(self, wire::farewell::broken, "a frame before the hello", out);
  if (is_control(x.kind))
    return control(self, x, now, out);
  assemble(self, std::move(x), now, out);
}

void on(state& self, const secured& in, instant, effects& out) {
  assert(self.phase == phase::securing);
  self.certified = in.peer;
  if (self.as == role::accepted) {
    self.phase = phase::greeting;
    return;
  }
  self.phase = phase::waiting;
  if (!in.peer.empty() && in.peer != self.expected)
    return leave(self, wire::farewell::refused,
                 "the certificate is for site " + in.peer.value + ", not for "
                   + self.expected.value,
                 out);
  out.emplace_back(ready{});
}

void on(state& self, const permitted&, instant now, effects& out) {
  auto hello = wire::encode(self.with.hello);
  if (self.phase == phase::waiting) {
    self.phase = phase::greeting;
    say(self, wire::kind::hello, std::move(hello), now, out);
  } else if (self.phase == phase::judging) {
    self.phase = phase::confirming;
    // Its first heartbeat may be lost (injected faults): what follows counts.
    self.in.limit(self.with.frame_bytes);
    say(self, wire::kind::hello, std::move(hello), now, out);
  }
}

/// Counts a frame of a message; false if the peer had no credit for it.
bool charge(state& self, const wire::frame& x, effects& out) {
  if (is_control(x.kind))
    return true;
  self.taken += wire::cost_of(x);
  self.stats.held_bytes = self.taken - self.consumed;
  if (self.taken <= self.granted)
    return true;
  leave(self, wire::farewell::broken,
        "it sent more than it was granted (limits.link_input_bytes)", out);
  return false;
}

/// A frame as it came, on its way through the injected faults.
void receive(state& self, wire::frame x, instant now, effects& out) {
  const auto& f = self.faults.in;
  // As a network does whose queue is full.
  auto overflows = self.held_in.size() == held_in_max;
  if (dropped(self, f) || overflows) {
    if (!is_control(x.kind))
      give_back(self, wire::cost_of(x), now, out);
    return;
  }
  if (f.delay.count() == 0 && self.held_in.empty())
    return handle(self, std::move(x), now, out);
  auto due = now + f.delay;
  if (!self.held_in.empty())
    due = std::max(due, self.held_in.back().due);
  self.held_in.push_back({due, std::move(x)});
  out.emplace_back(wake{due});
}

void on(state& self, const received& in, instant now, effects& out) {
  self.stats.bytes_received += in.bytes.size();
  self.in.feed(in.bytes);
  while (!closed(self)) {
    auto x = self.in.next();
    if (!x)
      return violate(self, x.error(), out);
    if (!*x)
      break;
    ++self.stats.frames_received;
    if (!charge(self, **x, out))
      return;
    receive(self, std::move(**x), now, out);
  }
  // A big frame on a thin line: what came of it shows that the peer lives.
  if (!closed(self) && self.in.kept() > 0 && self.faults.in == fault{})
    self.heard = now;
}

void on(state& self, const drained& in, instant now, effects& out) {
  self.in_flight = in.in_flight;
  pump(self, now, out);
}

void on(state& self, const posted& in, instant now, effects& out) {
  assert(room_for(self, in.payload.size()) == room::yes);
  auto step = std::min(chunk_bytes, self.with.frame_bytes);
  auto id = self.next_message++;
  std::size_t at = 0;
  std::uint16_t chunk = 0;
  do {
    wire::frame x;
    x.kind = in.kind;
    x.message = id;
    x.chunk = chunk++;
    x.payload = in.payload.substr(at, step);
    at += x.payload.size();
    if (at < in.payload.size())
      x.flags |= wire::flag_more;
    self.queued += size_of(x);
    self.queue.push_back(std::move(x));
  } while (at < in.payload.size());
  pump(self, now, out);
}

void on(state& self, const faulted& in, instant, effects&) {
  self.faults = in.faults;
}

void on(state& self, const digested& in, instant, effects&) {
  self.digest = in.value;
}

void on(state& self, const consumed& in, instant now, effects& out) {
  give_back(self, in.cost, now, out);
}

/// What a peer was granted it keeps; the room for more follows from now on.
void on(state& self, const retuned& in, instant now, effects& out) {
  auto hello = std::move(self.with.hello);
  self.with = in.with;
  self.with.hello = std::move(hello);
  self.whole.limit(self.with.message_bytes);
  if (self.phase == phase::up || self.phase == phase::confirming)
    self.in.limit(self.with.frame_bytes);
  pump(self, now, out);
}

/// A dial has one `dial` to be secured; then, as for who was accepted, the
/// silence that an open link may keep is added.
void check_age(state& self, instant now, effects& out) {
  auto age = now - self.opened;
  if (self.phase == phase::securing && self.as == role::dialled
      && age >= self.with.dial)
    return finish(self,
                  "no answer within " + std::to_string(self.with.dial.count())
                    + " ms",
                  out);
  if (age >= self.with.dial + self.with.silence)
    leave(self, wire::farewell::silence, "no hello in time", out);
}

void on(state& self, const ticked&, instant now, effects& out) {
  while (!closed(self) && !self.held_out.empty()
         && self.held_out.front().due <= now) {
    auto x = std::move(self.held_out.front().what);
    self.held_out.pop_front();
    self.queued -= size_of(x);
    put(self, x, out);
  }
  while (!closed(self) && !self.held_in.empty()
         && self.held_in.front().due <= now) {
    auto x = std::move(self.held_in.front().what);
    self.held_in.pop_front();
    handle(self, std::move(x), now, out);
  }
  if (closed(self))
    return;
  if (self.phase != phase::up)
    return check_age(self, now, out);
  if (now - self.heard >= self.with.silence)
    return leave(self, wire::farewell::silence,
                 "nothing was heard for "
                   + std::to_string(self.with.silence.count()) + " ms",
                 out);
  if (now - self.pinged >= self.with.heartbeat)
    send_ping(self, now, out);
}

void on(state& self, const ended& in, instant, effects& out) {
  leave(self, in.why, in.text, out);
}

} // namespace

void round_trip_filter::add(std::chrono::microseconds sample) {
  last_.push_back(std::max(sample, std::chrono::microseconds{1}));
  if (std::ssize(last_) > samples_max)
    last_.pop_front();
}

std::optional<std::chrono::microseconds> round_trip_filter::value() const {
  if (last_.empty())
    return std::nullopt;
  return *std::ranges::min_element(last_);
}

state start(settings with, role as, site_id expected, instant now,
            std::uint64_t seed) {
  state self;
  self.whole = wire::assembler{with.message_bytes};
  self.with = std::move(with);
  self.granted = self.with.input_bytes;
  self.with.hello.window = self.granted;
  self.as = as;
  self.expected = std::move(expected);
  self.opened = now;
  self.heard = now;
  self.random = seed;
  return self;
}

std::vector<effect> step(state& self, const input& in, instant now) {
  effects out;
  if (!closed(self))
    std::visit([&](const auto& x) { on(self, x, now, out); }, in);
  return out;
}

room room_for(const state& self, std::size_t bytes) {
  if (self.phase != phase::up)
    return room::not_up;
  if (bytes > self.with.message_bytes)
    return room::too_large;
  auto frames = bytes / std::min(chunk_bytes, self.with.frame_bytes) + 1;
  auto size = bytes + frames * wire::header_bytes;
  return self.queued + self.in_flight + size > self.with.output_bytes
           ? room::full
           : room::yes;
}

} // namespace cheops::mesh::link
