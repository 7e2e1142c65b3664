#include "actors/site_under_test.hpp"

namespace cheops::support {

site::config config_of(const std::string& name) {
  site::config x;
  x.name = site_id{name};
  x.link.listen = {"127.0.0.1", free_port()};
  x.peer_front.listen = {"127.0.0.1", 1};
  // What a link takes is then bound by entry_bytes alone.
  x.bounds.replicant_bytes = 1;
  return x;
}

void declare(site::config& to, const site::config& of) {
  to.peers.push_back({of.name, of.link.listen, {}});
}

site_under_test::site_under_test(const site::config& with) : config(with) {
  actors::node_events events;
  events.on_view = [this](mesh::view_ptr x) {
    std::lock_guard lock{guard_};
    views_.push_back(std::move(x));
    changed_.notify_all();
  };
  events.on_fatal = [this](error x) {
    std::lock_guard lock{guard_};
    fatal_.push_back(std::move(x));
  };
  node = actors::local_node::start(std::make_shared<site::config>(with),
                                   {service_id{"A"}}, std::move(events))
           .value();
}

site_under_test::~site_under_test() {
  node.reset();
}

bool site_under_test::until(
  const std::function<bool(const mesh::view&)>& is_so) {
  std::unique_lock lock{guard_};
  return changed_.wait_for(lock, std::chrono::seconds{30}, [&] {
    if (views_.empty() || !is_so(*views_.back()))
      return false;
    waited_for_ = views_.size() - 1;
    return true;
  }) && fatal_.empty();
}

bool site_under_test::saw(const std::function<bool(const mesh::view&)>& is_so) {
  std::unique_lock lock{guard_};
  return changed_.wait_for(lock, std::chrono::seconds{30}, [&] {
    for (auto i = waited_for_; i < views_.size(); ++i)
      if (is_so(*views_[i])) {
        waited_for_ = i;
        return true;
      }
    return false;
  }) && fatal_.empty();
}

bool site_under_test::until(const std::string& name, mesh::reach state) {
  return until([&](const mesh::view& v) {
    const auto* s = v.find(site_id{name});
    return s != nullptr && s->state == state;
  });
}

mesh::site site_under_test::see(const std::string& name) const {
  const auto* s = node->view()->find(site_id{name});
  return s == nullptr ? mesh::site{} : *s;
}

} // namespace cheops::support
