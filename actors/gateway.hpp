#pragma once

#include "actors/interfaces.hpp"
#include "actors/node.hpp"

#include <caf/actor_system.hpp>

#include <functional>
#include <memory>
#include <mutex>

namespace cheops::actors {

/// The newest snapshot, for readers on any thread.
class newest_view {
public:
  explicit newest_view(mesh::view_ptr first) : view_(std::move(first)) {}
  [[nodiscard]] mesh::view_ptr load() const {
    std::lock_guard lock{guard_};
    return view_;
  }
  void store(mesh::view_ptr x) {
    std::lock_guard lock{guard_};
    view_ = std::move(x);
  }

private:
  mutable std::mutex guard_;
  mesh::view_ptr view_;
};

[[nodiscard]] gateway_actor
spawn_gateway(caf::actor_system& sys, std::shared_ptr<newest_view> view,
              std::function<void(mesh::view_ptr)> on_view);

} // namespace cheops::actors
