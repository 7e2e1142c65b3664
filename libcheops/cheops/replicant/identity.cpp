#include "cheops/replicant/identity.hpp"

#include "cheops/wire/codec.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace cheops::replicant {

namespace {

/// Writes the version and variant of RFC 9562 into 128 bits.
meta_id as_uuid(digest128 x, unsigned version, std::uint32_t generation) {
  x.high = (x.high & ~0xf000ULL) | (std::uint64_t{version} << 12);
  x.low = (x.low & ~(3ULL << 62)) | (2ULL << 62);
  return {x.high, x.low, generation};
}

/// Version 8: what an application made in its own way.
constexpr unsigned own_way = 8;
constexpr unsigned random_way = 4;

/// Between a store's id (hex digits) and what tells its memberships apart.
constexpr char joint = '+';

std::string canonical(const natural_key& key) {
  wire::writer w;
  w.raw("cheops natural key 1\n");
  w.text(key.service.value);
  w.text(key.kind);
  w.varint(key.path.size());
  for (const auto& x : key.path)
    w.text(x);
  return w.take();
}

void put_hex(std::string& out, std::uint64_t x, int digits) {
  for (auto shift = 4 * (digits - 1); shift >= 0; shift -= 4)
    out += "0123456789abcdef"[(x >> shift) & 0xf];
}

/// All of `text`, in lower case and in the shortest form but for `digits`.
std::optional<std::uint64_t> hex(std::string_view text, std::size_t digits) {
  if (text.empty() || text.size() > 16 || (digits != 0 && text.size() != digits)
      || (digits == 0 && text.size() > 1 && text.front() == '0')
      || text.find_first_of("ABCDEF") != std::string_view::npos)
    return std::nullopt;
  std::uint64_t x = 0;
  const auto* end = text.data() + text.size();
  auto [stop, bad] = std::from_chars(text.data(), end, x, 16);
  if (bad != std::errc{} || stop != end)
    return std::nullopt;
  return x;
}

std::optional<std::uint32_t> generation_in(std::string_view text) {
  std::uint32_t x = 0;
  const auto* end = text.data() + text.size();
  auto [stop, bad] = std::from_chars(text.data(), end, x);
  if (bad != std::errc{} || stop != end || text.front() == '0')
    return std::nullopt;
  return x;
}

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

void put(wire::writer& w, const raft::member_id& x) {
  w.text(x.site.value);
  w.text(x.store);
}

} // namespace

meta_id meta_of(const natural_key& key, std::uint32_t generation) {
  return as_uuid(digest_of(canonical(key)), own_way, generation);
}

meta_id meta_of_retry(const service_id& service, std::string_view principal,
                      std::string_view idempotency_key) {
  wire::writer w;
  w.raw("cheops idempotency key 1\n");
  w.text(service.value);
  w.text(principal);
  w.text(idempotency_key);
  return as_uuid(digest_of(w.take()), own_way, 1);
}

meta_id random_meta(std::uint64_t high, std::uint64_t low) {
  return as_uuid({high, low}, random_way, 0);
}

std::string to_string(const meta_id& x) {
  std::string out;
  put_hex(out, x.high >> 32, 8);
  out += '-';
  put_hex(out, x.high >> 16, 4);
  out += '-';
  put_hex(out, x.high, 4);
  out += '-';
  put_hex(out, x.low >> 48, 4);
  out += '-';
  put_hex(out, x.low, 12);
  if (x.generation != 0)
    out += "." + std::to_string(x.generation);
  return out;
}

std::optional<meta_id> parse_meta(std::string_view text) {
  constexpr std::size_t uuid_size = 36;
  if (text.size() < uuid_size || text[8] != '-' || text[13] != '-'
      || text[18] != '-' || text[23] != '-')
    return std::nullopt;
  auto a = hex(text.substr(0, 8), 8);
  auto b = hex(text.substr(9, 4), 4);
  auto c = hex(text.substr(14, 4), 4);
  auto d = hex(text.substr(19, 4), 4);
  auto e = hex(text.substr(24, 12), 12);
  if (!a || !b || !c || !d || !e)
    return std::nullopt;
  meta_id out{*a << 32 | *b << 16 | *c, *d << 48 | *e, 0};
  auto rest = text.substr(uuid_size);
  if (rest.empty())
    return out;
  if (rest.size() < 2 || rest.front() != '.')
    return std::nullopt;
  auto generation = generation_in(rest.substr(1));
  if (!generation)
    return std::nullopt;
  out.generation = *generation;
  return out;
}

std::uint64_t origin_of(const raft::member_id& x) {
  wire::writer w;
  w.raw("cheops member 1\n");
  put(w, x);
  return digest_of(w.take()).high;
}

std::string to_string(const operation_id& x) {
  std::string out;
  put_hex(out, x.origin, 16);
  for (auto part : {x.session, x.sequence}) {
    std::array<char, 16> digits{};
    auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), part, 16).ptr;
    out += '-';
    out.append(digits.data(), end);
  }
  return out;
}

std::optional<operation_id> parse_operation(std::string_view text) {
  auto first = text.find('-');
  auto second =
    first == std::string_view::npos ? first : text.find('-', first + 1);
  if (second == std::string_view::npos)
    return std::nullopt;
  auto origin = hex(text.substr(0, first), 16);
  auto session = hex(text.substr(first + 1, second - first - 1), 0);
  auto sequence = hex(text.substr(second + 1), 0);
  if (!origin || !session || !sequence)
    return std::nullopt;
  return operation_id{*origin, *session, *sequence};
}

raft::request_id request_of(const operation_id& x) {
  // The two bits keep it from zero, which means that nobody waits.
  auto base = mix(x.origin ^ mix(x.session));
  return ((base & ~(3ULL << 62)) | (1ULL << 63)) + x.sequence;
}

std::uint64_t sequence_of(raft::request_id request, std::uint64_t origin,
                          std::uint64_t session) {
  return request - request_of({origin, session, 0});
}

std::uint64_t fingerprint(const birth& x) {
  wire::writer w;
  w.raw("cheops group 1\n");
  w.varint(x.members.size());
  for (const auto& m : x.members) {
    put(w, m.id);
    w.u8(static_cast<std::uint8_t>(m.role));
  }
  w.u8(x.founder ? 1 : 0);
  if (x.founder)
    put(w, *x.founder);
  w.raw(x.key ? canonical(*x.key) : std::string{});
  return digest_of(w.take()).high;
}

raft::member_id joining_as(const raft::member_id& store,
                           const operation_id& by) {
  std::string tag;
  put_hex(tag, mix(by.origin ^ mix(by.session)) + by.sequence, 16);
  return {store.site, store_of(store).store + joint + tag};
}

raft::member_id store_of(const raft::member_id& x) {
  return {x.site, x.store.substr(0, x.store.find(joint))};
}

} // namespace cheops::replicant
