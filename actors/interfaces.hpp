#pragma once

#include "actors/receipt.hpp"
#include "actors/tls.hpp"
#include "cheops/mesh/link.hpp"
#include "cheops/mesh/view.hpp"
#include "cheops/site/config.hpp"
#include "cheops/wire/messages.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/fwd.hpp>
#include <caf/io/fwd.hpp>
#include <caf/replies_to.hpp>
#include <caf/type_id.hpp>
#include <caf/typed_actor.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

/// Every actor, message and atom between sites, on one page.
///
///   LISTENER --fork--> LINK (one per connection) --reports--> SUPERVISOR
///                       ^  |                                    |     |
///             envelopes |  | delivered               who is up  |     v
///                       |  v                                    |  GATEWAY
///                      router (router.hpp) <--------------------+     |
///                       ^  |                                          v
///             envelopes |  | delivered                             on_view
///                       |  v
///               other actors of the site
///
/// The router is an object that all share, not an actor: an envelope goes
/// from its sender into the link's mailbox, and from the link into the
/// target's.
///
/// Those of replication are in `replication_interfaces.hpp`.
namespace cheops::actors {

/// What a configuration means to the actors.
struct setup {
  std::shared_ptr<const site::config> config;
  std::shared_ptr<const tls::trust> trust; ///< Null: no TLS, loopback only.
};

/// A connection was accepted; the supervisor may still refuse it.
struct accepted {};

/// What happened at a connection, from LINK to SUPERVISOR.
struct link_report {
  std::uint64_t id = 0; ///< Of the LINK.
  site_id peer;         ///< By certificate or hello; expected before; or empty.
  std::variant<accepted, mesh::link::ready, mesh::link::greeted,
               mesh::link::went_up, mesh::link::measured, mesh::link::gossip,
               mesh::link::compared, mesh::link::close>
    what;
  mesh::link_stats stats; ///< Of this connection so far.
  receipt_ptr receipt;    ///< For gossip.
};

/// What a LINK shall do.
struct link_order {
  mesh::link::input what;
};

/// An envelope for an actor of this site, and the site it came from: the
/// name in the certificate, or our own. One that could not be delivered comes
/// back to its sender: `how` says why, and `origin` is where it was to go.
struct delivered {
  site_id origin;
  wire::envelope envelope;
  receipt_ptr receipt; ///< Keep it while the work is not done.
};

/// All sites as the supervisor sees them, ourselves among them.
struct sites_seen {
  std::shared_ptr<const std::vector<mesh::site>> sites;
  bool urgent = false; ///< A state or a statement changed.
};

struct faults_set {
  mesh::fault_table table;
};

} // namespace cheops::actors

CAF_BEGIN_TYPE_ID_BLOCK(cheops, caf::first_custom_type_id)

CAF_ADD_TYPE_ID(cheops, (cheops::site_id))
CAF_ADD_TYPE_ID(cheops, (cheops::wire::envelope))
CAF_ADD_TYPE_ID(cheops, (cheops::actors::setup))
CAF_ADD_TYPE_ID(cheops, (cheops::actors::link_report))
CAF_ADD_TYPE_ID(cheops, (cheops::actors::link_order))
CAF_ADD_TYPE_ID(cheops, (cheops::actors::delivered))
CAF_ADD_TYPE_ID(cheops, (cheops::actors::sites_seen))
CAF_ADD_TYPE_ID(cheops, (cheops::actors::faults_set))
CAF_ADD_ATOM(cheops, cheops::atom, begin, "begin")
CAF_ADD_ATOM(cheops, cheops::atom, listening, "listening")
CAF_ADD_ATOM(cheops, cheops::atom, submit, "submit")
CAF_ADD_ATOM(cheops, cheops::atom, settle, "settle")
CAF_ADD_ATOM(cheops, cheops::atom, push_out, "pushout")
CAF_ADD_ATOM(cheops, cheops::atom, redial, "redial")
CAF_ADD_ATOM(cheops, cheops::atom, wake, "wake")
CAF_ADD_ATOM(cheops, cheops::atom, cut_off, "cutoff")
CAF_ADD_ATOM(cheops, cheops::atom, stop, "stop")

CAF_END_TYPE_ID_BLOCK(cheops)

// None of these leaves the process: between sites go frames of our codec.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::site_id)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::wire::envelope)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::setup)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::link_report)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::link_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::delivered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::sites_seen)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(cheops::actors::faults_set)

namespace cheops::actors {

/// A LINK is one connection to another site: a caf::io broker that runs
/// mesh::link over TLS. (Messages carry it as caf::actor.)
using link_actor = caf::typed_actor<
  // From the SUPERVISOR.
  caf::reacts_to<link_order>,
  // From the SUPERVISOR, after a reload: new times and bounds, and the end
  // if the new certificates no longer trust the peer's.
  caf::reacts_to<setup>,
  // From the router; what cannot go comes back through it.
  caf::reacts_to<atom::submit, wire::envelope>,
  // Its own heartbeat; the only timer of a link that is up.
  caf::reacts_to<caf::tick_atom>,
  // Its own, after all that is in its mailbox now: what these messages gave
  // to write goes to the socket together.
  caf::reacts_to<atom::push_out>,
  // From the ledger: this site has done with messages of the peer.
  caf::reacts_to<atom::settle>,
  // Its own timer: a delayed frame is due.
  caf::reacts_to<atom::wake>,
  // Its own timer: shut the socket, whatever has not left.
  caf::reacts_to<atom::stop>>;

/// The LISTENER accepts connections and makes each a LINK.
using listener_actor = caf::typed_actor<
  // For those that it accepts from now on.
  caf::reacts_to<setup>,
  // The last message of its life.
  caf::reacts_to<atom::stop>>;

/// Whoever wants the envelopes of a kind.
using target_actor = caf::typed_actor<caf::reacts_to<delivered>>;

/// The GATEWAY is the boundary to the data plane: it makes snapshots of what
/// the supervisor tells and calls `on_view`.
using gateway_actor = caf::typed_actor<
  // The sites as they are now.
  caf::reacts_to<sites_seen>,
  // The last message of its life.
  caf::reacts_to<atom::stop>>;

/// The SUPERVISOR knows the sites (mesh::membership) and has a link to each
/// (mesh::peering); it starts and ends the LINKs.
using supervisor_actor = caf::typed_actor<
  // The LISTENER, which accepts for it.
  caf::reacts_to<atom::listening, caf::actor>,
  // What happened at a connection, with the LINK itself.
  caf::reacts_to<link_report, caf::actor>,
  // Its own timer, for one site.
  caf::reacts_to<atom::redial, site_id>,
  // Its own timer: an attempt under an injected cut got nowhere.
  caf::reacts_to<atom::cut_off, site_id, std::uint64_t>,
  // Injected faults, as a whole.
  caf::reacts_to<faults_set>,
  // A new configuration, checked already; answers when it is in force.
  caf::replies_to<setup>::with<caf::ok_atom>,
  // Say goodbye to all; ends when the last LINK has.
  caf::reacts_to<atom::stop>>;

} // namespace cheops::actors
