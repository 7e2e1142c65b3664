#include "actors/replicants.hpp"

#include "actors/replication_parts.hpp"
#include "cheops/replicant/step.hpp"

#include <algorithm>

namespace cheops::actors {

namespace {

using steady = std::chrono::steady_clock;
using replicant::meta_id;

error not_running() {
  return not_now("the node is starting or stopping", "try again in a moment");
}

/// Lets a question in, unless there are too many or nobody is there.
template <class Question, class Done, class Ask>
void ask(const parts_ptr& parts, Done done, Ask make) {
  if (parts->questions.fetch_add(1) >= parts->plan.questions_max) {
    --parts->questions;
    done(not_now("too many requests wait for replicants",
                 "try again in some seconds"));
    return;
  }
  // Weak: a question holds nobody up who ends.
  auto leave = [in = std::weak_ptr{parts}, done = std::move(done)](auto x) {
    if (auto p = in.lock())
      --p->questions;
    done(std::move(x));
  };
  std::shared_ptr<Question> q = make(std::move(leave));
  if (!parts->way_in.to_owners(question_asked{q}))
    q->answer(not_running());
}

void count(replication_tallies& tally, const result<ports::write_answer>& x,
           steady::time_point since) {
  using replicant::ending;
  auto took = std::chrono::duration_cast<std::chrono::microseconds>(
    steady::now() - since);
  ++tally.writes;
  tally.write_us += static_cast<std::uint64_t>(took.count());
  if (!x || x->how.how == ending::refused)
    ++tally.refused;
  else if (x->how.how == ending::open)
    ++tally.open;
}

template <class Make>
void ask_change(const parts_ptr& parts,
                ports::completion<result<ports::write_answer>> done,
                Make make) {
  if (auto fine = parts->health(); !fine) {
    done(fine.error());
    return;
  }
  auto counted = [to = std::weak_ptr{parts}, since = steady::now(),
                  done = std::move(done)](result<ports::write_answer> x) {
    if (auto p = to.lock())
      count(p->tally, x, since);
    done(std::move(x));
  };
  ask<change_question>(parts, std::move(counted), std::move(make));
}

unsigned ticks_of(std::chrono::milliseconds x, unsigned tick_ms) {
  return static_cast<unsigned>(
    std::min<std::int64_t>((x.count() + tick_ms - 1) / tick_ms, 1U << 30));
}

/// What the site's own records say of one replicant.
void remember(replication_parts& to, const meta_id& meta,
              const replicant::site_record& x) {
  auto worst = replicant::worst(x);
  auto state = worst == replicant::site_state::ok && x.done < x.known
                 ? replicant::site_state::pending
                 : worst;
  to.known[meta].state = state;
  if (x.exists && !x.local_id.empty())
    to.index.put(replicant::key_of_local(x.service, x.kind, x.local_id),
                 {meta, x.done, state});
  if (const auto* create = replicant::unsettled_create(x))
    to.creates.begin(meta, create->service, create->kind, {});
}

result<void> recall(replication_parts& to) {
  using ports::family;
  const auto& store = *to.plan.store;
  auto passing = replicant::load_passing_rows(store);
  if (!passing)
    return passing.error();
  to.passing = std::move(*passing);
  auto fine = replicant::each_replicant(store, [&](const meta_id& x) {
    to.known.emplace(x, known_replicant{});
    return true;
  });
  if (!fine)
    return fine;
  fine = store.scan(family::site, {}, {},
                    [&](std::string_view key, std::string_view value) {
                      auto meta = replicant::meta_of_key(key);
                      auto site = replicant::decode_site(value);
                      // What is damaged is told when it is needed.
                      if (meta && site)
                        remember(to, *meta, *site);
                      return true;
                    });
  if (!fine)
    return fine;
  return store.scan(family::awake, {}, {},
                    [&](std::string_view key, std::string_view) {
                      if (auto meta = replicant::meta_of_key(key))
                        to.to_wake.push_back(*meta);
                      return true;
                    });
}

} // namespace

replicants::replicants(std::shared_ptr<replication_parts> parts)
  : parts_(std::move(parts)) {}

replicants::~replicants() = default;

result<std::shared_ptr<replicants>> replicants::open(replication_plan plan) {
  auto parts = std::make_shared<replication_parts>(std::move(plan));
  if (auto done = recall(*parts); !done)
    return done.error();
  return std::shared_ptr<replicants>{new replicants{std::move(parts)}};
}

std::optional<ports::local_replica>
replicants::find(const service_id& service, std::string_view kind,
                 std::string_view local_id) const {
  return parts_->index.find(service, kind, local_id);
}

bool replicants::any() const noexcept {
  return parts_->index.size() != 0 || !parts_->creates.empty();
}

std::optional<ports::local_replica>
replicants::find(const replicant::natural_key& name) const {
  return parts_->index.find(name);
}

std::optional<ports::open_creates>
replicants::creating(const service_id& service, std::string_view kind,
                     std::string_view name) const {
  return parts_->creates.find(service, kind, name);
}

void replicants::submit(ports::write_request what,
                        ports::completion<result<ports::write_answer>> done) {
  ask_change(parts_, std::move(done), [&](auto leave) {
    auto q = std::make_shared<change_question>(meta_id{}, std::move(leave));
    if (auto* makes = std::get_if<ports::creation>(&what.on))
      q->makes = std::move(*makes);
    else
      q->meta = std::get<meta_id>(what.on);
    replicant::asked in;
    in.what = std::move(what.what);
    in.until = what.until;
    in.patience_ticks = ticks_of(what.patience, parts_->plan.rules.tick_ms);
    q->what = std::move(in);
    return q;
  });
}

void replicants::read_linearizable(
  const meta_id& meta, ports::completion<result<replicant::read_answer>> done) {
  ask<read_question>(parts_, std::move(done), [&](auto leave) {
    return std::make_shared<read_question>(read_ask{meta}, std::move(leave));
  });
}

void replicants::scale(const meta_id& meta, const ports::creation& to,
                       bool remove_at_leavers,
                       ports::completion<result<ports::write_answer>> done) {
  ask_change(parts_, std::move(done), [&](auto leave) {
    auto q = std::make_shared<change_question>(meta, std::move(leave));
    q->what = scale_ask{to, remove_at_leavers};
    return q;
  });
}

void replicants::resolve(const meta_id& meta, replicant::resolve_asked how,
                         ports::completion<result<ports::write_answer>> done) {
  ask_change(parts_, std::move(done), [&](auto leave) {
    auto q = std::make_shared<change_question>(meta, std::move(leave));
    q->what = std::move(how);
    return q;
  });
}

void replicants::list(const ports::list_filter& which,
                      const std::optional<meta_id>& after,
                      std::size_t lines_max,
                      ports::completion<result<ports::list_page>> done) {
  ask<list_question>(parts_, std::move(done), [&](auto leave) {
    return std::make_shared<list_question>(list_ask{which, after, lines_max},
                                           std::move(leave));
  });
}

void replicants::describe(
  const meta_id& meta,
  ports::completion<result<std::optional<ports::replicant_view>>> done) {
  ask<view_question>(parts_, std::move(done), [&](auto leave) {
    return std::make_shared<view_question>(view_ask{meta}, std::move(leave));
  });
}

void replicants::operation(
  const meta_id& meta, const replicant::operation_id& id,
  ports::completion<result<std::optional<ports::operation_view>>> done) {
  ask<operation_question>(parts_, std::move(done), [&](auto leave) {
    return std::make_shared<operation_question>(operation_ask{meta, id},
                                                std::move(leave));
  });
}

ports::feed_page replicants::events(std::uint64_t after,
                                    std::size_t max) const {
  return parts_->feed.behind(after, max);
}

ports::replication_counters replicants::counters() const {
  const auto& x = parts_->tally;
  ports::replication_counters out;
  out.replicants = x.replicants;
  out.awake = x.awake;
  out.pending = x.pending;
  out.diverged = x.diverged;
  out.uncertain = x.uncertain;
  out.elections = x.elections;
  out.decided = x.decided;
  out.done = x.done;
  out.retries = x.retries;
  out.batches = x.batches;
  out.commits = x.commits;
  out.commit_us = x.commit_us;
  out.writes = x.writes;
  out.write_us = x.write_us;
  out.refused = x.refused;
  out.open = x.open;
  out.dropped = x.dropped;
  out.apply_lag =
    static_cast<std::uint64_t>(std::max<std::int64_t>(0, x.apply_lag));
  std::lock_guard lock{x.guard};
  out.behind.assign(x.behind.begin(), x.behind.end());
  return out;
}

result<void> replicants::health() const {
  return parts_->health();
}

} // namespace cheops::actors
