#include "cheops/wire/messages.hpp"

#include "cheops/wire/codec.hpp"

#include <algorithm>

namespace cheops::wire {

namespace {

constexpr std::size_t text_bytes_max = 512;
constexpr std::size_t resource_bytes_max = 1024;
constexpr std::size_t store_bytes_max = 64;

/// The first version of a statement's layout; others are not read.
constexpr std::uint8_t statement_layout = 1;

error broken(std::string_view what) {
  return {errc::broken,
          "the payload is not a " + std::string{what},
          {},
          "read frame",
          {}};
}

template <class T>
result<T> checked(const reader& r, T x, bool valid, std::string_view what) {
  if (!r.ok() || !valid)
    return broken(what);
  return x;
}

site_id site_of(reader& r) {
  return site_id{std::string{r.text(name_bytes_max)}};
}

mesh::address address_of(reader& r) {
  mesh::address x;
  x.host = r.text(name_bytes_max);
  x.port = r.u16();
  return x;
}

void put(writer& w, const mesh::address& x) {
  w.text(x.host);
  w.u16(x.port);
}

/// A name that a log line or a header field can show as it is.
bool printable(std::string_view x) {
  return std::ranges::none_of(
    x, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool is_name(const site_id& x) {
  return !x.empty() && printable(x.value);
}

std::string shortened(std::string_view x) {
  return std::string{x.substr(0, text_bytes_max)};
}

} // namespace

result<std::uint16_t> agree(const hello& a, const hello& b) {
  auto version = std::min(a.version_max, b.version_max);
  if (version >= std::max(a.version_min, b.version_min))
    return version;
  auto range = [](const hello& x) {
    return std::to_string(x.version_min) + " to "
           + std::to_string(x.version_max);
  };
  return error{errc::broken,
               "no common protocol version: " + a.site.value + " speaks "
                 + range(a) + ", " + b.site.value + " speaks " + range(b),
               b.site.value, "hello",
               "upgrade the older site first to a release between the two"};
}

std::string encode(const hello& x) {
  writer w;
  w.u16(x.version_min);
  w.u16(x.version_max);
  w.text(x.site.value);
  w.text(x.store);
  w.u64(x.incarnation);
  w.u64(x.features);
  w.text(shortened(x.software));
  w.u64(x.window);
  return w.take();
}

result<hello> decode_hello(std::string_view bytes) {
  reader r{bytes};
  hello x;
  x.version_min = r.u16();
  x.version_max = r.u16();
  x.site = site_of(r);
  x.store = r.text(store_bytes_max);
  x.incarnation = r.u64();
  x.features = r.u64();
  x.software = r.text(text_bytes_max);
  x.window = r.u64();
  auto valid = x.version_min <= x.version_max && is_name(x.site)
               && printable(x.store) && printable(x.software);
  return checked(r, std::move(x), valid, "hello");
}

std::string encode(const ping& x) {
  writer w;
  w.u64(x.sequence);
  w.u64(x.sent_us);
  w.u64(x.digest);
  w.u64(x.granted);
  return w.take();
}

result<ping> decode_ping(std::string_view bytes) {
  reader r{bytes};
  ping x;
  x.sequence = r.u64();
  x.sent_us = r.u64();
  x.digest = r.u64();
  x.granted = r.u64();
  return checked(r, x, true, "ping");
}

std::string encode(const pong& x) {
  writer w;
  w.u64(x.sequence);
  w.u64(x.echo_us);
  return w.take();
}

result<pong> decode_pong(std::string_view bytes) {
  reader r{bytes};
  pong x;
  x.sequence = r.u64();
  x.echo_us = r.u64();
  return checked(r, x, true, "pong");
}

std::string encode(const credit& x) {
  writer w;
  w.u64(x.granted);
  return w.take();
}

result<credit> decode_credit(std::string_view bytes) {
  reader r{bytes};
  credit x;
  x.granted = r.u64();
  return checked(r, x, true, "credit");
}

std::string encode(const statement& x) {
  writer w;
  w.u8(statement_layout);
  w.text(x.site.value);
  w.u64(x.incarnation);
  w.u64(x.version);
  w.text(x.store);
  put(w, x.peer_front);
  put(w, x.link);
  w.varint(x.services.size());
  for (const auto& s : x.services)
    w.text(s.value);
  w.varint(x.round_trips.size());
  for (const auto& [to, time] : x.round_trips) {
    w.text(to.value);
    w.varint(static_cast<std::uint64_t>(time.count()));
  }
  return w.take();
}

result<statement> decode_statement(std::string_view bytes) {
  reader r{bytes};
  statement x;
  auto valid = r.u8() == statement_layout;
  x.site = site_of(r);
  x.incarnation = r.u64();
  x.version = r.u64();
  x.store = r.text(store_bytes_max);
  x.peer_front = address_of(r);
  x.link = address_of(r);
  for (auto n = r.count(services_max); n > 0; --n) {
    x.services.emplace_back(std::string{r.text(name_bytes_max)});
    valid = valid && printable(x.services.back().value);
  }
  for (auto n = r.count(round_trips_max); n > 0; --n) {
    auto to = site_of(r);
    auto time = r.varint();
    // An hour is beyond any use, and keeps the sums of callers in range.
    valid = valid && is_name(to) && time <= 3'600'000'000;
    x.round_trips[to] = std::chrono::microseconds{time};
  }
  valid = valid && is_name(x.site) && printable(x.store)
          && printable(x.link.host) && printable(x.peer_front.host);
  return checked(r, std::move(x), valid, "statement");
}

std::string encode(const std::vector<sealed_statement>& all) {
  writer w;
  w.varint(all.size());
  for (const auto& x : all) {
    w.text(x.body);
    w.varint(x.chain.size());
    for (const auto& c : x.chain)
      w.text(c);
    w.text(x.signature);
  }
  return w.take();
}

result<std::vector<sealed_statement>> decode_gossip(std::string_view bytes) {
  reader r{bytes};
  std::vector<sealed_statement> all;
  for (auto n = r.count(statements_max); n > 0 && r.ok(); --n) {
    sealed_statement x;
    x.body = r.text(statement_bytes_max);
    for (auto c = r.count(chain_max); c > 0; --c)
      x.chain.emplace_back(r.text(certificate_bytes_max));
    x.signature = r.text(signature_bytes_max);
    all.push_back(std::move(x));
  }
  return checked(r, std::move(all), true, "list of statements");
}

std::string encode(const envelope& x) {
  writer w;
  w.u8(static_cast<std::uint8_t>(x.how));
  w.text(x.to.site.value);
  w.text(x.to.kind);
  w.text(x.to.resource);
  w.text(x.from_kind);
  w.text(x.from_resource);
  w.u64(x.id);
  w.text(x.payload);
  return w.take();
}

result<envelope> decode_envelope(std::string_view bytes) {
  reader r{bytes};
  envelope x;
  auto how = r.u8();
  x.how = static_cast<delivery>(how);
  x.to.site = site_of(r);
  x.to.kind = r.text(name_bytes_max);
  x.to.resource = r.text(resource_bytes_max);
  x.from_kind = r.text(name_bytes_max);
  x.from_resource = r.text(resource_bytes_max);
  x.id = r.u64();
  x.payload = r.text(bytes.size());
  auto valid = how <= static_cast<std::uint8_t>(delivery::no_target)
               && is_name(x.to.site) && printable(x.to.kind)
               && printable(x.to.resource) && printable(x.from_kind)
               && printable(x.from_resource);
  return checked(r, std::move(x), valid, "envelope");
}

std::string encode(const goodbye& x) {
  writer w;
  w.u8(static_cast<std::uint8_t>(x.why));
  w.text(shortened(x.text));
  return w.take();
}

result<goodbye> decode_goodbye(std::string_view bytes) {
  reader r{bytes};
  goodbye x;
  x.why = static_cast<farewell>(r.u8());
  x.text = r.text(text_bytes_max);
  auto valid = x.why >= farewell::stopping && printable(x.text);
  return checked(r, std::move(x), valid, "goodbye");
}

} // namespace cheops::wire
