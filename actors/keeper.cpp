#include "actors/keeper.hpp"

#include "actors/replica_view.hpp"
#include "cheops/replicant/step.hpp"

#include <caf/all.hpp>
#include <spdlog/logger.h>

#include <chrono>
#include <unordered_map>
#include <unordered_set>

namespace cheops::actors {

namespace {

using steady = std::chrono::steady_clock;

/// Replicants that one question may look through: others wait meanwhile.
constexpr std::size_t looked_through_max = 1000;

struct keeper_state {
  static inline const char* name = "keeper";
  parts_ptr parts;
  std::shared_ptr<spdlog::logger> log;
  owners_actor owners;
  bool failed = false;

  // -- what the next commit takes --------------------------------------------
  std::vector<ports::batch> batches;
  std::size_t bytes = 0;
  std::vector<std::pair<caf::actor, std::uint64_t>> waiting;
  std::unordered_map<caf::actor_id, std::size_t> place; ///< In `waiting`.
  std::unordered_set<replicant::meta_id> about; ///< What `batches` change.
  std::vector<replicant::meta_id> erasing;

  replicant::passing_rows passing;

  [[nodiscard]] const ports::store& store() const { return *parts->plan.store; }
};

using keeper_ptr = keeper_actor::stateful_pointer<keeper_state>;

// -- writing -----------------------------------------------------------------

void fail(keeper_ptr self, const error& why) {
  auto& st = self->state;
  st.failed = true;
  st.parts->fail(why);
  st.log->critical("{}; replicated writes are refused from now on",
                   to_string(why));
  if (st.owners)
    self->send(st.owners, store_failed{why});
}

void tell_kept(keeper_ptr self) {
  auto& st = self->state;
  for (const auto& [owner, sequence] : st.waiting)
    self->send(caf::actor_cast<owner_actor>(owner), kept{sequence});
  for (const auto& meta : st.erasing)
    self->send(st.owners, erased{meta});
}

void commit(keeper_ptr self) {
  auto& st = self->state;
  if (!st.batches.empty() && !st.failed) {
    auto from = steady::now();
    auto done = st.parts->plan.store->commit(st.batches);
    auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      steady::now() - from);
    auto& tally = st.parts->tally;
    tally.batches += st.batches.size();
    ++tally.commits;
    tally.commit_us += static_cast<std::uint64_t>(took.count());
    if (done)
      tell_kept(self);
    else
      fail(self, done.error());
  }
  st.batches.clear();
  st.bytes = 0;
  st.waiting.clear();
  st.place.clear();
  st.about.clear();
  st.erasing.clear();
}

/// The message to ourselves comes behind all that waits in the mailbox now:
/// that is what one sync will cover.
void enlist(keeper_ptr self, const replicant::meta_id& meta,
            ports::batch what) {
  auto& st = self->state;
  st.about.insert(meta);
  for (const auto& w : what.writes)
    st.bytes += w.key.size() + (w.value ? w.value->size() : 0);
  if (st.batches.empty())
    self->send(self, atom::commit_v);
  st.batches.push_back(std::move(what));
}

/// Who reads of a replicant sees all that was to be stored of it.
void settle(keeper_ptr self, const replicant::meta_id& meta) {
  if (self->state.about.contains(meta))
    commit(self);
}

void on_keep(keeper_ptr self, keep& x) {
  auto& st = self->state;
  if (st.failed)
    return;
  enlist(self, x.meta, std::move(x.what));
  if (x.owner) {
    auto [i, fresh] = st.place.emplace(x.owner.id(), st.waiting.size());
    if (fresh)
      st.waiting.emplace_back(std::move(x.owner), x.sequence);
    else
      st.waiting[i->second].second = x.sequence;
  }
  if (st.bytes >= st.parts->plan.commit_bytes_max)
    commit(self);
}

/// What is to be erased must be there to be found.
void on_erase(keeper_ptr self, const erase_order& x) {
  auto& st = self->state;
  settle(self, x.meta);
  if (st.failed)
    return;
  auto all = replicant::erase_all(st.store(), x.meta, x.how, st.passing);
  if (!all) {
    fail(self, all.error());
    return;
  }
  all->writes.push_back(
    {ports::family::awake, replicant::key_of(x.meta), std::nullopt});
  enlist(self, x.meta, std::move(*all));
  st.erasing.push_back(x.meta);
}

// -- looking -----------------------------------------------------------------

loaded load(keeper_ptr self, const replicant::meta_id& meta) {
  using found = result<std::optional<replicant::stored_replicant>>;
  auto& st = self->state;
  settle(self, meta);
  auto out = st.failed ? found{st.parts->health().error()}
                       : replicant::load(st.store(), meta);
  return {meta, std::make_shared<found>(std::move(out))};
}

/// The owner as it would wake up; unset: there is no such replicant.
result<std::optional<replicant::state>> dream(const keeper_state& st,
                                              const replicant::meta_id& meta) {
  auto kept = replicant::load(st.store(), meta);
  if (!kept)
    return kept.error();
  if (!*kept)
    return std::optional<replicant::state>{};
  replicant::owner_identity who{meta, {}, 1, 1, st.parts->plan.keys};
  return std::optional{
    replicant::recover_owner(who, std::move(**kept), st.parts->plan.rules)};
}

result<ports::list_page> page(const keeper_state& st, const list_ask& asks) {
  ports::list_page out;
  auto from = asks.after ? replicant::key_of(*asks.after) : std::string{};
  std::size_t looked = 0;
  result<void> fine;
  std::optional<replicant::meta_id> last;
  auto one = [&](std::string_view key, std::string_view value) {
    auto meta = replicant::meta_of_key(key);
    if (!meta || meta == asks.after)
      return true;
    if (looked == looked_through_max || out.lines.size() == asks.lines_max) {
      out.next = last;
      return false;
    }
    ++looked;
    last = meta;
    auto own = replicant::decode_membership(value);
    auto bytes = st.store().get(ports::family::site, key);
    if (!bytes) {
      fine = bytes.error();
      return false;
    }
    auto site = *bytes ? replicant::decode_site(**bytes)
                       : result<replicant::site_record>{};
    if (!own || !site)
      return true; // It is damaged; its owner says so when it is needed.
    auto line = line_of(*meta, *own, *site);
    if (fits(line, asks.which))
      out.lines.push_back(std::move(line));
    return true;
  };
  auto read = st.store().scan(ports::family::group, {}, from, one);
  if (!read)
    return read.error();
  if (!fine)
    return fine.error();
  return out;
}

void look(keeper_ptr self, const std::shared_ptr<list_question>& x) {
  x->answer(page(self->state, x->asks));
}

void look(keeper_ptr self, const std::shared_ptr<view_question>& x) {
  using seen = std::optional<ports::replicant_view>;
  settle(self, x->asks.meta);
  auto is = dream(self->state, x->asks.meta);
  if (!is)
    x->answer(is.error());
  else
    x->answer(*is ? seen{view_of(**is)} : seen{});
}

void look(keeper_ptr self, const std::shared_ptr<operation_question>& x) {
  using seen = std::optional<ports::operation_view>;
  settle(self, x->asks.meta);
  auto is = dream(self->state, x->asks.meta);
  if (!is)
    x->answer(is.error());
  else
    x->answer(*is ? seen{view_of(**is, x->asks.id)} : seen{});
}

// -- the actor ---------------------------------------------------------------

keeper_actor::behavior_type keeper(keeper_ptr self, const parts_ptr& parts,
                                   std::shared_ptr<spdlog::logger> log) {
  self->state.parts = parts;
  self->state.log = std::move(log);
  self->state.passing = std::move(parts->passing);
  self->set_error_handler([](caf::error&) {});
  return {
    [self](keep& x) { on_keep(self, x); },
    [self](atom::load, const replicant::meta_id& meta) {
      return load(self, meta);
    },
    [self](const erase_order& x) { on_erase(self, x); },
    [self](const store_look& x) {
      std::visit([self](const auto& y) { look(self, y); }, x.what);
    },
    [self](atom::begin, const caf::actor& owners) {
      self->state.owners = caf::actor_cast<owners_actor>(owners);
    },
    [self](atom::commit) { commit(self); },
    [self](atom::stop) {
      commit(self);
      self->state.owners = nullptr;
      self->quit();
    },
  };
}

} // namespace

keeper_actor spawn_keeper(caf::actor_system& sys, parts_ptr parts,
                          std::shared_ptr<spdlog::logger> log) {
  return sys.spawn<caf::detached>(keeper, std::move(parts), std::move(log));
}

} // namespace cheops::actors
