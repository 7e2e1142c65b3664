#include "actors/box.hpp"

#include <caf/all.hpp>

namespace cheops::support {

using namespace std::chrono_literals;

box::box(caf::actor_system& sys, actors::router& router, std::string kind,
         std::string resource)
  : kind_(std::move(kind)), resource_(std::move(resource)) {
  // An actor without arguments is undefined behaviour inside CAF 0.17.
  auto behave = [](caf::event_based_actor*,
                   const std::shared_ptr<shared>& keep) -> caf::behavior {
    return {
      [keep](actors::delivered& x) {
        std::lock_guard lock{keep->guard};
        keep->all.push_back(std::move(x));
        keep->changed.notify_all();
      },
    };
  };
  actor_ = sys.spawn(behave, shared_);
  if (resource_.empty())
    router.attach(kind_, actor_);
  else
    router.attach(kind_, resource_, actor_);
}

box::~box() {
  caf::scoped_actor self{actor_->home_system()};
  self->monitor(actor_);
  caf::anon_send_exit(actor_, caf::exit_reason::kill);
  self->receive([](const caf::down_msg&) {});
}

std::optional<actors::delivered> box::take() {
  std::unique_lock lock{shared_->guard};
  if (!shared_->changed.wait_for(lock, 30s,
                                 [this] { return !shared_->all.empty(); }))
    return std::nullopt;
  auto x = std::move(shared_->all.front());
  shared_->all.pop_front();
  return x;
}

std::size_t box::size() const {
  std::lock_guard lock{shared_->guard};
  return shared_->all.size();
}

wire::envelope box::to(const std::string& site, const std::string& to_kind,
                       const std::string& to_resource,
                       std::string payload) const {
  wire::envelope x;
  x.to = {site_id{site}, to_kind, to_resource};
  x.from_kind = kind_;
  x.from_resource = resource_;
  x.id = 7;
  x.payload = std::move(payload);
  return x;
}

} // namespace cheops::support
