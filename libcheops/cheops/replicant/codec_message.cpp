// What owners of one replicant send each other.

#include "cheops/replicant/codec.hpp"
#include "cheops/replicant/fields.hpp"

namespace cheops::replicant {

namespace fields {

namespace {

using fields::put;
using fields::read;

constexpr std::size_t entries_max = 4096;

// -- raft's ------------------------------------------------------------------

void put(writer& w, const raft::vote_request& x) {
  w.u8(x.rehearsal ? 1 : 0);
  w.varint(x.last_index);
  w.varint(x.last_term);
  w.u8(x.transfer ? 1 : 0);
}
void read(source& s, raft::vote_request& x) {
  x.rehearsal = flag(s);
  x.last_index = s.bytes.varint();
  x.last_term = s.bytes.varint();
  x.transfer = flag(s);
}

void put(writer& w, const raft::vote_answer& x) {
  w.u8(x.rehearsal ? 1 : 0);
  w.u8(x.granted ? 1 : 0);
}
void read(source& s, raft::vote_answer& x) {
  x.rehearsal = flag(s);
  x.granted = flag(s);
}

void put(writer& w, const raft::append_request& x) {
  w.varint(x.previous_index);
  w.varint(x.previous_term);
  put_all(w, x.entries);
  w.varint(x.commit);
  w.varint(x.held_by_all);
  w.varint(x.round);
  w.u8(x.sleep ? 1 : 0);
}
void read(source& s, raft::append_request& x) {
  x.previous_index = s.bytes.varint();
  x.previous_term = s.bytes.varint();
  read_all(s, x.entries, entries_max);
  x.commit = s.bytes.varint();
  x.held_by_all = s.bytes.varint();
  x.round = s.bytes.varint();
  x.sleep = flag(s);
  // The log takes entries in their order only.
  auto next = x.previous_index;
  for (const auto& e : x.entries)
    s.require(e.index == ++next);
}

void put(writer& w, const raft::append_answer& x) {
  w.u8(x.accepted ? 1 : 0);
  w.varint(x.match);
  w.varint(x.hint_index);
  w.varint(x.hint_term);
  w.varint(x.round);
  w.u8(x.full ? 1 : 0);
}
void read(source& s, raft::append_answer& x) {
  x.accepted = flag(s);
  x.match = s.bytes.varint();
  x.hint_index = s.bytes.varint();
  x.hint_term = s.bytes.varint();
  x.round = s.bytes.varint();
  x.full = flag(s);
}

void put(writer& w, const raft::snapshot_request& x) {
  put(w, x.whole);
  w.varint(x.round);
}
void read(source& s, raft::snapshot_request& x) {
  read(s, x.whole);
  x.round = s.bytes.varint();
}

void put(writer& w, const raft::forwarded& x) {
  w.u64(x.request);
  w.text(x.payload);
}
void read(source& s, raft::forwarded& x) {
  x.request = s.bytes.u64();
  x.payload = text(s, 4 * body_bytes_max);
}

void put(writer& w, const raft::forward_refused& x) {
  w.u64(x.request);
}
void read(source& s, raft::forward_refused& x) {
  x.request = s.bytes.u64();
}

void put(writer&, const raft::timeout_now&) {}
void read(source&, raft::timeout_now&) {}

void put(writer& w, const raft::read_index_request& x) {
  w.u64(x.read);
}
void read(source& s, raft::read_index_request& x) {
  x.read = s.bytes.u64();
}

void put(writer& w, const raft::read_index_answer& x) {
  w.u64(x.read);
  w.u8(x.granted ? 1 : 0);
  w.varint(x.index);
}
void read(source& s, raft::read_index_answer& x) {
  x.read = s.bytes.u64();
  x.granted = flag(s);
  x.index = s.bytes.varint();
}

// -- the owners' -------------------------------------------------------------

void put(writer& w, const summary_heard& x) {
  w.varint(x.session);
  w.varint(x.version);
}
void read(source& s, summary_heard& x) {
  x.session = s.bytes.varint();
  x.version = s.bytes.varint();
}

void put(writer& w, const farewell& x) {
  w.varint(x.at);
  w.u8(x.remove ? 1 : 0);
}
void read(source& s, farewell& x) {
  x.at = s.bytes.varint();
  x.remove = flag(s);
}

void put(writer&, const unknown_group&) {}
void read(source&, unknown_group&) {}
void put(writer&, const foreign_group&) {}
void read(source&, foreign_group&) {}
void put(writer&, const group_gone&) {}
void read(source&, group_gone&) {}
void put(writer&, const farewell_heard&) {}
void read(source&, farewell_heard&) {}

void put(writer& w, const raft_part& x);
void read(source& s, raft_part& x);

/// The alternative of that number, read; false if there is none such.
template <class Variant, std::size_t I = 0>
bool read_alternative(source& s, std::uint8_t which, Variant& x) {
  if constexpr (I == std::variant_size_v<Variant>) {
    return false;
  } else {
    if (which != I)
      return read_alternative<Variant, I + 1>(s, which, x);
    read(s, x.template emplace<I>());
    return true;
  }
}

template <class Variant>
void put_variant(writer& w, const Variant& x) {
  w.u8(static_cast<std::uint8_t>(x.index()));
  std::visit([&](const auto& y) { put(w, y); }, x);
}
template <class Variant>
void read_variant(source& s, Variant& x) {
  auto which = s.bytes.u8();
  auto known = read_alternative(s, which, x);
  s.require(known);
}

void put(writer& w, const raft_part& x) {
  w.varint(x.term);
  put_variant(w, x.body);
}
void read(source& s, raft_part& x) {
  x.term = s.bytes.varint();
  read_variant(s, x.body);
}

} // namespace

} // namespace fields

std::string encode(const message& x) {
  wire::writer w;
  w.u8(fields::layout);
  w.text(x.from.store);
  w.text(x.to.store);
  w.u64(x.group);
  fields::put_maybe(w, x.born);
  fields::put_variant(w, x.body);
  return w.take();
}

result<message> decode_message(std::string_view bytes, const site_id& from,
                               const site_id& to) {
  fields::source s{bytes};
  s.require(s.bytes.u8() == fields::layout);
  message x;
  x.from = {from, fields::text(s, store_bytes_max)};
  x.to = {to, fields::text(s, store_bytes_max)};
  x.group = s.bytes.u64();
  fields::read_maybe(s, x.born);
  fields::read_variant(s, x.body);
  return fields::checked(s, std::move(x), "message of a replicant's owner");
}

} // namespace cheops::replicant
