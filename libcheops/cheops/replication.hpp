#pragma once

#include "cheops/replicant/types.hpp"
#include "cheops/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// The ports between what is replicated and the rest of a node: `replication`
/// (actors/ behind it, the data plane and the admin endpoint in front), and
/// `connector` (glue/ behind it, the owners in front).
namespace cheops::ports {

/// Is called once, from a thread of the callee's own, and returns at once.
/// Also when whoever had the question dies, or the node stops.
template <class T>
using completion = std::function<void(T)>;

// -- connector ---------------------------------------------------------------

/// What the site's application said, for the client who asked here.
struct application_answer {
  std::uint16_t status = 0;
  std::vector<traffic::header> fields; ///< Without those of the connection.
  std::string body;
  bool whole = true; ///< False: the body was over the bound, and is left out.
};
using answer_ptr = std::shared_ptr<const application_answer>;

struct call_result {
  replicant::called what;
  answer_ptr answer; ///< Null: none came.
};

/// The only caller of the site's application for replicants. Calls of one
/// replicant come one after the other: its owner waits for each.
class connector {
public:
  virtual ~connector() = default;

  /// Performs the request. `not_sent` also where a bound on waiting calls is
  /// hit. What is not finished when the connector ends is not completed.
  virtual void call(replicant::call what, completion<call_result> done) = 0;

  /// Runs the probe's request, and says whether it shows what the call makes.
  virtual void probe(replicant::probe what,
                     completion<replicant::probed> done) = 0;
};

// -- replication: changes ----------------------------------------------------

/// A resource that shall be on several sites.
struct creation {
  std::vector<site_id> sites; ///< Of the plan; this site is one of them.
  std::optional<site_id> witness;
  /// The user chose the name, and the application keeps names apart.
  std::optional<replicant::natural_key> key;
  /// Idempotency-Key of a create without a natural key; empty: none.
  std::string retry_key;
};

/// In slots and dependencies of a create, this stands for the new replicant:
/// only `submit` gives it an id.
inline constexpr replicant::meta_id own_meta{};

struct write_request {
  std::variant<creation, replicant::meta_id> on;
  replicant::operation what;
  replicant::wait_for until = replicant::wait_for::here;
  std::chrono::milliseconds patience{0}; ///< 0: the rules' own.
};

struct write_answer {
  replicant::meta_id meta;
  replicant::answer how; ///< `token` and `call` mean nothing here.
  /// With `ending::application`: the application's own answer.
  answer_ptr application;
};

// -- replication: looking ----------------------------------------------------

/// This site's copy, as found by its local id. What it says of the copy is
/// of a moment ago.
struct local_replica {
  replicant::meta_id meta;
  replicant::index_id done = 0; ///< `Cheops-Replicant-Index`.
  replicant::site_state state = replicant::site_state::ok;
};

/// Creates that this site's application may have run, and whose outcome is not
/// known here yet, by the order in which they were called: from 1.
struct open_creates {
  std::uint64_t oldest = 0;
  std::uint64_t newest = 0;
};

/// A site of a replicant, as this one knows it.
struct member_view {
  replicant::member_id id;
  raft::member_role role = raft::member_role::voter;
  replicant::site_state state = replicant::site_state::pending;
  replicant::index_id done = 0;
  std::string local_id;
  std::vector<replicant::outcome> last;
};

struct replicant_line {
  replicant::meta_id meta;
  std::optional<replicant::natural_key> key;
  service_id service;
  std::string kind;
  replicant::site_state state = replicant::site_state::pending; ///< Here.
  std::vector<member_view> members; ///< This site first; no `last`.
};

/// What is unset does not matter.
struct list_filter {
  std::optional<replicant::site_state> state; ///< At this site.
  std::optional<service_id> service;
  std::optional<std::string> kind;
  std::optional<site_id> site; ///< That has a copy.
};

/// May have fewer lines than were asked for, or none, and yet a `next`.
struct list_page {
  std::vector<replicant_line> lines;
  std::optional<replicant::meta_id> next; ///< To go on behind it.
};

/// All that this site knows of one replicant.
struct replicant_view {
  replicant::meta_id meta;
  std::optional<replicant::natural_key> key;
  service_id service;
  std::string kind;
  raft::term_id term = 0;
  std::optional<site_id> leader; ///< As far as known here.
  replicant::index_id last = 0;  ///< Of the log here.
  replicant::index_id commit = 0;
  replicant::index_id applied = 0; ///< Taken from the log.
  replicant::index_id created_at = 0;
  replicant::index_id changed_at = 0;
  replicant::index_id ended_at = 0; ///< 0: it lives.
  std::vector<member_view> members; ///< This site first.
  /// Set: the members are on their way to be these.
  std::optional<raft::configuration> goal;
  std::vector<replicant::trouble> troubles; ///< Of this site.
  std::vector<replicant::note> operations;  ///< The newest.
  std::string halted;                       ///< Why nothing goes on here.
};

struct operation_view {
  replicant::operation_id id;
  bool known = false; ///< False: not decided yet, never, or long ago.
  replicant::note what;
  std::vector<replicant::site_line> sites;
};

/// Something that happened to a replicant at this site.
struct feed_event {
  std::uint64_t sequence = 0; ///< From 1, without gaps.
  std::chrono::system_clock::time_point at;
  replicant::meta_id meta;
  replicant::event what;
};

struct feed_page {
  std::vector<feed_event> events;
  bool missed = false; ///< Some behind `after` are no longer kept.
  std::uint64_t newest = 0;
};

/// Since the start of the process; gauges are of now.
struct replication_counters {
  std::uint64_t replicants = 0; ///< Known here.
  std::uint64_t awake = 0;      ///< Have an owner in memory.
  std::uint64_t pending = 0;    ///< Of `replicants`: those in that state.
  std::uint64_t diverged = 0;
  std::uint64_t uncertain = 0;
  std::uint64_t elections = 0; ///< Times that another leader was seen.
  std::uint64_t decided = 0;   ///< Operations that got a fate.
  std::uint64_t done = 0;      ///< Entries that were run here.
  std::uint64_t retries = 0;
  std::uint64_t batches = 0;   ///< Stored, of all owners.
  std::uint64_t commits = 0;   ///< Synced writes that they took.
  std::uint64_t commit_us = 0; ///< Spent in them.
  std::uint64_t writes = 0;    ///< Of clients, answered.
  std::uint64_t write_us = 0;  ///< From the question to the answer.
  std::uint64_t refused = 0;   ///< … of them: surely nothing was done.
  std::uint64_t open = 0;      ///< … of them: the fate is open.
  std::uint64_t dropped = 0;   ///< Messages of peers, for want of room.
  std::uint64_t apply_lag = 0; ///< Decided entries not yet done here.
  /// Replicants in which that site has not dealt with all that is decided.
  std::vector<std::pair<site_id, std::uint64_t>> behind;
};

/// What a node does for resources on several sites. From any thread but an
/// actor's; nothing here blocks.
class replication {
public:
  virtual ~replication() = default;

  /// False: nothing is replicated here, so that nobody need look. At most two
  /// atomic loads.
  [[nodiscard]] virtual bool any() const noexcept = 0;

  /// One atomic load while nothing is replicated.
  [[nodiscard]] virtual std::optional<local_replica>
  find(const service_id& service, std::string_view kind,
       std::string_view local_id) const = 0;

  /// By the name that its user chose, where it is known by that.
  [[nodiscard]] virtual std::optional<local_replica>
  find(const replicant::natural_key& name) const = 0;

  /// Those of that kind; unset: none, and whatever is not found is no copy.
  /// `name`: where ids are the names that users chose, those of that name
  /// alone; else empty. One atomic load while nothing is created.
  [[nodiscard]] virtual std::optional<open_creates>
  creating(const service_id& service, std::string_view kind,
           std::string_view name) const = 0;

  /// Runs a change. An error means that surely nothing was or will be done:
  /// `io` (the store has failed: 503 until the node is restarted),
  /// `overloaded` (a bound, starting, stopping), `unknown_site` (no store of
  /// a site of the plan is known yet), `bad_request` (this site is not in the
  /// plan). What `replicant::refusal` names comes as an answer.
  virtual void submit(write_request what,
                      completion<result<write_answer>> done) = 0;

  /// Whether this site's copy may be read now. A plain local read needs not
  /// ask: `find` says how far the copy is.
  virtual void
  read_linearizable(const replicant::meta_id& meta,
                    completion<result<replicant::read_answer>> done) = 0;

  /// Brings the replicant to those sites. Errors as of `submit`.
  virtual void scale(const replicant::meta_id& meta, const creation& to,
                     bool remove_at_leavers,
                     completion<result<write_answer>> done) = 0;

  /// A person settles what makes this site diverged or uncertain.
  virtual void resolve(const replicant::meta_id& meta,
                       replicant::resolve_asked how,
                       completion<result<write_answer>> done) = 0;

  /// Replicants behind `after`, in the order of their ids.
  virtual void list(const list_filter& which,
                    const std::optional<replicant::meta_id>& after,
                    std::size_t lines_max,
                    completion<result<list_page>> done) = 0;

  /// Unset: there is no such replicant here.
  virtual void
  describe(const replicant::meta_id& meta,
           completion<result<std::optional<replicant_view>>> done) = 0;

  virtual void
  operation(const replicant::meta_id& meta, const replicant::operation_id& id,
            completion<result<std::optional<operation_view>>> done) = 0;

  /// The events behind `after` that are still kept, the oldest first.
  [[nodiscard]] virtual feed_page events(std::uint64_t after,
                                         std::size_t max) const = 0;

  [[nodiscard]] virtual replication_counters counters() const = 0;

  /// An error: replicated writes are refused, and why.
  [[nodiscard]] virtual result<void> health() const = 0;
};

} // namespace cheops::ports
