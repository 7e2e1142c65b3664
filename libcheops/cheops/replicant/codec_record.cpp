// What is stored of a replicant: the shared record, the site's own, and what
// the raft below needs.

#include "cheops/replicant/codec.hpp"
#include "cheops/replicant/fields.hpp"

namespace cheops::replicant {

namespace fields {

namespace {

using fields::put;
using fields::read;

void put(writer& w, const verdict& x) {
  w.varint(x.index);
  w.u8(x.stands ? 1 : 0);
  w.u16(x.status);
}
void read(source& s, verdict& x) {
  x.index = s.bytes.varint();
  x.stands = flag(s);
  x.status = s.bytes.u16();
}

void put(writer& w, const open_entry& x) {
  w.varint(x.index);
  put(w, x.what);
  w.u8(x.said ? 1 : 0);
  if (x.said)
    put(w, *x.said);
}
void read(source& s, open_entry& x) {
  x.index = s.bytes.varint();
  read(s, x.what);
  if (flag(s))
    read(s, x.said.emplace());
}

void put(writer& w, const kept_entry& x) {
  w.varint(x.index);
  put(w, x.what);
  w.varint(x.undoes);
}
void read(source& s, kept_entry& x) {
  x.index = s.bytes.varint();
  read(s, x.what);
  x.undoes = s.bytes.varint();
}

void put(writer& w, const note& x) {
  put(w, x.id);
  w.varint(x.index);
  put_enumeration(w, x.does);
  put_enumeration(w, x.how);
  w.u16(x.status);
  w.varint(x.first);
}
void read(source& s, note& x) {
  read(s, x.id);
  x.index = s.bytes.varint();
  x.does = enumeration(s, change::remove);
  x.how = enumeration(s, fate::undone);
  x.status = s.bytes.u16();
  x.first = s.bytes.varint();
}

void put(writer& w, const key_note& x) {
  put(w, x.key);
  w.varint(x.index);
}
void read(source& s, key_note& x) {
  read(s, x.key);
  x.index = s.bytes.varint();
}

void put(writer& w, const departed_member& x) {
  put(w, x.who);
  w.varint(x.at);
  w.u8(x.remove ? 1 : 0);
}
void read(source& s, departed_member& x) {
  read(s, x.who);
  x.at = s.bytes.varint();
  x.remove = flag(s);
}

void put(writer& w, const trouble& x) {
  w.varint(x.index);
  put_enumeration(w, x.does);
  put_enumeration(w, x.how);
  w.u16(x.status);
  w.u8(x.compensate ? 1 : 0);
  w.u8(x.lasting ? 1 : 0);
}
void read(source& s, trouble& x) {
  x.index = s.bytes.varint();
  x.does = enumeration(s, change::remove);
  x.how = enumeration(s, site_state::uncertain);
  x.status = s.bytes.u16();
  x.compensate = flag(s);
  x.lasting = flag(s);
}

template <class Range>
void put_each(writer& w, const Range& all) {
  w.varint(all.size());
  for (const auto& x : all)
    put(w, x);
}
template <class Range>
void read_each(source& s, Range& all, std::size_t max) {
  for (auto n = s.bytes.count(max); n > 0 && s.ok(); --n)
    read(s, all.emplace_back());
}

void put(writer& w, const std::map<std::uint64_t, session_note>& all) {
  w.varint(all.size());
  for (const auto& [origin, x] : all) {
    w.u64(origin);
    w.varint(x.session);
    w.varint(x.floor);
    w.varint(x.seen.size());
    for (auto n : x.seen)
      w.varint(n);
    w.varint(x.used_at);
  }
}
void read(source& s, std::map<std::uint64_t, session_note>& all) {
  constexpr std::size_t seen_max = 1U << 16;
  for (auto n = s.bytes.count(sessions_max); n > 0 && s.ok(); --n) {
    auto& x = all[s.bytes.u64()];
    x.session = s.bytes.varint();
    x.floor = s.bytes.varint();
    for (auto m = s.bytes.count(seen_max); m > 0; --m)
      x.seen.push_back(s.bytes.varint());
    x.used_at = s.bytes.varint();
  }
}

/// Any number: the whole is bounded by its bytes.
constexpr std::size_t entries_max = 1U << 20;

} // namespace

void put(writer& w, const outcome& x) {
  w.varint(x.index);
  w.u16(x.status);
  put_enumeration(w, x.how);
  put(w, x.answer);
}
void read(source& s, outcome& x) {
  x.index = s.bytes.varint();
  x.status = s.bytes.u16();
  x.how = enumeration(s, site_state::uncertain);
  read(s, x.answer);
}

void put(writer& w, const summary& x) {
  w.varint(x.session);
  w.varint(x.version);
  w.varint(x.done);
  w.u8(x.ended ? 1 : 0);
  w.u8(x.gone ? 1 : 0);
  put_enumeration(w, x.state);
  w.text(x.local_id);
  put_each(w, x.last);
}
void read(source& s, summary& x) {
  x.session = s.bytes.varint();
  x.version = s.bytes.varint();
  x.done = s.bytes.varint();
  x.ended = flag(s);
  x.gone = flag(s);
  x.state = enumeration(s, site_state::uncertain);
  x.local_id = text(s, local_id_bytes_max);
  read_each(s, x.last, outcomes_max);
}

void put(writer& w, const raft::entry& x) {
  w.varint(x.term);
  w.varint(x.index);
  put_enumeration(w, x.kind);
  w.u64(x.request);
  w.text(x.payload);
  put(w, x.members);
}
void read(source& s, raft::entry& x) {
  x.term = s.bytes.varint();
  x.index = s.bytes.varint();
  x.kind = enumeration(s, raft::entry_kind::configure);
  x.request = s.bytes.u64();
  x.payload = text(s, 4 * body_bytes_max);
  read(s, x.members);
}

void put(writer& w, const raft::snapshot& x) {
  w.varint(x.index);
  w.varint(x.term);
  put(w, x.members);
  w.text(x.payload);
}
void read(source& s, raft::snapshot& x) {
  x.index = s.bytes.varint();
  x.term = s.bytes.varint();
  read(s, x.members);
  x.payload = text(s, 16 * body_bytes_max);
}

namespace {

void put(writer& w, const record& x) {
  for (auto i : {x.at, x.created_at, x.changed_at, x.ended_at})
    w.varint(i);
  put_each(w, x.open);
  put_each(w, x.build);
  put_each(w, x.notes);
  put(w, x.sessions);
  put_each(w, x.keys);
  put(w, x.members);
  w.u8(x.goal ? 1 : 0);
  if (x.goal)
    put(w, *x.goal);
  put_each(w, x.departed);
}
void read(source& s, record& x) {
  for (auto* i : {&x.at, &x.created_at, &x.changed_at, &x.ended_at})
    *i = s.bytes.varint();
  read_each(s, x.open, entries_max);
  read_each(s, x.build, entries_max);
  read_each(s, x.notes, notes_max);
  read(s, x.sessions);
  read_each(s, x.keys, keys_max);
  read(s, x.members);
  if (flag(s))
    read(s, x.goal.emplace());
  read_each(s, x.departed, departed_max);
}

void put(writer& w, const site_record& x) {
  w.varint(x.known);
  w.varint(x.done);
  w.u8(x.exists ? 1 : 0);
  w.text(x.local_id);
  w.text(x.service.value);
  w.text(x.kind);
  w.u8(x.doing ? 1 : 0);
  if (x.doing) {
    w.varint(x.doing->index);
    put(w, x.doing->id);
    put(w, x.doing->about);
  }
  w.u8(x.refused ? 1 : 0);
  if (x.refused)
    put(w, *x.refused);
  put_each(w, x.last);
  put_each(w, x.troubles);
  w.varint(x.others.size());
  for (const auto& [who, said] : x.others) {
    put(w, who);
    put(w, said);
  }
  put(w, x.members);
}
void read(source& s, site_record& x) {
  x.known = s.bytes.varint();
  x.done = s.bytes.varint();
  x.exists = flag(s);
  x.local_id = text(s, local_id_bytes_max);
  x.service = service_id{text(s, name_bytes_max)};
  x.kind = text(s, name_bytes_max);
  if (flag(s)) {
    auto& doing = x.doing.emplace();
    doing.index = s.bytes.varint();
    read(s, doing.id);
    read(s, doing.about);
  }
  if (flag(s))
    read(s, x.refused.emplace());
  read_each(s, x.last, outcomes_max);
  read_each(s, x.troubles, troubles_max);
  for (auto n = s.bytes.count(2 * members_max); n > 0 && s.ok(); --n) {
    member_id who;
    read(s, who);
    read(s, x.others[who]);
  }
  if (s.ok() && s.bytes.left() > 0) // Earlier ones end here.
    read(s, x.members);
}

void put(writer& w, const hard_state& x) {
  w.varint(x.term);
  w.u8(x.voted_for ? 1 : 0);
  if (x.voted_for)
    put(w, *x.voted_for);
}
void read(source& s, hard_state& x) {
  x.term = s.bytes.varint();
  if (flag(s))
    read(s, x.voted_for.emplace());
}

template <class T>
std::string whole(const T& x) {
  writer w;
  w.u8(layout);
  put(w, x);
  return w.take();
}

template <class T>
result<T> whole_of(std::string_view bytes, std::string_view what) {
  source s{bytes};
  s.require(s.bytes.u8() == layout);
  T x;
  read(s, x);
  return checked(s, std::move(x), what);
}

} // namespace

} // namespace fields

std::string encode(const record& x) {
  return fields::whole(x);
}
std::string encode(const site_record& x) {
  return fields::whole(x);
}
std::string encode(const hard_state& x) {
  return fields::whole(x);
}
std::string encode(const raft::entry& x) {
  return fields::whole(x);
}
std::string encode(const raft::snapshot& x) {
  return fields::whole(x);
}

result<record> decode_record(std::string_view x) {
  return fields::whole_of<record>(x, "replicant's record");
}
result<site_record> decode_site(std::string_view x) {
  return fields::whole_of<site_record>(x, "site's record");
}
result<hard_state> decode_hard_state(std::string_view x) {
  return fields::whole_of<hard_state>(x, "term and vote");
}
result<raft::entry> decode_raft_entry(std::string_view x) {
  return fields::whole_of<raft::entry>(x, "entry of a log");
}
result<raft::snapshot> decode_snapshot(std::string_view x) {
  return fields::whole_of<raft::snapshot>(x, "snapshot");
}

} // namespace cheops::replicant
