#include "cheops/replicant/step.hpp"

#include "cheops/ensure.hpp"
#include "cheops/raft/quorum.hpp"
#include "cheops/raft/step.hpp"
#include "cheops/replicant/owner.hpp"
#include "cheops/splitmix.hpp"

#include <algorithm>

namespace cheops::replicant {

namespace {

/// To keep the seeds of raft and of our own waits apart.
std::uint64_t scramble(std::uint64_t x) {
  return splitmix64(x);
}

state begun(const owner_identity& who, birth born, const settings& set) {
  state s;
  s.set = set;
  s.meta = who.meta;
  s.mark = fingerprint(born);
  s.born = std::move(born);
  s.self = who.self;
  s.origin = origin_of(who.self);
  s.session = who.session;
  s.random = scramble(who.seed) | 1;
  s.keys = who.keys;
  return s;
}

/// It is over, and others have forgotten it: nothing more is decided, and who
/// still has a trouble of its own waits for a person, not for them.
bool is_forgotten_elsewhere(const state& x) {
  return x.shared.ended_at != 0
         && std::ranges::any_of(x.site.others,
                                [](const auto& o) { return o.second.gone; });
}

} // namespace

state make_owner(const owner_identity& who, birth born, const settings& set,
                 bool founding) {
  auto s = begun(who, std::move(born), set);
  s.group = raft::make_member(s.self, s.born.members, set.group,
                              scramble(who.seed + 1), s.born.founder);
  s.shared = empty_record(s.born.members);
  s.founding = founding;
  return s;
}

state recover_owner(const owner_identity& who, stored_replicant from,
                    const settings& set) {
  auto as = who;
  as.self = from.own.self;
  auto s = begun(as, std::move(from.own.born), set);
  s.born_kept = true;
  s.range = from.range;
  s.site = std::move(from.site);
  s.shared = empty_record(s.born.members);
  const auto& base = from.log.base();
  // A witness has a base without content.
  if (base.index > 0 && !base.payload.empty()) {
    auto folded = decode_record(base.payload);
    if (folded && folded->at == base.index)
      s.shared = std::move(*folded);
    else
      s.halted =
        "the snapshot at " + std::to_string(base.index) + " cannot be read";
    s.shared.at = base.index;
  }
  auto known = std::max(s.site.known, base.index);
  if (known > from.log.last_index())
    s.halted = "the log ends before what was known to be committed";
  known = std::min(known, from.log.last_index());
  for (auto i = base.index + 1; i <= known; ++i)
    take(s.shared, from.log.at(i));
  // Nobody could have stored less than the vote that all begin with.
  if (from.hard.term == 0 && s.born.founder)
    from.hard = {1, s.born.founder};
  s.group =
    raft::recovered(s.self, from.hard.term, from.hard.voted_for,
                    std::move(from.log), known, set.group, scramble(who.seed));
  std::vector<effect> none;
  owner{s, none}.resume();
  return s;
}

std::vector<effect> step(state& self, const input& in) {
  std::vector<effect> out;
  owner o{self, out};
  std::visit([&](const auto& x) { o.on(x); }, in);
  o.finish();
  // In release builds too: a broken invariant must not reach the disk.
  if (auto what = broken_invariant(self); !what.empty())
    broken("replicant, " + what);
  return out;
}

message owner::addressed(const member_id& to, message_body body) const {
  message m{s_.self, to, s_.mark, std::nullopt, std::move(body)};
  if (!s_.heard.contains(to))
    m.born = s_.born;
  return m;
}

void owner::say(const member_id& to, message_body body) {
  put(send{addressed(to, std::move(body))});
}

void owner::say_stored(const member_id& to, message_body body) {
  hold(send{addressed(to, std::move(body))});
}

void owner::tell(event_kind what, index_id index, std::uint16_t status,
                 std::string text) {
  put(event{what, index, status, std::move(text)});
}

void owner::on(const stored& in) {
  std::uint64_t group = 0;
  while (!s_.on_the_way.empty()
         && s_.on_the_way.front().sequence <= in.sequence) {
    group = s_.on_the_way.front().group;
    s_.on_the_way.pop_front();
  }
  if (group != 0)
    give(raft::stored{group});
  while (!s_.held.empty() && s_.held.front().sequence <= in.sequence) {
    put(std::move(s_.held.front().what));
    s_.held.pop_front();
  }
}

void owner::on(const ticked&) {
  if (s_.group.awake)
    give(raft::ticked{});
  tick_timers();
}

void owner::tick_timers() {
  auto count_down = [](unsigned& x) { x -= x > 0 ? 1 : 0; };
  count_down(s_.propose_rest);
  count_down(s_.change_rest);
  tick_work();
  tick_judging();
  tick_reports();
  age_waiters();
}

void owner::finish() {
  if (s_.halted.empty() && !s_.forgotten)
    do {
      again_ = false;
      advance();
      propose();
      drive_members();
      fold();
    } while (again_);
  settle_waiters();
  serve_readers();
  if (s_.halted.empty() && !s_.forgotten) {
    report();
    leave();
    end();
    // Who comes back from the store must not have to ask what is decided.
    if (!is_awake(s_) && s_.site.known != s_.shared.at)
      dirty_site_ = true;
  }
  store();
}

void owner::store() {
  if (dirty_site_ || !logs_.empty() || !locals_.writes.empty()) {
    persist x;
    x.sequence = ++s_.sequence;
    if (!s_.born_kept)
      add(x.what, s_.meta, membership{s_.born, s_.self});
    s_.born_kept = true;
    for (const auto& l : logs_)
      add(x.what, s_.meta, l, s_.range);
    if (dirty_site_) {
      s_.site.known = s_.shared.at;
      const auto& now = s_.group.members();
      s_.site.members = now == s_.born.members ? raft::configuration{} : now;
      add(x.what, s_.meta, s_.site);
    }
    std::ranges::move(locals_.writes, std::back_inserter(x.what.writes));
    s_.on_the_way.push_back({x.sequence, s_.group.sequence});
    out_.insert(out_.begin(), std::move(x));
  }
  for (auto& h : held_now_) {
    if (s_.on_the_way.empty())
      put(std::move(h));
    else
      s_.held.push_back({s_.sequence, std::move(h)});
  }
}

contact first_contact(const message& m, const meta_id& meta,
                      const generations& over) {
  auto ended = over.is_over(meta);
  auto left = over.has_left(meta, m.to);
  if (!ended || !left)
    return contact::ignore; // The store cannot say: nothing may be promised.
  if (*ended)
    return std::holds_alternative<group_gone>(m.body) ? contact::ignore
                                                      : contact::gone;
  if (std::holds_alternative<farewell>(m.body))
    return contact::left;
  auto tells = std::holds_alternative<raft_part>(m.body)
               || std::holds_alternative<summary>(m.body);
  if (!tells)
    return contact::ignore;
  if (*left)
    return contact::left;
  return m.born && fingerprint(*m.born) == m.group ? contact::spawn
                                                   : contact::unknown;
}

message reply_to(const message& m, message_body body) {
  return {m.to, m.from, m.group, std::nullopt, std::move(body)};
}

std::optional<reached> has_reached(const state& x, index_id index) {
  auto parts = [&](const trouble& t) { return t.index <= index; };
  if (x.site.done < index || std::ranges::any_of(x.site.troubles, parts))
    return std::nullopt;
  return reached{x.meta, x.site.done, x.site.local_id};
}

bool wants_leader(const state& x) {
  if (x.group.now == raft::role::leader)
    return false;
  const auto* me = raft::find(x.group.members(), x.self);
  if (me == nullptr || me->role != raft::member_role::voter)
    return false;
  auto further = [&](const auto& other) {
    const auto& said = other.second;
    auto knows_end = said.ended && x.shared.ended_at == 0;
    return knows_end || said.done > x.shared.at;
  };
  return std::ranges::any_of(x.site.others, further)
         || (x.shared.goal && x.shared.goal->members != x.shared.members);
}

std::vector<site_id> behind(const state& x) {
  std::vector<site_id> out;
  auto upto = std::max(x.shared.changed_at, x.shared.ended_at);
  auto ends = x.shared.ended_at != 0 && x.site.done >= x.shared.ended_at;
  for (const auto& m : x.group.members()) {
    if (m.id.site == x.self.site || x.lost.contains(m.id))
      continue;
    auto i = x.site.others.find(m.id);
    auto told = i != x.site.others.end();
    auto gone = told && i->second.gone;
    auto lags = told ? i->second.done < upto : upto > 0;
    if (raft::is_witness(m))
      lags = ends && !gone;
    else if (ends)
      lags = !gone && (lags || !i->second.ended || x.untold.contains(m.id));
    if (lags)
      out.push_back(m.id.site);
  }
  return out;
}

const operation* unsettled_create(const state& x) {
  const auto& w = x.doing;
  auto called = w.now == phase::calling || w.now == phase::settling
                || w.now == phase::probing || w.maybe;
  if (called && w.now != phase::stuck && !w.undo && !w.leaving
      && w.what.does == change::create)
    return &w.what;
  // Of an earlier session, whose turn has not come.
  auto earlier = !x.fresh_intent && x.site.doing
                 && (w.now == phase::idle || w.index != x.site.doing->index);
  return earlier ? unsettled_create(x.site) : nullptr;
}

bool is_awake(const state& x) {
  if (x.forgotten || !x.halted.empty())
    return !x.waiters.empty() || !x.readers.empty();
  auto timed = x.doing.now == phase::settling || x.doing.now == phase::resting
               || (x.doing.now == phase::awaiting && x.doing.ticks > 0);
  auto tells = std::ranges::any_of(x.untold, [&](const auto& u) {
    return u.second.tries < x.set.report_tries;
  });
  auto proposes = !x.proposals.empty() || x.propose_rest > 0;
  auto judged =
    !x.shared.open.empty()
    && (x.shared.open.front().what.id.origin != x.origin || x.site.refused
        || x.site.done >= x.shared.open.front().index);
  auto changes = x.change_out != 0
                 || (x.shared.goal && x.group.now == raft::role::leader
                     && x.shared.goal->members != x.shared.members);
  auto behind =
    x.catch_up != 0 || (x.behind_tries < x.set.report_tries && wants_leader(x));
  auto decides = x.group.awake && !is_forgotten_elsewhere(x);
  return decides || behind || !x.waiters.empty() || !x.readers.empty() || timed
         || tells || proposes || judged || changes || x.leaving.has_value();
}

bool is_idle(const state& x) {
  return !is_awake(x) && x.on_the_way.empty()
         && (x.doing.now == phase::idle || x.doing.now == phase::stuck)
         && (x.doing.now == phase::stuck || !x.site.doing);
}

} // namespace cheops::replicant
