// Who waits at this site: clients and readers.

#include "cheops/planted.hpp"
#include "cheops/raft/quorum.hpp"
#include "cheops/replicant/owner.hpp"

#include <algorithm>

namespace cheops::replicant {

namespace {

/// Every id in a request is known once that replicant was reached.
void add_dependencies(operation& x, const meta_id& own) {
  auto add = [&](const slot& s) {
    auto known = std::ranges::find(x.after, s.of, &dependency::on);
    if (s.of != own && known == x.after.end())
      x.after.push_back({s.of, 1});
  };
  std::ranges::for_each(x.what.slots, add);
}

refusal why_of(fate x) {
  switch (x) {
  case fate::stale:
    return refusal::stale;
  case fate::key_reused:
    return refusal::key_reused;
  case fate::absent:
    return refusal::absent;
  case fate::over:
    return refusal::over;
  default:
    return refusal::none;
  }
}

/// A set of members that raft can be brought to, one change at a time.
bool makes_sense(const raft::configuration& x) {
  auto full =
    std::ranges::count(x, raft::member_role::voter, &raft::member::role);
  auto witnesses = std::ranges::count_if(x, raft::is_witness);
  std::set<site_id> ids; // Of a site, one store.
  for (const auto& m : x)
    ids.insert(m.id.site);
  return full > 0 && witnesses <= 1 && (witnesses == 0 || full > 1)
         && full + witnesses == std::ssize(x) && ids.size() == x.size()
         && x.size() <= members_max;
}

constexpr std::uint16_t application_down_status = 503;

} // namespace

std::optional<refusal> owner::refuses() const {
  if (!s_.halted.empty())
    return refusal::halted;
  // While it leaves, its application may have lost the resource already.
  if (s_.leaving)
    return refusal::not_member;
  if (s_.forgotten)
    return refusal::over;
  if (is_witness(s_.self))
    return refusal::not_member;
  if (is_sealed() && !s_.keys)
    return refusal::no_key;
  if (s_.waiters.size() + s_.readers.size() >= s_.set.waiting_max)
    return refusal::busy;
  return std::nullopt;
}

void owner::begin_group() {
  if (!s_.founding)
    return;
  s_.founding = false;
  give(raft::founded{});
}

std::uint64_t owner::lowest_waiting() const {
  return s_.waiters.empty() ? s_.next_sequence : s_.waiters.begin()->first;
}

waiter* owner::waiter_of(const operation_id& id) {
  if (id.origin != s_.origin || id.session != s_.session)
    return nullptr;
  auto i = s_.waiters.find(id.sequence);
  return i == s_.waiters.end() ? nullptr : &i->second;
}

waiter* owner::waiter_of(raft::request_id request) {
  auto i = s_.waiters.find(sequence_of(request, s_.origin, s_.session));
  return i == s_.waiters.end() ? nullptr : &i->second;
}

void owner::on(const asked& in) {
  waiter w;
  w.token = in.token;
  w.until = in.until;
  w.what = in.what;
  w.stale_status = in.what.stale_status;
  w.patience =
    in.patience_ticks == 0 ? s_.set.patience_ticks : in.patience_ticks;
  if (auto why = refuses()) {
    answer_to(w, ending::refused, *why, 0);
    return;
  }
  add_dependencies(w.what, s_.meta);
  w.id = {s_.origin, s_.session, s_.next_sequence++};
  submission x;
  x.id = w.id;
  x.floor = std::min(lowest_waiting(), w.id.sequence);
  x.does = w.what.does;
  x.read_at = w.what.read_at;
  x.key = w.what.key;
  x.report_soon = in.until == wait_for::all;
  x.content = encode(w.what);
  if (is_sealed() && !planted(bug::open_content)) {
    x.content = s_.keys->seal(s_.meta, x.id, x.content);
    x.sealed = true;
  }
  auto bytes = x.content.size();
  // What only adds to the past must leave room to rebuild it elsewhere.
  auto grows = x.does == change::patch
               && bytes_of(s_.shared) + bytes > s_.set.build_bytes_max;
  if (grows) {
    answer_to(w, ending::refused, refusal::too_large, 0);
    return;
  }
  ask(std::move(w), encode(log_entry{std::move(x)}), bytes);
}

/// Whether those who shall have it can: who was a witness of what is sealed
/// has no key, and without one of our own nothing can be sealed.
bool owner::can_read(const raft::configuration& wanted) const {
  auto lacks = [&](const raft::member& m) {
    if (raft::is_witness(m))
      return !s_.keys;
    return std::ranges::any_of(s_.group.members(), [&](const raft::member& x) {
      return raft::is_witness(x) && store_of(x.id) == store_of(m.id);
    });
  };
  return std::ranges::none_of(wanted, lacks);
}

void owner::on(const scale_asked& in) {
  waiter w;
  w.token = in.token;
  w.scales = true;
  w.patience = s_.set.patience_ticks;
  auto why = refuses();
  if (!why && !makes_sense(in.members))
    why = refusal::bad_change;
  if (!why && !can_read(in.members))
    why = refusal::no_key;
  if (why) {
    answer_to(w, ending::refused, *why, 0);
    return;
  }
  w.id = {s_.origin, s_.session, s_.next_sequence++};
  membership_goal goal;
  goal.id = w.id;
  goal.floor = std::min(lowest_waiting(), w.id.sequence);
  goal.members = in.members;
  goal.remove_at_leavers = in.remove_at_leavers;
  ask(std::move(w), encode(log_entry{std::move(goal)}), 0);
}

void owner::ask(waiter w, std::string payload, std::size_t bytes) {
  if (bytes > s_.set.entry_bytes_max) {
    answer_to(w, ending::refused, refusal::too_large, 0);
    return;
  }
  auto id = w.id;
  s_.waiters.emplace(id.sequence, std::move(w));
  begin_group();
  give(raft::proposed{request_of(id), std::move(payload)});
}

// -- answers -----------------------------------------------------------------

std::vector<site_line> owner::lines(index_id index) const {
  std::vector<site_line> out;
  for (const auto& m : s_.group.members()) {
    if (raft::is_witness(m))
      continue;
    site_line x{m.id.site, site_state::pending, 0};
    const auto* done = &s_.site.done;
    const outcome* o = nullptr;
    if (m.id == s_.self) {
      o = find(s_.site, index);
    } else if (auto i = s_.site.others.find(m.id); i != s_.site.others.end()) {
      done = &i->second.done;
      auto said = std::ranges::find(i->second.last, index, &outcome::index);
      o = said == i->second.last.end() ? nullptr : &*said;
    } else {
      done = nullptr;
    }
    if (o != nullptr) {
      x.state = o->how;
      x.status = o->status;
    } else if (done != nullptr && index != 0 && *done >= index) {
      x.state = site_state::ok;
    }
    out.push_back(std::move(x));
  }
  return out;
}

void owner::answer_to(waiter& w, ending how, refusal why,
                      std::uint16_t status) {
  if (w.told)
    return;
  w.told = true;
  answer a;
  a.token = w.token;
  a.operation = w.id;
  a.how = how;
  a.why = why;
  a.status = status;
  a.call = how == ending::application ? w.call : 0;
  a.local_id = s_.site.local_id;
  // A retry stands where the first does: what came between is not in what its
  // client has read, and a precondition with this index must say so.
  a.index = w.first != 0 ? w.first : w.index;
  a.sites = lines(a.index);
  // What is decided is on the disks of a majority: ours has nothing to add.
  if (how == ending::accepted)
    put(std::move(a));
  else
    hold(std::move(a));
}

bool owner::done_by_all(index_id index) const {
  return std::ranges::all_of(s_.group.members(), [&](const raft::member& m) {
    if (m.id == s_.self || raft::is_witness(m))
      return true;
    auto i = s_.site.others.find(m.id);
    return i != s_.site.others.end() && i->second.done >= index;
  });
}

void owner::settle_waiters() {
  for (auto& [sequence, w] : s_.waiters)
    if (!w.told)
      settle(w);
  std::erase_if(s_.waiters, [](const auto& x) { return x.second.told; });
}

bool owner::settle(waiter& w) {
  if (!s_.halted.empty() || s_.forgotten) {
    answer_to(w, ending::open, refusal::none, 0);
    return true;
  }
  if (w.scales)
    return settle_scale(w);
  if (w.index == 0)
    return false;
  if (w.until == wait_for::decided) {
    answer_to(w, ending::accepted, refusal::none, 0);
    return true;
  }
  if (const auto* n = find(s_.shared, w.id)) {
    // The first copy of it in the log counts; it may have come in a snapshot.
    w.index = n->index;
    return settle_noted(w, *n);
  }
  if (planted(bug::refuse_too_early) && s_.site.refused
      && s_.site.refused->index == w.index) {
    answer_to(w, ending::application, refusal::none, s_.site.refused->status);
    return true;
  }
  // Its fate is not in the log yet, but our application did it: it stands.
  if (find_open(s_.shared, w.index) != nullptr)
    return settle_done(w);
  // It was decided in what came as a snapshot, and is forgotten by now.
  answer_to(w, ending::open, refusal::none, 0);
  return true;
}

bool owner::settle_scale(waiter& w) {
  const auto& goal = s_.shared.goal;
  if (w.index == 0 || !goal)
    return false;
  if (goal->id != w.id) { // Somebody wants something else since.
    answer_to(w, ending::open, refusal::none, 0);
    return true;
  }
  if (goal->members != s_.shared.members)
    return false;
  answer_to(w, ending::settled, refusal::none, 0);
  return true;
}

bool owner::settle_noted(waiter& w, const note& n) {
  switch (n.how) {
  case fate::voided:
    if (n.status == application_down_status)
      answer_to(w, ending::refused, refusal::application_down, n.status);
    else
      answer_to(w, w.call != 0 ? ending::application : ending::settled,
                refusal::none, n.status);
    return true;
  case fate::repeated: {
    w.first = n.first;
    w.call = 0;
    if (const auto* first = find(s_.shared, n.first))
      return settle_noted(w, *first);
    if (find_open(s_.shared, n.first) != nullptr
        || stood(s_.shared, n.first, n.does))
      return settle_done(w);
    answer_to(w, ending::open, refusal::none, 0);
    return true;
  }
  case fate::stands:
  case fate::undone:
    return settle_done(w);
  default:
    answer_to(w, ending::refused, why_of(n.how),
              n.how == fate::stale ? w.stale_status : std::uint16_t{0});
    return true;
  }
}

/// Once it is done here, and by all where the client waits for that.
bool owner::settle_done(waiter& w) {
  auto index = w.first != 0 ? w.first : w.index;
  const auto* o = find(s_.site, index);
  auto uncertain = o != nullptr && o->how == site_state::uncertain;
  if (uncertain) {
    answer_to(w, ending::open, refusal::none, 0);
    return true;
  }
  if (s_.site.done < index || (w.until == wait_for::all && !done_by_all(index)))
    return false;
  const auto* n = find(s_.shared, index);
  auto status = o != nullptr && o->status != 0 ? o->status
                : n != nullptr                 ? n->status
                                               : std::uint16_t{0};
  answer_to(w,
            w.call != 0 && w.first == 0 ? ending::application : ending::settled,
            refusal::none, status);
  return true;
}

void owner::age_waiters() {
  auto least = s_.set.group.patience_ticks + 2;
  for (auto& [sequence, w] : s_.waiters)
    if (++w.ticks >= std::max(w.patience, least))
      answer_to(w, ending::open, refusal::none, 0);
  for (auto& r : s_.readers)
    if (++r.ticks >= least)
      answer_read(r, false, refusal::no_quorum);
  std::erase_if(s_.readers, [&](const reader& r) { return r.ticks >= least; });
}

// -- reads -------------------------------------------------------------------

void owner::on(const read_asked& in) {
  reader r{in.token, s_.next_sequence++, std::nullopt, 0};
  auto why = refuses();
  if (why) {
    answer_read(r, false, *why);
    return;
  }
  if (!in.linearizable) {
    r.index = 0;
    s_.readers.push_back(r);
    return;
  }
  s_.readers.push_back(r);
  give(raft::read_asked{r.read});
}

void owner::answer_read(const reader& r, bool granted, refusal why) {
  put(read_answer{r.token, granted, why, s_.site.done, state_of(s_),
                  s_.site.local_id});
}

/// A read sees what was done here up to its index; at a site that is diverged
/// or uncertain before it, it would see something else.
void owner::serve_readers() {
  auto serve = [&](const reader& r) {
    if (!s_.halted.empty() || s_.forgotten || s_.leaving) {
      answer_read(r, false, *refuses());
      return true;
    }
    if (!r.index || s_.site.done < *r.index)
      return false;
    auto untrue = [&](const trouble& t) { return t.index <= *r.index; };
    if (std::ranges::any_of(s_.site.troubles, untrue))
      answer_read(r, false, refusal::none);
    else if (!s_.site.exists)
      answer_read(r, false,
                  s_.shared.ended_at != 0 ? refusal::over : refusal::absent);
    else
      answer_read(r, true, refusal::none);
    return true;
  };
  std::erase_if(s_.readers, serve);
}

} // namespace cheops::replicant
