#include "cheops/sim/checks.hpp"

#include "cheops/raft/quorum.hpp"
#include "cheops/sim/expected.hpp"

#include <algorithm>

namespace cheops::sim {

namespace {

using replicant::change;
using replicant::ending;
using replicant::fate;
using replicant::site_state;

class checker {
public:
  explicit checker(world& w) : w_(w) {
    for (const auto& [meta, g] : w.seen.groups)
      groups_.emplace(meta, expected_of(w.seen, meta));
  }

  void all() {
    for (const auto& x : w_.seen.requests)
      check_request(x);
    for (const auto& x : w_.seen.reads)
      check_read(x);
    for (unsigned site = 0; site < w_.sites(); ++site)
      check_site(site);
    for (const auto& [meta, g] : groups_)
      check_agreement(meta);
    check_witness();
  }

private:
  struct copy {
    unsigned site = 0;
    const replicant::state* owner = nullptr;
  };

  std::string name(const request_record& x) const {
    return "request " + std::to_string(x.tag) + " ("
           + std::string{to_string(x.does)} + ", asked at "
           + w_.at(x.site).id().site.value + ")";
  }

  const group_record::fact* fact_of(const request_record& x) const {
    auto g = w_.seen.groups.find(x.meta);
    if (g == w_.seen.groups.end())
      return nullptr;
    for (const auto& [index, f] : g->second.fates)
      if (f.id == x.id)
        return &f;
    return nullptr;
  }

  std::vector<copy> copies(const meta_id& meta) {
    std::vector<copy> out;
    for (unsigned site = 0; site < w_.sites(); ++site)
      if (const auto* s = w_.at(site).owner_of(meta))
        out.push_back({site, s});
    return out;
  }

  void check_request(const request_record& x) const;
  void check_accepted(const request_record& x) const;
  void check_refused(const request_record& x) const;
  void check_read(const read_record& x) const;
  void check_linearizable(const read_record& x) const;
  void check_site(unsigned site);
  void check_deeds(unsigned site);
  void check_copy(unsigned site, const meta_id& meta,
                  const replicant::state& s);
  void check_effects(unsigned site, const meta_id& meta,
                     const replicant::state& s) const;
  void check_troubles(unsigned site, const replicant::state& s) const;
  void check_orphans(unsigned site);
  void check_agreement(const meta_id& meta);
  void check_end(const std::vector<copy>& all);
  void check_summaries(const std::vector<copy>& all) const;
  void check_witness();
  std::size_t deeds(unsigned site, std::uint64_t tag) const;
  bool happened(std::uint64_t tag) const;

  world& w_;
  std::map<meta_id, expected> groups_;
};

// -- what clients were told --------------------------------------------------

std::size_t checker::deeds(unsigned site, std::uint64_t tag) const {
  return static_cast<std::size_t>(
    std::ranges::count_if(w_.at(site).app.journal(), [&](const auto& d) {
      return d.tag == tag && !d.undo;
    }));
}

bool checker::happened(std::uint64_t tag) const {
  for (unsigned site = 0; site < w_.sites(); ++site)
    if (deeds(site, tag) > 0)
      return true;
  return false;
}

void checker::check_request(const request_record& x) const {
  if (!x.said) {
    if (!x.dropped)
      w_.fail(name(x) + " was never answered");
    return;
  }
  const auto& a = *x.said;
  auto stands = a.how == ending::application || a.how == ending::settled;
  if (stands && a.status < 400 && a.why == replicant::refusal::none)
    check_accepted(x);
  else if (a.how == ending::refused || stands)
    check_refused(x);
  else if (a.how == ending::accepted && fact_of(x) == nullptr
           && !w_.at(x.site).is_over(x.meta))
    w_.fail(name(x) + " was accepted and has no fate");
}

/// No acknowledged write is lost.
void checker::check_accepted(const request_record& x) const {
  const auto* f = fact_of(x);
  if (f == nullptr)
    w_.fail(name(x) + " was done and never decided");
  if (f->how == fate::repeated)
    return; // The first is checked.
  if (f->how != fate::stands)
    w_.fail(name(x) + " was done, and its fate is "
            + std::string{to_string(f->how)});
  if (x.read_at)
    for (const auto& i : groups_.at(x.meta).items)
      if (i.index > *x.read_at && i.index < x.said->index)
        w_.fail(name(x) + " was done though what it had read was changed");
}

/// Who is told no finds nothing done, anywhere, ever; but for a site whose
/// word came too late, which is shown.
void checker::check_refused(const request_record& x) const {
  const auto* f = fact_of(x);
  if (f != nullptr && f->how == fate::stands) {
    // There was nothing to remove, which is all that was wanted.
    if (x.does == change::remove && x.said->status == 404)
      return;
    const auto& g = w_.seen.groups.at(x.meta);
    if (!g.overruled.contains(x.said->index))
      w_.fail(name(x) + " was refused and stands");
    return;
  }
  auto tried_again =
    std::ranges::any_of(w_.seen.requests, [&](const request_record& other) {
      return other.tag == x.tag && other.id != x.id;
    });
  if (!tried_again && happened(x.tag))
    w_.fail(name(x) + " was refused and done");
}

// -- reads -------------------------------------------------------------------

void checker::check_read(const read_record& x) const {
  if (!x.said) {
    if (!x.dropped)
      w_.fail("a read at " + w_.at(x.site).id().site.value
              + " was never answered");
    return;
  }
  if (!x.said->granted)
    return;
  auto shown = x.said->state == site_state::diverged
               || x.said->state == site_state::uncertain;
  if (!shown) {
    const auto& g = groups_.at(x.meta);
    if (!x.found && !g.may_be_gone(x.said->index))
      w_.fail("a read at " + w_.at(x.site).id().site.value
              + " was granted and found nothing");
    if (x.found && !g.may_be(x.said->index, x.tags))
      w_.fail("a read at " + w_.at(x.site).id().site.value + " of "
              + to_string(x.meta) + " labelled " + std::to_string(x.said->index)
              + " saw what was never so: " + words(x.tags) + " instead of "
              + words(g.at(x.said->index).content));
  }
  if (x.linearizable)
    check_linearizable(x);
}

void checker::check_linearizable(const read_record& x) const {
  auto behind = [&](index_id index, const std::string& what) {
    if (index > x.said->index)
      w_.fail("a linearizable read at " + w_.at(x.site).id().site.value + " of "
              + to_string(x.meta) + " up to " + std::to_string(x.said->index)
              + " misses " + what + " at " + std::to_string(index));
  };
  for (const auto& r : w_.seen.requests)
    if (r.meta == x.meta && r.said && r.answered_at <= x.asked_at
        && (r.said->how == ending::application
            || r.said->how == ending::settled)
        && r.said->status < 400)
      behind(r.said->index, name(r));
  for (const auto& r : w_.seen.reads)
    if (r.meta == x.meta && r.said && r.said->granted && r.linearizable
        && r.answered_at <= x.asked_at) {
      // What the other saw, not how far it was labelled.
      const auto& g = groups_.at(x.meta);
      behind(g.newest_at(r.said->index), "what another read saw");
    }
}

// -- sites -------------------------------------------------------------------

void checker::check_site(unsigned site) {
  check_deeds(site);
  for (const auto& [meta, g] : groups_)
    if (const auto* s = w_.at(site).owner_of(meta))
      check_copy(site, meta, *s);
  check_orphans(site);
}

/// Each effect at most once, and only of what stands. A PUT that is repeated
/// has its effect once if nothing came between.
void checker::check_deeds(unsigned site) {
  std::map<std::uint64_t, const application::deed*> count;
  std::map<std::string, const application::deed*> newest;
  for (const auto& d : w_.at(site).app.journal()) {
    auto [first, fresh] = count.emplace(d.tag, &d);
    auto repeats = w_.of().enforces == enforcement::names
                   && d.does == change::replace
                   && newest[d.id] == first->second;
    if (!d.undo && !fresh && !first->second->undo && !repeats)
      w_.fail("request " + std::to_string(d.tag) + " was done twice at "
              + w_.at(site).id().site.value);
    if (fresh)
      newest[d.id] = &d;
  }
  std::set<std::uint64_t> standing;
  for (const auto& [meta, g] : groups_)
    for (const auto& i : g.items)
      if (i.undoes == 0)
        standing.insert(i.tag);
  for (const auto& [tag, d] : count)
    if (!standing.contains(tag))
      w_.fail("request " + std::to_string(tag) + " does not stand and was done "
              + "at " + w_.at(site).id().site.value);
}

void checker::check_copy(unsigned site, const meta_id& meta,
                         const replicant::state& s) {
  const auto* m = raft::find(s.group.members(), s.self);
  if (m == nullptr || m->role == raft::member_role::witness)
    return;
  auto where = w_.at(site).id().site.value + "'s copy of " + to_string(meta);
  const auto& g = groups_.at(meta);
  if (!s.shared.open.empty())
    w_.fail(where + " has an entry without a fate");
  // What cannot be done is shown.
  auto shown = std::ranges::any_of(
    s.site.troubles, [&](const auto& t) { return t.index == s.doing.index; });
  if (s.doing.now != replicant::phase::idle && !shown)
    w_.fail(where + " has not done all, and sleeps");
  check_effects(site, meta, s);
  check_troubles(site, s);
  if (!s.site.troubles.empty())
    return; // Shown.
  if (s.site.done != s.shared.at)
    w_.fail(where + " has done " + std::to_string(s.site.done) + " of "
            + std::to_string(s.shared.at));
  const auto* t = w_.at(site).app.find(s.site.local_id);
  auto should = g.at(s.shared.at);
  if (s.site.exists != should.exists || (should.exists && t == nullptr))
    w_.fail(where
            + (should.exists ? " lacks the resource" : " has the resource"));
  if (should.exists && t->tags != should.content)
    w_.fail(where + " is " + words(t->tags) + " instead of "
            + words(should.content));
}

/// Each standing entry was done here, or shows why not.
void checker::check_effects(unsigned site, const meta_id& meta,
                            const replicant::state& s) const {
  const auto& g = groups_.at(meta);
  for (const auto& i : g.items) {
    // Whether a removal was needed is seen by what is left.
    if (i.undoes != 0 || g.superseded(i) || i.does == change::remove)
      continue;
    auto n = deeds(site, i.tag);
    auto t =
      std::ranges::find(s.site.troubles, i.index, &replicant::trouble::index);
    auto where = "entry " + std::to_string(i.index) + " of " + to_string(meta)
                 + " (request " + std::to_string(i.tag) + ") at "
                 + w_.at(site).id().site.value;
    if (t != s.site.troubles.end()) {
      if (t->how == site_state::diverged && n != 0)
        w_.fail(where + " was done, and is shown as refused");
      continue;
    }
    auto no_copy = !s.site.exists && !s.site.troubles.empty();
    if (n == 0 && !no_copy)
      w_.fail(where + " was not done, and nothing shows it");
  }
}

/// A site is diverged for a reason.
void checker::check_troubles(unsigned site, const replicant::state& s) const {
  const auto& g = w_.seen.groups.at(s.meta);
  for (const auto& t : s.site.troubles) {
    auto f = g.fates.find(t.index);
    if (t.how != site_state::diverged || f == g.fates.end())
      continue;
    const auto& r = w_.seen.requests[w_.seen.by_operation.at(f->second.id)];
    auto poisoned = std::ranges::any_of(
      r.operation.what.fields, [&](const traffic::header& h) {
        return h.name == "Poison"
               && (h.value == "*" || h.value == w_.at(site).id().site.value);
      });
    auto named = w_.of().natural && t.does == change::create && t.status == 409;
    // What it refers to may have been deleted meanwhile.
    auto parted = t.status == 400 && !r.operation.after.empty();
    auto failed = t.status >= 500 || t.status == 424 || t.status == 0;
    if (!(t.status == 422 && poisoned) && !named && !failed && !parted)
      w_.fail(name(r) + " is diverged at " + w_.at(site).id().site.value
              + " with " + std::to_string(t.status) + " for no reason");
  }
}

/// Nothing is left at an application that no replicant knows.
void checker::check_orphans(unsigned site) {
  auto& n = w_.at(site);
  std::set<std::string> known;
  // What it did not know when it left a group, nobody knows: it was shown.
  auto uncertain = n.lost_track;
  for (const auto& [meta, g] : groups_)
    if (const auto* s = n.owner_of(meta)) {
      if (s->site.exists)
        known.insert(s->site.local_id);
      uncertain =
        uncertain || replicant::worst(s->site) == site_state::uncertain;
    }
  for (const auto& [id, t] : n.app.things())
    if (!known.contains(id) && !uncertain)
      w_.fail(id + " is left at " + n.id().site.value
              + "'s application, and no replicant knows it");
}

// -- groups ------------------------------------------------------------------

void checker::check_agreement(const meta_id& meta) {
  auto all = copies(meta);
  std::erase_if(all, [&](const copy& c) {
    const auto* m = raft::find(c.owner->group.members(), c.owner->self);
    return m == nullptr || m->role == raft::member_role::witness;
  });
  // The newest may be an entry without meaning, such as a new leader's first.
  auto same = [](auto a, const auto& b) {
    a.at = b.at;
    return a == b;
  };
  for (std::size_t i = 1; i < all.size(); ++i)
    if (!same(all[i].owner->shared, all[0].owner->shared))
      w_.fail(w_.at(all[i].site).id().site.value + " and "
              + w_.at(all[0].site).id().site.value + " do not agree on "
              + to_string(meta) + ": up to "
              + std::to_string(all[i].owner->shared.at) + " and "
              + std::to_string(all[0].owner->shared.at));
  check_summaries(all);
  check_end(all);
}

/// What is over with all who can still know is forgotten: nobody waits for a
/// store that is no more.
void checker::check_end(const std::vector<copy>& all) {
  auto done = [](const copy& c) {
    const auto& s = *c.owner;
    return s.shared.ended_at != 0 && s.site.done >= s.shared.ended_at
           && s.site.troubles.empty() && !s.leaving;
  };
  if (!all.empty() && std::ranges::all_of(all, done))
    w_.fail(to_string(all[0].owner->meta) + " is over, and "
            + w_.at(all[0].site).id().site.value + " never forgets it");
}

/// What a site shows of another is how that one is.
void checker::check_summaries(const std::vector<copy>& all) const {
  for (const auto& a : all)
    for (const auto& b : all) {
      if (a.site == b.site || b.owner->site.last.empty())
        continue;
      auto said = a.owner->site.others.find(b.owner->self);
      auto where = w_.at(a.site).id().site.value;
      if (said == a.owner->site.others.end())
        w_.fail(where + " knows nothing of " + b.owner->self.site.value);
      if (said->second.state != replicant::worst(b.owner->site))
        w_.fail(where + " shows " + b.owner->self.site.value + " as "
                + std::string{to_string(said->second.state)} + ", and it is "
                + std::string{to_string(replicant::worst(b.owner->site))});
    }
}

void checker::check_witness() {
  for (unsigned site = 0; site < w_.sites(); ++site) {
    if (!w_.is_witness(site))
      continue;
    if (!w_.at(site).app.journal().empty())
      w_.fail("a witness has called its application");
    (void) w_.at(site).store.scan(
      ports::family::log, {}, {}, [&](std::string_view, std::string_view v) {
        if (v.find("Tag") != std::string_view::npos)
          w_.fail("a witness can read an operation");
        return true;
      });
  }
}

} // namespace

void check(world& x) {
  checker{x}.all();
}

} // namespace cheops::sim
