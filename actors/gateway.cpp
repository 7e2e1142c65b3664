#include "actors/gateway.hpp"

#include <caf/all.hpp>

namespace cheops::actors {

namespace {

struct gateway_state {
  static inline const char* name = "gateway";
  std::shared_ptr<newest_view> view;
  std::function<void(mesh::view_ptr)> on_view;
};

using gateway_ptr = gateway_actor::stateful_pointer<gateway_state>;

gateway_actor::behavior_type
gateway(gateway_ptr self, const std::shared_ptr<newest_view>& view,
        const std::function<void(mesh::view_ptr)>& on_view) {
  self->state.view = view;
  self->state.on_view = on_view;
  self->set_error_handler([](caf::error&) {});
  return {
    [self](const sites_seen& x) {
      auto& st = self->state;
      auto last = st.view->load();
      auto next = std::make_shared<mesh::view>();
      next->self = last->self;
      next->version = last->version + 1;
      next->sites = *x.sites;
      st.view->store(next);
      if (st.on_view)
        st.on_view(std::move(next));
    },
    [self](atom::stop) { self->quit(); },
  };
}

} // namespace

gateway_actor spawn_gateway(caf::actor_system& sys,
                            std::shared_ptr<newest_view> view,
                            std::function<void(mesh::view_ptr)> on_view) {
  return sys.spawn(gateway, std::move(view), std::move(on_view));
}

} // namespace cheops::actors
