#include "cheops/replicant/codec.hpp"

#include "cheops/replicant/fields.hpp"

#include <limits>

namespace cheops::replicant {

namespace fields {

error broken(std::string_view what) {
  return {errc::broken,
          "the bytes are not a " + std::string{what},
          {},
          "read record",
          {}};
}

bool flag(source& s) {
  auto x = s.bytes.u8();
  s.require(x <= 1);
  return x == 1;
}

std::string text(source& s, std::size_t max) {
  return std::string{s.bytes.text(max)};
}

void put(writer& w, const digest128& x) {
  w.u64(x.high);
  w.u64(x.low);
}
void read(source& s, digest128& x) {
  x.high = s.bytes.u64();
  x.low = s.bytes.u64();
}

void put(writer& w, const meta_id& x) {
  w.u64(x.high);
  w.u64(x.low);
  w.u32(x.generation);
}
void read(source& s, meta_id& x) {
  x.high = s.bytes.u64();
  x.low = s.bytes.u64();
  x.generation = s.bytes.u32();
}

void put(writer& w, const operation_id& x) {
  w.u64(x.origin);
  w.varint(x.session);
  w.varint(x.sequence);
}
void read(source& s, operation_id& x) {
  x.origin = s.bytes.u64();
  x.session = s.bytes.varint();
  x.sequence = s.bytes.varint();
}

void put(writer& w, const member_id& x) {
  w.text(x.site.value);
  w.text(x.store);
}
void read(source& s, member_id& x) {
  x.site = site_id{text(s, name_bytes_max)};
  x.store = text(s, store_bytes_max);
}

void put(writer& w, const raft::configuration& all) {
  w.varint(all.size());
  for (const auto& x : all) {
    put(w, x.id);
    put_enumeration(w, x.role);
  }
}
void read(source& s, raft::configuration& all) {
  for (auto n = s.bytes.count(members_max); n > 0 && s.ok(); --n) {
    auto& x = all.emplace_back();
    read(s, x.id);
    x.role = enumeration(s, raft::member_role::witness);
  }
}

void put(writer& w, const client_key& x) {
  put(w, x.key);
  put(w, x.request);
}
void read(source& s, client_key& x) {
  read(s, x.key);
  read(s, x.request);
}

// Of this file alone; in a namespace without a name they would hide the others.
static void put(writer& w, const slot& x) {
  put_enumeration(w, x.where);
  w.varint(x.segment);
  w.text(x.pointer);
  put(w, x.of);
}
static void read(source& s, slot& x) {
  x.where = enumeration(s, slot::place::body);
  auto segment = s.bytes.varint();
  s.require(segment <= std::numeric_limits<std::uint32_t>::max());
  x.segment = static_cast<std::uint32_t>(segment);
  x.pointer = text(s, target_bytes_max);
  read(s, x.of);
}

static void put(writer& w, const dependency& x) {
  put(w, x.on);
  w.varint(x.index);
}
static void read(source& s, dependency& x) {
  read(s, x.on);
  x.index = s.bytes.varint();
}

void put(writer& w, const templated& x) {
  w.text(x.method);
  w.text(x.target);
  w.varint(x.fields.size());
  for (const auto& f : x.fields) {
    w.text(f.name);
    w.text(f.value);
  }
  w.text(x.body);
  w.varint(x.slots.size());
  for (const auto& y : x.slots)
    put(w, y);
}
void read(source& s, templated& x) {
  x.method = text(s, method_bytes_max);
  x.target = text(s, target_bytes_max);
  for (auto n = s.bytes.count(fields_max); n > 0 && s.ok(); --n) {
    auto name = text(s, name_bytes_max);
    x.fields.push_back({std::move(name), text(s, field_bytes_max)});
  }
  x.body = text(s, body_bytes_max);
  for (auto n = s.bytes.count(slots_max); n > 0 && s.ok(); --n)
    read(s, x.slots.emplace_back());
}

void put(writer& w, const operation& x) {
  put_enumeration(w, x.does);
  put(w, x.what);
  w.text(x.principal);
  w.text(x.service.value);
  w.text(x.kind);
  w.varint(x.after.size());
  for (const auto& d : x.after)
    put(w, d);
  put_index(w, x.read_at);
  w.u16(x.stale_status);
  put_maybe(w, x.key);
  put_enumeration(w, x.settle);
  w.u32(x.settles_after_ms);
  put_maybe(w, x.probe);
  put_enumeration(w, x.on_refusal);
  put_maybe(w, x.undo);
}
void read(source& s, operation& x) {
  x.does = enumeration(s, change::remove);
  read(s, x.what);
  x.principal = text(s, principal_bytes_max);
  x.service = service_id{text(s, name_bytes_max)};
  x.kind = text(s, name_bytes_max);
  for (auto n = s.bytes.count(dependencies_max); n > 0 && s.ok(); --n)
    read(s, x.after.emplace_back());
  x.read_at = read_index(s);
  x.stale_status = s.bytes.u16();
  read_maybe(s, x.key);
  x.settle = enumeration(s, settling::probe);
  x.settles_after_ms = s.bytes.u32();
  read_maybe(s, x.probe);
  x.on_refusal = enumeration(s, refusal_rule::compensate);
  read_maybe(s, x.undo);
}

void put(writer& w, const submission& x) {
  put(w, x.id);
  w.varint(x.floor);
  put_enumeration(w, x.does);
  put_index(w, x.read_at);
  put_maybe(w, x.key);
  w.u8(x.report_soon ? 1 : 0);
  w.u8(x.sealed ? 1 : 0);
  w.text(x.content);
}
/// All but the content.
static void read_head(source& s, submission& x) {
  read(s, x.id);
  x.floor = s.bytes.varint();
  x.does = enumeration(s, change::remove);
  x.read_at = read_index(s);
  read_maybe(s, x.key);
  x.report_soon = flag(s);
  x.sealed = flag(s);
}
void read(source& s, submission& x) {
  read_head(s, x);
  x.content = text(s, 2 * body_bytes_max);
}

void put(writer& w, const membership_goal& x) {
  put(w, x.id);
  w.varint(x.floor);
  put(w, x.members);
  w.u8(x.remove_at_leavers ? 1 : 0);
}
void read(source& s, membership_goal& x) {
  read(s, x.id);
  x.floor = s.bytes.varint();
  read(s, x.members);
  x.remove_at_leavers = flag(s);
}

void put(writer& w, const birth& x) {
  put(w, x.members);
  put_maybe(w, x.founder);
  w.u8(x.key ? 1 : 0);
  if (!x.key)
    return;
  w.text(x.key->service.value);
  w.text(x.key->kind);
  w.varint(x.key->path.size());
  for (const auto& p : x.key->path)
    w.text(p);
}
void read(source& s, birth& x) {
  constexpr std::size_t path_max = 16;
  constexpr std::size_t part_bytes_max = 4096;
  read(s, x.members);
  read_maybe(s, x.founder);
  if (!flag(s))
    return;
  auto& key = x.key.emplace();
  key.service = service_id{text(s, name_bytes_max)};
  key.kind = text(s, name_bytes_max);
  for (auto n = s.bytes.count(path_max); n > 0 && s.ok(); --n)
    key.path.push_back(text(s, part_bytes_max));
}

} // namespace fields

using fields::source;
using wire::writer;

namespace {

template <class T>
std::string whole(const T& x) {
  writer w;
  w.u8(fields::layout);
  fields::put(w, x);
  return w.take();
}

template <class T>
result<T> whole_of(std::string_view bytes, std::string_view what) {
  source s{bytes};
  s.require(s.bytes.u8() == fields::layout);
  T x;
  fields::read(s, x);
  return fields::checked(s, std::move(x), what);
}

} // namespace

std::string encode(const operation& x) {
  return whole(x);
}
result<operation> decode_operation(std::string_view x) {
  return whole_of<operation>(x, "operation");
}
std::string encode(const membership& x) {
  writer w;
  w.u8(fields::layout);
  fields::put(w, x.born);
  fields::put(w, x.self);
  return w.take();
}
result<membership> decode_membership(std::string_view bytes) {
  source s{bytes};
  s.require(s.bytes.u8() == fields::layout);
  membership x;
  fields::read(s, x.born);
  fields::read(s, x.self);
  return fields::checked(s, std::move(x), "membership of a group");
}

std::string encode(const log_entry& x) {
  writer w;
  w.u8(fields::layout);
  w.u8(static_cast<std::uint8_t>(x.index()));
  if (const auto* a = std::get_if<submission>(&x)) {
    fields::put(w, *a);
  } else if (const auto* b = std::get_if<verdict>(&x)) {
    w.varint(b->index);
    w.u8(b->stands ? 1 : 0);
    w.u16(b->status);
  } else if (const auto* c = std::get_if<compensation>(&x)) {
    w.varint(c->index);
  } else {
    fields::put(w, std::get<membership_goal>(x));
  }
  return w.take();
}

bool shows_content(std::string_view entry) {
  source s{entry};
  if (s.bytes.u8() != fields::layout || s.bytes.u8() != 0)
    return false;
  submission x;
  fields::read_head(s, x);
  return s.ok() && !x.sealed;
}

result<log_entry> decode_entry(std::string_view bytes) {
  source s{bytes};
  s.require(s.bytes.u8() == fields::layout);
  log_entry out;
  switch (s.bytes.u8()) {
  case 0:
    fields::read(s, out.emplace<submission>());
    break;
  case 1: {
    auto& x = out.emplace<verdict>();
    x.index = s.bytes.varint();
    x.stands = fields::flag(s);
    x.status = s.bytes.u16();
    break;
  }
  case 2:
    out.emplace<compensation>().index = s.bytes.varint();
    break;
  case 3:
    fields::read(s, out.emplace<membership_goal>());
    break;
  default:
    s.require(false);
  }
  return fields::checked(s, std::move(out), "log entry");
}

} // namespace cheops::replicant
