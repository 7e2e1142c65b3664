#include "cheops/replicant/record.hpp"

#include "cheops/planted.hpp"
#include "cheops/raft/quorum.hpp"
#include "cheops/replicant/codec.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace cheops::replicant {

namespace {

/// Of Cheops' own refusal, where no application has said one.
constexpr std::uint16_t exists_status = 409;

/// One entry in the taking.
class taker {
public:
  taker(record& r, index_id index) : r_(r), index_(index) {}

  void operator()(submission x);
  void operator()(const verdict& x);
  void operator()(const compensation& x);
  void operator()(membership_goal x);
  void configure(const raft::configuration& members);
  void follow_goal(const raft::configuration& before);
  const raft::member* standing(const raft::member& x) const;

  std::vector<note> decided;

private:
  bool seen_before(const operation_id& id, std::uint64_t floor);
  bool is_retry(const submission& x);
  void advance();
  fate forbidden(const submission& x) const;
  void decide(const open_entry& x);
  void stand(const open_entry& x);
  void put(note x);

  record& r_;
  index_id index_;
};

void taker::put(note x) {
  // Nothing came of it: who tries again under its key means a new try. (Where a
  // create came to nothing, there is nothing that could be tried again.)
  if (x.how != fate::stands && x.does != change::create)
    std::erase_if(r_.keys,
                  [&](const key_note& k) { return k.index == x.index; });
  r_.notes.push_back(x);
  if (r_.notes.size() > notes_max)
    r_.notes.pop_front();
  decided.push_back(x);
}

/// A copied message or a second try of the raft below may bring an operation
/// into the log twice.
bool taker::seen_before(const operation_id& id, std::uint64_t floor) {
  auto& s = r_.sessions[id.origin];
  if (id.session < s.session)
    return true;
  if (id.session > s.session)
    s = {id.session, 0, {}, 0};
  s.used_at = index_;
  auto at = std::ranges::lower_bound(s.seen, id.sequence);
  auto twice =
    id.sequence < s.floor || (at != s.seen.end() && *at == id.sequence);
  if (!twice)
    s.seen.insert(at, id.sequence);
  s.floor = std::max(s.floor, floor);
  s.seen.erase(s.seen.begin(), std::ranges::lower_bound(s.seen, s.floor));
  if (r_.sessions.size() > sessions_max)
    r_.sessions.erase(std::ranges::min_element(
      r_.sessions, {}, [](const auto& x) { return x.second.used_at; }));
  return twice;
}

/// Whether it is a client's retry; then it is decided.
bool taker::is_retry(const submission& x) {
  if (!x.key)
    return false;
  auto known = std::ranges::find_if(
    r_.keys, [&](const key_note& k) { return k.key.key == x.key->key; });
  if (known == r_.keys.end()) {
    r_.keys.push_back({*x.key, index_});
    if (r_.keys.size() > keys_max)
      r_.keys.pop_front();
    return false;
  }
  auto same = known->key.request == x.key->request;
  put({x.id, index_, x.does, same ? fate::repeated : fate::key_reused, 0,
       known->index});
  return true;
}

void taker::operator()(submission x) {
  auto twice = seen_before(x.id, x.floor) && !planted(bug::apply_twice);
  if (twice || is_retry(x))
    return;
  r_.open.push_back({index_, std::move(x), std::nullopt});
  advance();
}

void taker::operator()(const verdict& x) {
  auto i = std::ranges::find(r_.open, x.index, &open_entry::index);
  if (i == r_.open.end() || i->said)
    return; // Decided: the first counts.
  i->said = x;
  advance();
}

/// Only the newest change can be taken back: others rest on what is older,
/// and what is open may have been done at its own site already.
void taker::operator()(const compensation& x) {
  auto i = std::ranges::find(r_.build, x.index, &kept_entry::index);
  if (i == r_.build.end() || i->undoes != 0 || r_.changed_at != x.index
      || !r_.open.empty())
    return;
  // What a replacement took the place of is not kept: it cannot come back.
  if (i->what.does != change::create && i->what.does != change::patch)
    return;
  auto undone = *i;
  undone.undoes = undone.index;
  undone.index = index_;
  r_.build.erase(i);
  if (undone.what.does == change::create)
    r_.ended_at = index_;
  r_.changed_at = index_;
  for (auto& n : r_.notes)
    if (n.index == x.index)
      n.how = fate::undone;
  r_.build.push_back(std::move(undone));
}

void taker::operator()(membership_goal x) {
  if (seen_before(x.id, x.floor))
    return;
  for (auto& m : x.members)
    if (const auto* here = standing(m))
      m.id = here->id;
    else
      m.id = joining_as(m.id, x.id);
  std::ranges::sort(x.members, {}, &raft::member::id);
  r_.goal = std::move(x);
}

/// The member that is that store, in that part.
const raft::member* taker::standing(const raft::member& x) const {
  for (const auto& m : r_.members)
    if (store_of(m.id) == store_of(x.id)
        && raft::is_witness(m) == raft::is_witness(x))
      return &m;
  return nullptr;
}

/// An earlier goal may have brought about a change since: who is wanted and
/// came under another id, or left. Under the id that left, nobody comes back.
void taker::follow_goal(const raft::configuration& before) {
  if (!r_.goal)
    return;
  auto by = r_.goal->id;
  by.session ^= index_ << 32;
  for (auto& m : r_.goal->members)
    if (const auto* here = standing(m))
      m.id = here->id;
    else if (raft::find(before, m.id) != nullptr)
      m.id = joining_as(m.id, by);
  std::ranges::sort(r_.goal->members, {}, &raft::member::id);
}

void taker::configure(const raft::configuration& members) {
  for (const auto& x : r_.members)
    if (raft::find(members, x.id) == nullptr)
      r_.departed.push_back(
        {x.id, index_, !r_.goal || r_.goal->remove_at_leavers});
  std::erase_if(r_.departed, [&](const departed_member& x) {
    return raft::find(members, x.who) != nullptr;
  });
  if (r_.departed.size() > departed_max)
    r_.departed.erase(r_.departed.begin());
  auto before = std::exchange(r_.members, members);
  follow_goal(before);
}

/// Why the order alone forbids it; `open` if it does not. All before it are
/// decided.
fate taker::forbidden(const submission& x) const {
  if (r_.ended_at != 0)
    return fate::over;
  // A second create is for the application to refuse.
  if (x.does != change::create && r_.created_at == 0)
    return fate::absent;
  if (x.read_at && *x.read_at < r_.changed_at
      && !planted(bug::ignore_precondition))
    return fate::stale;
  return fate::open;
}

void taker::advance() {
  while (!r_.open.empty()) {
    auto how = forbidden(r_.open.front().what);
    if (how == fate::open && !r_.open.front().said)
      return;
    auto x = std::move(r_.open.front());
    r_.open.pop_front();
    if (how == fate::open)
      decide(x);
    else
      put({x.what.id, x.index, x.what.does, how, 0, 0});
  }
}

void taker::decide(const open_entry& x) {
  // A second create is asked of the application, for its own refusal; it
  // cannot stand, whatever others say for a site that says nothing.
  auto second = x.what.does == change::create && r_.created_at != 0;
  auto stands = x.said->stands && !second;
  auto how = stands ? fate::stands : fate::voided;
  auto status = second && x.said->stands ? exists_status : x.said->status;
  put({x.what.id, x.index, x.what.does, how, status, 0});
  if (stands) {
    stand(x);
    return;
  }
  // Nothing came of it, and nobody else tries: the group has no purpose.
  auto creates = [](const open_entry& o) {
    return o.what.does == change::create;
  };
  if (r_.created_at == 0 && std::ranges::none_of(r_.open, creates))
    r_.ended_at = x.index;
}

void taker::stand(const open_entry& x) {
  if (x.what.does == change::create)
    r_.created_at = x.index;
  if (x.what.does == change::replace)
    std::erase_if(r_.build, [](const kept_entry& k) {
      return k.what.does != change::create || k.undoes != 0;
    });
  if (x.what.does == change::remove) {
    r_.build.clear();
    r_.ended_at = x.index;
  }
  r_.changed_at = x.index;
  r_.build.push_back({x.index, x.what, 0});
}

} // namespace

std::string_view to_string(fate x) noexcept {
  constexpr std::array<std::string_view, 9> names{
    "open",       "stands", "voided", "stale", "repeated",
    "key_reused", "absent", "over",   "undone"};
  return names[static_cast<std::size_t>(x)];
}

record empty_record(const raft::configuration& members) {
  record out;
  out.members = members;
  std::ranges::sort(out.members, {}, &raft::member::id);
  return out;
}

std::vector<note> take(record& to, const raft::entry& x) {
  taker t{to, x.index};
  to.at = x.index;
  if (x.kind == raft::entry_kind::configure)
    t.configure(x.members);
  else if (x.kind == raft::entry_kind::operation)
    if (auto what = decode_entry(x.payload))
      std::visit([&](auto& e) { t(std::move(e)); }, *what);
  return std::move(t.decided);
}

const note* find(const record& in, const operation_id& id) {
  auto i = std::ranges::find(in.notes, id, &note::id);
  return i == in.notes.end() ? nullptr : &*i;
}

const note* find(const record& in, index_id index) {
  auto i = std::ranges::find(in.notes, index, &note::index);
  return i == in.notes.end() ? nullptr : &*i;
}

const kept_entry* kept(const record& in, index_id index) {
  auto i = std::ranges::find(in.build, index, &kept_entry::index);
  return i == in.build.end() ? nullptr : &*i;
}

const open_entry* find_open(const record& in, index_id index) {
  auto i = std::ranges::find(in.open, index, &open_entry::index);
  return i == in.open.end() ? nullptr : &*i;
}

bool stood(const record& in, index_id index, change does) {
  if (const auto* n = find(in, index))
    return n->how == fate::stands || n->how == fate::undone;
  if (does == change::create)
    return index == in.created_at;
  return std::ranges::find(in.keys, index, &key_note::index) != in.keys.end()
         && find_open(in, index) == nullptr;
}

std::size_t bytes_of(const record& x) {
  std::size_t out = 0;
  for (const auto& k : x.build)
    out += k.what.content.size();
  for (const auto& o : x.open)
    out += o.what.content.size();
  return out;
}

std::string broken_invariant(const record& x) {
  auto ascending = [](const auto& all) {
    return std::ranges::is_sorted(all, {},
                                  [](const auto& e) { return e.index; });
  };
  if (!ascending(x.open) || !ascending(x.build))
    return "entries out of order";
  for (auto i : {x.created_at, x.changed_at, x.ended_at,
                 x.open.empty() ? 0 : x.open.back().index,
                 x.build.empty() ? 0 : x.build.back().index})
    if (i > x.at)
      return "knows of an entry that it has not taken";
  if (!x.open.empty() && x.ended_at != 0)
    return "is over, and has entries that are open";
  if (!x.open.empty() && x.open.front().said)
    return "has a verdict that was not heeded";
  if (!x.open.empty() && !x.build.empty()
      && x.build.back().index > x.open.front().index
      && x.build.back().undoes == 0)
    return "an entry stands though one before it is open";
  return {};
}

} // namespace cheops::replicant
