#pragma once

#include "actors/router.hpp"

#include <caf/actor_system.hpp>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace cheops::support {

/// A target of envelopes that keeps what it gets, until a test takes it.
class box {
public:
  /// Attached to a kind, or to one resource of it.
  box(caf::actor_system& sys, actors::router& router, std::string kind,
      std::string resource = {});
  /// The target ends, and is forgotten by the router.
  ~box();
  box(const box&) = delete;
  box& operator=(const box&) = delete;

  /// The next; nothing if none comes in half a minute.
  [[nodiscard]] std::optional<actors::delivered> take();

  [[nodiscard]] std::size_t size() const;

  /// An envelope from this box.
  [[nodiscard]] wire::envelope to(const std::string& site,
                                  const std::string& to_kind,
                                  const std::string& to_resource,
                                  std::string payload = {}) const;

  [[nodiscard]] const caf::actor& actor() const { return actor_; }

private:
  struct shared {
    std::mutex guard;
    std::condition_variable changed;
    std::deque<actors::delivered> all;
  };

  const std::string kind_;
  const std::string resource_;
  const std::shared_ptr<shared> shared_ = std::make_shared<shared>();
  caf::actor actor_;
};

} // namespace cheops::support
