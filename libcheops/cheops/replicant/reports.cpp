// What the owners of one replicant tell each other beside the log.

#include "cheops/planted.hpp"
#include "cheops/raft/quorum.hpp"
#include "cheops/replicant/owner.hpp"

#include <algorithm>

namespace cheops::replicant {

namespace {

bool is_newer(const summary& a, const summary& b) {
  return std::pair{a.session, a.version} > std::pair{b.session, b.version};
}

/// Senders that are remembered: some are not known to be members yet.
constexpr std::size_t heard_max = 2 * members_max;

/// Of somebody whom a majority has elected.
bool is_led(const message& m) {
  const auto* part = std::get_if<raft_part>(&m.body);
  return part != nullptr
         && (std::holds_alternative<raft::append_request>(part->body)
             || std::holds_alternative<raft::snapshot_request>(part->body));
}

/// … of the other group that it tells of.
bool comes_of_leader(const message& m) {
  return is_led(m) && m.born && fingerprint(*m.born) == m.group;
}

bool says_the_same(const summary& a, const summary& b) {
  return a.done == b.done && a.ended == b.ended && a.state == b.state
         && a.local_id == b.local_id && a.last == b.last;
}

} // namespace

void owner::on(const received& in) {
  const auto& m = in.what;
  // To who we were before: it may not know that it left as well. Or to who we
  // are by now, where a crash kept us from forgetting that we left: we are told
  // again.
  if (m.to != s_.self && m.group == s_.mark) {
    say_farewell(m.from);
    say(m.from, summary{});
  }
  auto other_group = m.group != s_.mark;
  auto gives_way = other_group ? is_untouched() && comes_of_leader(m)
                               : m.to != s_.self && is_bare() && is_led(m);
  if (gives_way && !s_.forgotten && store_of(m.to) == store_of(s_.self)) {
    give_way();
    return;
  }
  if (m.to != s_.self || m.from == s_.self || s_.forgotten)
    return;
  if (m.group != s_.mark) {
    if (!std::holds_alternative<foreign_group>(m.body))
      put(send{{s_.self, m.from, m.group, std::nullopt, foreign_group{}}});
    return;
  }
  // A site makes up no more stores than a group has members.
  auto fresh = !s_.heard.contains(m.from);
  if (fresh && s_.heard.size() >= heard_max)
    return;
  if (!std::holds_alternative<unknown_group>(m.body))
    s_.heard.insert(m.from);
  std::visit([&](const auto& x) { take(m, x); }, m.body);
}

/// No entry of this group is here, and no leader of it is known: if another
/// group has one, this one never will (`give_way`), and a vote in it is
/// nothing that must be kept.
bool owner::is_untouched() const {
  const auto& g = s_.group;
  auto left = [](const auto& x) { return x.second.left; };
  return g.log.last_index() == 0 && !g.leader && g.now != raft::role::leader
         && std::ranges::none_of(g.requests, left);
}

/// Sites that knew different stores have begun two groups of one id. Of the
/// same sites only one can elect somebody: majorities share a site, and who has
/// voted in one goes to the other only when that has a leader.
/// The same for who was asked in by a leader that lost its place before that
/// was decided: no other member knows that id, and it is asked in under
/// another.
void owner::give_way() {
  for (auto& [sequence, w] : s_.waiters)
    answer_to(w, ending::refused, refusal::foreign, 0);
  for (const auto& r : s_.readers)
    answer_read(r, false, refusal::foreign);
  s_.readers.clear();
  s_.doing = {};
  s_.forgotten = true;
  hold(forget{{false, false, true}, s_.self});
}

void owner::on(const reachable& in) {
  s_.behind_tries = 0;
  for (const auto& m : raft::configuration{s_.group.members()}) {
    if (m.id.site != in.site || m.id == s_.self)
      continue;
    auto other = !in.store.empty() && store_of(m.id).store != in.store;
    other ? (void) s_.lost.insert(m.id) : (void) s_.lost.erase(m.id);
    give(raft::reachable{m.id});
    if (auto i = s_.untold.find(m.id); i != s_.untold.end())
      i->second = {};
  }
  for (const auto& d : s_.shared.departed)
    if (d.who.site == in.site && !s_.departed_told.contains(d.who))
      say_farewell(d.who);
  // What that site lacks, whoever leads brings it; who has forgotten us says
  // so.
  if (!s_.group.awake && std::ranges::count(behind(s_), in.site) > 0)
    ask_for_leader();
}

// -- summaries ---------------------------------------------------------------

/// Something that the others may want to know has changed here.
void owner::changed(bool soon) {
  dirty_site_ = true;
  tell_others(soon);
}

void owner::tell_others(bool soon) {
  ++s_.version;
  for (const auto& m : s_.group.members())
    if (m.id != s_.self && !raft::is_witness(m)) {
      s_.untold[m.id] = {soon ? 0 : s_.set.report_ticks, 0};
      s_.told.insert(m.id);
    }
}

summary owner::own_summary() const {
  summary x;
  x.session = s_.session;
  x.version = s_.version;
  x.done = s_.site.done;
  x.ended = s_.shared.ended_at != 0;
  x.state = worst(s_.site);
  x.local_id = s_.site.exists ? s_.site.local_id : std::string{};
  x.last.assign(s_.site.last.begin(), s_.site.last.end());
  return x;
}

void owner::report() {
  for (auto& [who, u] : s_.untold) {
    if (u.ticks > 0 || u.tries >= s_.set.report_tries)
      continue;
    u.ticks = std::min(s_.set.report_ticks_max,
                       std::max(1U, s_.set.report_ticks) << u.tries);
    ++u.tries;
    // A witness that has forgotten hears no end any more; to anything else it
    // says that it has.
    if (is_witness(who))
      u.tries % 2 == 1 ? say_stored(who, group_gone{})
                       : say_stored(who, summary{});
    else if (raft::find(s_.group.members(), who) == nullptr)
      say_farewell(who);
    else
      say_stored(who, own_summary());
  }
}

void owner::tick_reports() {
  for (auto& [who, u] : s_.untold)
    u.ticks -= u.ticks > 0 ? 1 : 0;
  catch_up();
}

/// Another site is further, or the members are not yet who they shall be, and
/// nobody brings it here: whoever led is gone. A read index makes the group
/// find a leader, who does.
void owner::catch_up() {
  if (!wants_leader(s_)) {
    s_.behind_ticks = s_.behind_tries = 0;
    return;
  }
  if (s_.catch_up != 0 || s_.behind_tries >= s_.set.report_tries
      || ++s_.behind_ticks < 2 * s_.set.group.election_ticks)
    return;
  s_.behind_ticks = 0;
  ++s_.behind_tries;
  ask_for_leader();
}

/// A read of our own, which nobody waits for.
void owner::ask_for_leader() {
  if (s_.catch_up != 0 || s_.forgotten || !s_.halted.empty())
    return;
  s_.catch_up = s_.next_sequence++;
  give(raft::read_asked{s_.catch_up});
}

void owner::take(const message& m, const summary& x) {
  if (has_departed(m.from)) {
    say_farewell(m.from);
    return;
  }
  // Who came and is not known here yet says it again.
  if (!is_known(m.from))
    return;
  auto& known = s_.site.others[m.from];
  if (is_newer(x, known)) {
    if (!says_the_same(x, known))
      dirty_site_ = true;
    known = x;
  }
  say_stored(m.from, summary_heard{x.session, x.version});
}

void owner::take(const message& m, const summary_heard& x) {
  if (x.session == s_.session && x.version == s_.version)
    s_.untold.erase(m.from);
}

// -- groups ------------------------------------------------------------------

void owner::take(const message& m, const raft_part& x) {
  if (has_departed(m.from))
    say_farewell(m.from);
  give(raft::received{{m.from, m.to, x.term, x.body}});
}

void owner::take(const message& m, const unknown_group&) {
  s_.heard.erase(m.from);
}

void owner::take(const message& m, const foreign_group&) {
  s_.heard.erase(m.from);
  if (is_known(m.from))
    s_.foreign.insert(m.from);
}

// -- the end -----------------------------------------------------------------

/// Everything about it was dealt with everywhere, and everybody knows. Who has
/// forgotten it has seen that; a witness was told by one who had. A store that
/// was lost is not waited for: should it come back, it is told that all is
/// over, and its copy goes.
bool owner::all_have_ended() const {
  auto forgot = [&](const raft::member& m) {
    auto i = s_.site.others.find(m.id);
    return i != s_.site.others.end() && i->second.gone;
  };
  if (std::ranges::any_of(s_.group.members(), forgot))
    return true;
  return std::ranges::all_of(s_.group.members(), [&](const raft::member& m) {
    // Who was here under another id is no more.
    if (m.id.site == s_.self.site || raft::is_witness(m)
        || s_.departed_told.contains(m.id) || s_.lost.contains(m.id)
        || planted(bug::forget_early))
      return true;
    auto i = s_.site.others.find(m.id);
    return i != s_.site.others.end() && i->second.state == site_state::ok
           && i->second.ended && i->second.done >= s_.shared.ended_at
           && !s_.untold.contains(m.id);
  });
}

/// A tombstone stays until every member has it.
void owner::end() {
  if (s_.shared.ended_at == 0 || s_.site.done < s_.shared.ended_at
      || s_.doing.now != phase::idle || !s_.site.troubles.empty()
      || !s_.waiters.empty() || !s_.readers.empty() || s_.leaving
      || !all_have_ended())
    return;
  for (const auto& m : s_.group.members()) {
    if (!raft::is_witness(m) || s_.lost.contains(m.id))
      continue;
    auto i = s_.site.others.find(m.id);
    if (i != s_.site.others.end() && i->second.gone)
      continue;
    if (s_.untold.try_emplace(m.id).second)
      report();
    return;
  }
  s_.forgotten = true;
  hold(forget{{true, s_.born.key.has_value()}, s_.self});
}

void owner::take(const message& m, const group_gone&) {
  if (!may_know(m.from.site))
    return;
  if (is_witness(s_.self)) {
    // We keep nothing that is our own.
    say(m.from, group_gone{});
    s_.forgotten = true;
    hold(forget{{true, s_.born.key.has_value()}, s_.self});
    return;
  }
  if (is_known(m.from)) {
    auto& known = s_.site.others[m.from];
    known.gone = true;
    known.state = site_state::ok;
  }
  s_.untold.erase(m.from);
  dirty_site_ = true;
  // Nobody forgets it before all members have ended: we left before that.
  if (s_.shared.ended_at == 0 && !s_.leaving) {
    s_.leaving = farewell{s_.shared.at, true};
    s_.over_elsewhere = true;
  }
}

/// Whether it is, was, or is to be a member, as far as is known here.
bool owner::is_known(const member_id& who) const {
  return knows_one([&](const member_id& x) { return x == who; });
}

/// Of all who are, were, or are to be members, as far as is known here.
bool owner::knows_one(const std::function<bool(const member_id&)>& is) const {
  auto has = [&](const auto& all) {
    return std::ranges::any_of(all, is, &raft::member::id);
  };
  return has(s_.group.members()) || has(s_.shared.members)
         || has(s_.born.members)
         || (s_.shared.goal && has(s_.shared.goal->members))
         || std::ranges::any_of(s_.shared.departed, is, &departed_member::who);
}

bool owner::has_departed(const member_id& who) const {
  const auto& all = s_.shared.departed;
  return std::ranges::find(all, who, &departed_member::who) != all.end();
}

void owner::say_farewell(const member_id& to) {
  for (const auto& d : s_.shared.departed)
    if (d.who == to)
      say(to, farewell{d.at, d.remove});
}

/// Whether the site of that name, which the link vouches for, is or was one of
/// the group's, or is to be; as far as we know.
bool owner::is_of_group(const site_id& site) const {
  return knows_one([&](const member_id& x) { return x.site == site; });
}

/// All others that we know have left by now: who is left came after that, and
/// we cannot know it.
bool owner::all_others_left() const {
  const auto& all = s_.group.members();
  return all.size() > 1 && std::ranges::all_of(all, [&](const raft::member& m) {
           return m.id == s_.self || s_.departed_told.contains(m.id);
         });
}

/// It costs a site its copy to be told that it has left, or that all is over.
bool owner::may_know(const site_id& site) const {
  return is_of_group(site) || all_others_left() || is_bare();
}

/// We were asked in later, and have nothing yet: neither do we know who the
/// members are by now, nor can anything be lost.
bool owner::is_bare() const {
  return raft::find(s_.born.members, s_.self) == nullptr
         && s_.group.log.last_index() == 0 && s_.shared.at == 0
         && !s_.site.exists;
}

/// It was decided, and under an id that left nobody comes back.
void owner::take(const message& m, const farewell& x) {
  if (!s_.leaving && may_know(m.from.site))
    s_.leaving = x;
}

/// A member that has left, and we did not hear of it: so did others, perhaps
/// this one. They know.
void owner::take(const message& m, const farewell_heard&) {
  if (!is_known(m.from))
    return;
  s_.departed_told.insert(m.from);
  s_.untold.erase(m.from);
  if (raft::find(s_.group.members(), m.from) == nullptr)
    return;
  for (const auto& x : s_.group.members())
    if (x.id != s_.self && is_full(x.id) && !s_.departed_told.contains(x.id))
      s_.untold[x.id] = {s_.set.report_ticks, 0};
}

} // namespace cheops::replicant
