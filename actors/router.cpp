#include "actors/gateway.hpp"

#include <caf/all.hpp>

#include <map>
#include <set>

namespace cheops::actors {

namespace {

struct router_state {
  static inline const char* name = "router";
  site_id self;
  std::map<std::string, target_actor> local; ///< By kind.
  std::map<site_id, link_actor> links;
  std::set<site_id> known; ///< Linked at some time.
};

using router_ptr = router_actor::stateful_pointer<router_state>;

/// Tells the sender that nobody is at the address. What came back itself is
/// never sent back, so that no two sites play ball.
void return_to_sender(router_ptr self, const delivered& x) {
  auto& st = self->state;
  if (x.envelope.how != wire::delivery::message)
    return;
  auto link = st.links.find(x.origin);
  if (link == st.links.end())
    return;
  wire::envelope back;
  back.how = wire::delivery::no_target;
  back.to = {x.origin, x.envelope.from_kind, x.envelope.from_resource};
  back.from_kind = x.envelope.to.kind;
  back.from_resource = x.envelope.to.resource;
  back.id = x.envelope.id;
  // As a request without a handler for the answer: what does not fit is lost
  // as any frame may be.
  self->request(link->second, caf::infinite, atom::submit_v, std::move(back))
    .then([](handed) {}, [](const caf::error&) {});
}

bool deliver(router_ptr self, delivered& x) {
  auto& st = self->state;
  auto i = st.local.find(x.envelope.to.kind);
  if (i == st.local.end())
    return false;
  self->send(i->second, std::move(x));
  return true;
}

caf::result<handed> submit(router_ptr self, wire::envelope& x) {
  auto& st = self->state;
  if (x.to.site == st.self) {
    delivered here{st.self, std::move(x)};
    return deliver(self, here) ? handed::over : handed::no_target;
  }
  auto i = st.links.find(x.to.site);
  if (i == st.links.end())
    return st.known.contains(x.to.site) ? handed::unreachable
                                        : handed::unknown_site;
  // The link answers in our place; if it has just ended, we do.
  auto promise = self->make_response_promise<handed>();
  self->request(i->second, caf::infinite, atom::submit_v, std::move(x))
    .then([promise](handed how) mutable { promise.deliver(how); },
          [promise](const caf::error&) mutable {
            promise.deliver(handed::unreachable);
          });
  return promise;
}

router_actor::behavior_type router(router_ptr self, const site_id& name) {
  self->state.self = name;
  self->set_error_handler([](caf::error&) {});
  self->set_down_handler([self](const caf::down_msg& down) {
    auto gone = [&](const auto& x) {
      return x.second.address() == down.source;
    };
    std::erase_if(self->state.local, gone);
    std::erase_if(self->state.links, gone);
  });
  return {
    [self](atom::submit, wire::envelope& x) { return submit(self, x); },
    [self](delivered& x) {
      // An envelope for another site is not passed on: a link speaks for
      // its own site only, and to ours only.
      if (x.envelope.to.site != self->state.self || !deliver(self, x))
        return_to_sender(self, x);
    },
    [self](atom::attach, const std::string& kind, const caf::actor& to) {
      self->state.local[kind] = caf::actor_cast<target_actor>(to);
      self->monitor(to);
    },
    [self](atom::linked, const site_id& site, const caf::actor& to) {
      self->state.links[site] = caf::actor_cast<link_actor>(to);
      self->state.known.insert(site);
      self->monitor(to);
    },
    [self](atom::unlinked, const site_id& site, const caf::actor& was) {
      auto i = self->state.links.find(site);
      if (i != self->state.links.end() && i->second.address() == was.address())
        self->state.links.erase(i);
    },
    [self](atom::stop) {
      self->state.local.clear();
      self->state.links.clear();
      self->quit();
    },
  };
}

} // namespace

router_actor spawn_router(caf::actor_system& sys, site_id self) {
  return sys.spawn(router, std::move(self));
}

} // namespace cheops::actors
