#include "cheops/sim/world.hpp"

#include "cheops/ensure.hpp"
#include "cheops/replicant/codec.hpp"
#include "cheops/sim/expected.hpp"

#include <algorithm>
#include <cstdio>

namespace cheops::sim {

namespace {

/// Long enough for every back-off, deadline and settling of a healed world.
constexpr time_us rest_us = 120'000'000;
constexpr unsigned operations_max = 20;
/// A hundred times what a run takes: beyond it, it goes round in circles.
constexpr std::uint64_t events_max = 1'000'000;

bool later(const auto& a, const auto& b) {
  return std::pair{a.at, a.order} > std::pair{b.at, b.order};
}

} // namespace

world::world(const plan& by, bool tells)
  : random(by.seed), plan_(by), tells_(tells) {
  on_broken([](std::string_view what) { throw failure{std::string{what}}; });
  cut_.assign(by.sites * by.sites, 0);
  late_by_.assign(by.sites * by.sites, 0);
  paused_until_.assign(by.sites, 0);
  application_down_until_.assign(by.sites, 0);
  for (unsigned i = 0; i < by.sites; ++i)
    nodes_.push_back(std::make_unique<node>(*this, i, by.enforces));
  for (unsigned i = 0; i < by.resources; ++i)
    resources_.push_back({{}, "thing" + std::to_string(i)});
}

world::~world() {
  on_broken(nullptr);
}

void world::fail(const std::string& what) const {
  throw failure{what};
}

void world::add_line(const std::string& text) {
  char stamp[32];
  std::snprintf(stamp, sizeof stamp, "%10.3f ms  ",
                static_cast<double>(now_) / 1000);
  story_ += stamp + text + "\n";
}

void world::tell_owners() {
  for (const auto& n : nodes_)
    for (const auto& x : n->owners())
      tell([&] { return to_string(x.first) + " at " + words(*x.second); });
}

unsigned world::number_of(const site_id& x) const {
  for (unsigned i = 0; i < sites(); ++i)
    if (at(i).id().site == x)
      return i;
  fail("no site of the name " + x.value);
}

std::set<std::uint64_t> world::tags_of(const meta_id& meta) const {
  std::set<std::uint64_t> out;
  for (const auto& r : seen.requests)
    if (r.meta == meta)
      out.insert(r.tag);
  return out;
}

bool world::is_witness(unsigned site) const {
  return plan_.witness && site + 1 == sites();
}

// -- time --------------------------------------------------------------------

void world::after(time_us delay, std::function<void()> what) {
  events_.push_back({now_ + delay, next_order_++, std::move(what)});
  std::ranges::push_heap(events_, later<event, event>);
}

void world::after_at(unsigned site, time_us delay, std::function<void()> what) {
  after(delay, [this, site, what = std::move(what)]() mutable {
    if (paused_until_[site] > now_)
      after_at(site, paused_until_[site] - now_, std::move(what));
    else
      what();
  });
}

bool world::step_once(time_us end) {
  if (events_.empty() || events_.front().at > end)
    return false;
  if (++done_ > events_max)
    fail("goes round in circles");
  std::ranges::pop_heap(events_, later<event, event>);
  auto next = std::move(events_.back());
  events_.pop_back();
  now_ = next.at;
  next.what();
  return true;
}

void world::run_until(time_us end) {
  while (step_once(end)) {
  }
  now_ = std::max(now_, end);
}

void world::run() {
  for (auto& n : nodes_)
    n->start();
  for (unsigned i = 0; i < plan_.clients; ++i)
    client(i);
  if (plan_.fault_every_us > 0)
    disturb();
  if (plan_.scales || plan_.lost_disks)
    operate();
  run_until(plan_.run_us);
  heal();
  auto end = now_ + rest_us;
  // The operator looks again when nothing else happens.
  for (unsigned n = 0; n < operations_max; ++n) {
    replace_lost();
    if (!step_once(end))
      break;
    while (step_once(end)) {
    }
  }
  if (!events_.empty()) {
    std::string who;
    for (const auto& n : nodes_)
      for (const auto& [meta, s] : n->owners())
        if (replicant::is_awake(*s))
          who += " " + n->id().site.value + "/" + to_string(meta);
    fail("does not come to rest:" + who);
  }
  last_reads();
}

void world::need_tick(unsigned site) {
  auto& n = at(site);
  if (n.ticking || !n.up() || !n.awake())
    return;
  n.ticking = true;
  after_at(site, tick_us * n.skew / 1000, [this, site] {
    at(site).ticking = false;
    at(site).tick();
    need_tick(site);
  });
}

// -- network -----------------------------------------------------------------

void world::transmit(unsigned from, const meta_id& meta,
                     const replicant::message& x) {
  auto to = number_of(x.to.site);
  // A link that is down takes nothing; one that is up may still lose it.
  if (cut(from, to) || (!healed_ && random.per_mille(plan_.lost)))
    return;
  auto copies = !healed_ && random.per_mille(plan_.twice) ? 2 : 1;
  for (; copies > 0; --copies) {
    auto delay = random.between(plan_.delay_us_min, plan_.delay_us_max)
                 + late_by_[from * sites() + to];
    if (plan_.encodes) {
      after_at(to, delay, [this, from, to, meta, bytes = encode(x)] {
        auto m = replicant::decode_message(bytes, at(from).id().site,
                                           at(to).id().site);
        ensure(m.has_value(), "a message that cannot be read");
        if (!cut(from, to))
          at(to).receive(meta, *m);
      });
      continue;
    }
    after_at(to, delay, [this, from, to, meta, x] {
      if (!cut(from, to))
        at(to).receive(meta, x);
    });
  }
}

// -- applications ------------------------------------------------------------

void world::call(unsigned from, const meta_id& meta, const replicant::call& x) {
  using replicant::call_end;
  const auto& f = plan_.calls;
  auto boot = at(from).boot;
  auto quick = [&] { return random.between(200, plan_.call_us_max); };
  auto hit = [&](unsigned odds) { return !healed_ && random.per_mille(odds); };
  auto give = [this, from, meta, boot](time_us delay, replicant::called out) {
    after_at(from, delay, [this, from, meta, boot, out] {
      at(from).called(boot, meta, out);
    });
  };
  if (application_down_until_[from] > now_ || hit(f.not_sent)) {
    give(quick(), {x.id, call_end::not_sent, 0, {}, {}});
    return;
  }
  if (hit(f.busy) || hit(f.failed)) {
    auto status = random.per_mille(500) && f.busy > 0 ? 429 : 500;
    give(
      quick(),
      {x.id, call_end::answered, static_cast<std::uint16_t>(status), {}, {}});
    return;
  }
  if (hit(f.cut_before)) {
    give(quick(), {x.id, call_end::cut, 0, {}, {}});
    return;
  }
  auto late = hit(f.late);
  auto cuts = hit(f.cut);
  auto fails = hit(f.failed_late);
  // Whatever happens to who waits, what was sent acts within the bound.
  auto most = time_us{plan_.settles_after_ms} * 1000;
  auto acts = late ? random.between(most / 4, most) : quick();
  if (late)
    give(quick() / 4, {x.id, call_end::cut, 0, {}, {}});
  after(acts, [this, from, meta, x, give, late, cuts, fails,
               instance = at(from).app.losses()] {
    if (at(from).app.losses() != instance)
      return; // With the machine that ran it.
    auto said = at(from).app.act(x, now_);
    // A front must not take the new id for one of this site alone.
    if (said.status == 201 && !at(from).knows_of_create(meta))
      fail(at(from).id().site.value + " has made a copy of " + to_string(meta)
           + " and does not know that it may have");
    tell([&] {
      return at(from).id().site.value + "'s application: " + x.request.method
             + " " + x.request.target + " -> " + std::to_string(said.status)
             + " " + said.id
             + (late   ? " (late)"
                : cuts ? " (the answer is lost)"
                       : "");
    });
    if (late)
      return;
    replicant::called out{x.id, call_end::answered, said.status, said.id, {}};
    if (cuts)
      out = {x.id, call_end::cut, 0, {}, {}};
    else if (fails)
      out = {x.id, call_end::answered, 500, {}, {}};
    give(random.between(100, 2'000), out);
  });
}

void world::probe(unsigned from, const meta_id& meta,
                  const replicant::probe& x) {
  auto boot = at(from).boot;
  auto down = application_down_until_[from] > now_
              || (!healed_ && random.per_mille(plan_.calls.not_sent));
  after(random.between(200, plan_.call_us_max), [this, from, meta, boot, x,
                                                 down] {
    auto out = down ? replicant::probed{x.id, {}, 0, {}} : at(from).app.look(x);
    if (down)
      out.what = replicant::finding::nothing;
    tell([&] {
      return at(from).id().site.value + "'s application is probed: "
             + (out.what == replicant::finding::found ? "found " + out.local_id
                : down                                ? "no answer"
                                                      : "absent");
    });
    after_at(from, random.between(100, 2'000), [this, from, meta, boot, out] {
      at(from).probed(boot, meta, out);
    });
  });
}

} // namespace cheops::sim
