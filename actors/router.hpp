#pragma once

#include "actors/interfaces.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace cheops::actors {

/// Brings envelopes to the actor or the link that they name. An actor is
/// addressed by (site, kind, resource), wherever it is.
///
/// One object for all actors of a site. Any thread may call; no call waits
/// for anything but a short lock. Envelopes of one sender to one target keep
/// their order while the link stays up. What cannot be delivered comes back
/// to the sender's own address (from_kind, from_resource), if somebody is
/// there, with the reason in `how`; what came back never does so again.
class router : public std::enable_shared_from_this<router> {
public:
  [[nodiscard]] static std::shared_ptr<router> make(site_id self);

  [[nodiscard]] const site_id& self() const noexcept { return self_; }

  /// All envelopes of a kind go to this target_actor until it ends, but for
  /// those whose resource has an actor of its own.
  void attach(const std::string& kind, const caf::actor& to);
  /// The envelopes of one resource.
  void attach(const std::string& kind, const std::string& resource,
              const caf::actor& to);
  /// Before its end: it takes no more. What it has in its mailbox it keeps.
  void detach(const std::string& kind, const std::string& resource,
              const caf::actor_addr& was);

  /// A site's envelopes go to this LINK from now on …
  void linked(const site_id& site, const caf::actor& link);
  /// … and no longer.
  void unlinked(const site_id& site, const caf::actor_addr& was);

  /// From an actor of this site.
  void post(wire::envelope x);
  /// From a link, with the site it came from.
  void deliver(delivered x);
  /// From who had it: it cannot go, and this is why.
  void give_back(wire::envelope x, wire::delivery why);

  /// From now on nobody is at any address.
  void close();

private:
  struct kind_entry {
    target_actor all;
    std::unordered_map<std::string, target_actor> each; ///< By resource.
  };

  explicit router(site_id self) : self_(std::move(self)) {}

  void forget_with(const caf::actor& target, const std::string& kind,
                   std::optional<std::string> resource);
  void forget(const std::string& kind,
              const std::optional<std::string>& resource,
              const caf::actor_addr& was);
  [[nodiscard]] target_actor target_of(const wire::target& x) const;
  [[nodiscard]] link_actor link_to(const site_id& x) const;

  const site_id self_;
  mutable std::mutex guard_; ///< Of what follows.
  bool closed_ = false;
  std::unordered_map<std::string, kind_entry> kinds_;
  std::unordered_map<std::string, link_actor> links_; ///< By site.
};

} // namespace cheops::actors
