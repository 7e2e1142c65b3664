#pragma once

#include "cheops/ports.hpp"
#include "cheops/raft/types.hpp"
#include "cheops/replicant/generations.hpp"
#include "cheops/replicant/site.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// The owner of one replicated resource at one site: everything that can
/// happen to it, and everything that it may ask for, on one page.
namespace cheops::replicant {

using raft::member_id;

/// The shell's own name for who waits for an answer.
using token_id = std::uint64_t;
/// A call of this owner; unique within its session.
using call_id = std::uint64_t;

// -- messages between owners of one replicant --------------------------------

/// Of the group's Raft.
struct raft_part {
  raft::term_id term = 0;
  raft::message_body body;
};
/// The summary of that version is stored here.
struct summary_heard {
  std::uint64_t session = 0;
  std::uint64_t version = 0;
};
/// "I know nothing of that group: say how it began."
struct unknown_group {};
/// "I belong to a group of this id that began otherwise."
struct foreign_group {};
/// "That group is over, and its members may forget it."
struct group_gone {};
/// "You are no member any more, since that entry."
struct farewell {
  index_id at = 0;
  bool remove = true; ///< Your application is to lose the resource.
};
struct farewell_heard {};

using message_body =
  std::variant<raft_part, summary, summary_heard, unknown_group, foreign_group,
               group_gone, farewell, farewell_heard>;

/// What travels; `from.site` is the link's word.
struct message {
  member_id from;
  member_id to;
  std::uint64_t group = 0; ///< `fingerprint` of how the group began.
  /// Until the receiver is known to know it.
  std::optional<birth> born;
  message_body body;
};

// -- inputs ------------------------------------------------------------------

/// How long a client waits.
enum class wait_for : std::uint8_t {
  decided, ///< `Prefer: respond-async`: until it is committed.
  here,    ///< Until the application here has answered.
  all,     ///< `Cheops-Wait: all`: until every site has dealt with it.
};

/// A client of this site asks for a change. Answered once, by `answer`.
struct asked {
  token_id token = 0;
  operation what;
  wait_for until = wait_for::here;
  /// After so long the client is told that the fate is open. At least the
  /// raft's own `patience_ticks` count.
  unsigned patience_ticks = 0;
};

/// May this site's copy be read? Answered once, by `read_answer`.
struct read_asked {
  token_id token = 0;
  bool linearizable = false;
};

/// Change the members. Answered once, by `answer`.
struct scale_asked {
  token_id token = 0;
  /// Stores: voters, and at most one witness. Who is a member stays it.
  raft::configuration members;
  bool remove_at_leavers = true;
};

/// A person settles an entry that made this site `diverged` or `uncertain`.
enum class resolution : std::uint8_t {
  retry,   ///< Call again. (Uncertain: it surely was not done.)
  abandon, ///< Let it be: it is as it should be, or never will be.
  exists,  ///< It was done; `local_id` is what was made.
};
struct resolve_asked {
  token_id token = 0;
  index_id index = 0;
  resolution how = resolution::retry;
  std::string local_id;
};

struct received {
  message what;
};
/// The disk has everything up to that `persist`.
struct stored {
  std::uint64_t sequence = 0;
};

/// How a call ended, as the connector saw it.
enum class call_end : std::uint8_t {
  answered, ///< `status`, and what else is known of the answer.
  not_sent, ///< Not one byte of the request went out.
  cut,      ///< It went out, and no answer came.
};
struct called {
  call_id call = 0;
  call_end how = call_end::answered;
  std::uint16_t status = 0;
  std::string local_id; ///< Of a create.
  digest128 answer;     ///< Of the body.
};

/// What a probe found.
enum class finding : std::uint8_t {
  found,   ///< It was done; `local_id`.
  absent,  ///< It was not.
  nothing, ///< The probe failed: to be tried again.
};
struct probed {
  call_id call = 0;
  finding what = finding::nothing;
  std::uint16_t status = 0;
  std::string local_id;
};

/// Another replicant at this site has dealt with its entries up to `index`;
/// answers `await`.
struct reached {
  meta_id on;
  index_id index = 0;
  std::string local_id;
};

/// Time moves by one.
struct ticked {};
/// A link to that site came up. Of a site there is one store: who is a member
/// by another one was lost with its disk.
struct reachable {
  site_id site;
  std::string store; ///< That it has now; empty: not known.
};
/// The shell has forgotten what it was told to.
using input =
  std::variant<asked, read_asked, scale_asked, resolve_asked, received, stored,
               called, probed, reached, ticked, reachable>;

// -- effects -----------------------------------------------------------------

/// What must survive a crash, whole. Carried out in order; answered by
/// `stored` once it is synced, which may cover several.
struct persist {
  std::uint64_t sequence = 0;
  ports::batch what;
};

/// May be lost, doubled, overtaken.
struct send {
  message what;
};

/// Call the application, with the site's own identity on behalf of
/// `principal`. Answered once, by `called`, unless the process ends.
struct call {
  call_id id = 0;
  operation_id operation; ///< A key that the application may enforce: of the
                          ///< operation, and of the time as a member.
  index_id index = 0;
  change does = change::create;
  service_id service;
  std::string kind;
  std::string principal;
  templated request; ///< With this site's ids; `slots` is empty.
  /// Other sites that may have written it, `principal` included: who is a
  /// member, or speaks as one. Filled in by the shell.
  std::vector<site_id> writers = {};
};

/// Find out whether a call did its work. Answered once, by `probed`.
struct probe {
  call_id id = 0;
  operation_id operation;
  service_id service;
  std::string kind;
  std::string principal;
  templated request;
  std::vector<site_id> writers = {}; ///< As of a call.
};

/// Say `reached` when that replicant is, at this site, as far as that. What
/// is not there yet may come; the owner gives up by itself.
struct await {
  meta_id on;
  index_id index = 0;
};

/// How a client's request ended.
enum class ending : std::uint8_t {
  application, ///< As the application here answered: `status`, `call`.
  settled,     ///< Done (or refused) with `status`; no answer at hand: it came
               ///< before a crash, by a probe, or is a retry's.
  accepted,    ///< `wait_for::decided`: committed.
  refused,     ///< Surely nothing was or will be done: `why`.
  open,        ///< May be done, or not: look at the operation.
};
/// Why nothing was done.
enum class refusal : std::uint8_t {
  none,
  no_quorum,        ///< 503: it surely was appended nowhere.
  busy,             ///< 503: a bound was hit.
  witness_full,     ///< 503: the witness is at its cap.
  not_member,       ///< 421: this site does not belong to the group.
  too_large,        ///< 413: the entry is above its cap.
  stale,            ///< The operation's `stale_status`.
  key_reused,       ///< 422: the Idempotency-Key is another request's.
  absent,           ///< 404: there is no resource.
  over,             ///< 404, or create it in the next generation.
  foreign,          ///< 409: another group has that name.
  application_down, ///< 503: our own application surely did not run it.
  bad_request,      ///< 400: an id in it cannot be translated.
  bad_change,       ///< 400: that set of members makes no sense.
  halted,           ///< 500: what is stored here cannot be read.
  no_key,           ///< 409: it is sealed, and a site lacks the key.
};
/// How it is at a site, for `Cheops-Sites`.
struct site_line {
  site_id site;
  site_state state = site_state::pending;
  std::uint16_t status = 0; ///< Of its application, where known.
};
struct answer {
  token_id token = 0;
  operation_id operation;
  ending how = ending::open;
  refusal why = refusal::none;
  std::uint16_t status = 0;
  call_id call = 0; ///< Whose answer it is; 0: none.
  std::string local_id;
  index_id index = 0; ///< 0: not known to be in the log.
  std::vector<site_line> sites;
};

struct read_answer {
  token_id token = 0;
  bool granted = false;
  refusal why = refusal::none;
  index_id index = 0; ///< `Cheops-Replicant-Index`: done here up to it.
  site_state state = site_state::ok;
  std::string local_id;
};

/// This site needs the replicant no more: stop the owner and erase what is
/// stored (`erase_all` of storage.hpp), once all before it is stored.
struct forget {
  forgetting how;
  member_id who; ///< Who it was in the group.
};

/// Something for people: events and metrics.
enum class event_kind : std::uint8_t {
  leader,    ///< `text` leads now.
  decided,   ///< `index` got a fate.
  done,      ///< `index` was done here.
  diverged,  ///< `index` was refused here, or (`text`) cannot be read.
  uncertain, ///< Nobody can tell what `index` did here.
  retry,     ///< `index` will be called again.
  overruled, ///< `index` stands without its site's word.
  halted,    ///< What is stored cannot be read.
};
struct event {
  event_kind what = event_kind::leader;
  index_id index = 0;
  std::uint16_t status = 0;
  std::string text;
};

using effect = std::variant<persist, send, call, probe, await, answer,
                            read_answer, forget, event>;

} // namespace cheops::replicant
