#include "actors/router.hpp"

#include <caf/all.hpp>

namespace cheops::actors {

std::shared_ptr<router> router::make(site_id self) {
  return std::shared_ptr<router>{new router{std::move(self)}};
}

// Handles that are let go of may be the last of their actor, whose end calls
// `forget`: so they go when the lock has gone.

void router::attach(const std::string& kind, const caf::actor& to) {
  auto target = caf::actor_cast<target_actor>(to);
  {
    std::lock_guard lock{guard_};
    std::swap(kinds_[kind].all, target);
  }
  forget_with(to, kind, std::nullopt);
}

void router::attach(const std::string& kind, const std::string& resource,
                    const caf::actor& to) {
  auto target = caf::actor_cast<target_actor>(to);
  {
    std::lock_guard lock{guard_};
    std::swap(kinds_[kind].each[resource], target);
  }
  forget_with(to, kind, resource);
}

void router::detach(const std::string& kind, const std::string& resource,
                    const caf::actor_addr& was) {
  forget(kind, resource, was);
}

// For an actor that has ended already this calls at once: not under the lock.
void router::forget_with(const caf::actor& target, const std::string& kind,
                         std::optional<std::string> resource) {
  target->attach_functor([self = weak_from_this(), addr = target.address(),
                          kind, resource = std::move(resource)] {
    if (auto x = self.lock())
      x->forget(kind, resource, addr);
  });
}

void router::forget(const std::string& kind,
                    const std::optional<std::string>& resource,
                    const caf::actor_addr& was) {
  target_actor gone;
  std::lock_guard lock{guard_};
  auto i = kinds_.find(kind);
  if (i == kinds_.end())
    return;
  auto& [all, each] = i->second;
  if (!resource && all && all.address() == was)
    std::swap(all, gone);
  if (resource)
    if (auto j = each.find(*resource);
        j != each.end() && j->second.address() == was) {
      std::swap(j->second, gone);
      each.erase(j);
    }
  if (!all && each.empty())
    kinds_.erase(i);
}

void router::linked(const site_id& site, const caf::actor& link) {
  auto actor = caf::actor_cast<link_actor>(link);
  std::lock_guard lock{guard_};
  if (!closed_)
    std::swap(links_[site.value], actor);
}

void router::unlinked(const site_id& site, const caf::actor_addr& was) {
  std::lock_guard lock{guard_};
  auto i = links_.find(site.value);
  if (i != links_.end() && i->second.address() == was)
    links_.erase(i);
}

target_actor router::target_of(const wire::target& x) const {
  std::lock_guard lock{guard_};
  auto i = kinds_.find(x.kind);
  if (closed_ || i == kinds_.end())
    return {};
  auto j = i->second.each.find(x.resource);
  return j == i->second.each.end() ? i->second.all : j->second;
}

link_actor router::link_to(const site_id& x) const {
  std::lock_guard lock{guard_};
  auto i = links_.find(x.value);
  return i == links_.end() ? link_actor{} : i->second;
}

void router::post(wire::envelope x) {
  if (x.to.site == self_)
    return deliver({self_, std::move(x), nullptr});
  if (auto link = link_to(x.to.site))
    caf::anon_send(link, atom::submit_v, std::move(x));
  else
    give_back(std::move(x), wire::delivery::unreachable);
}

// An envelope for another site is not passed on: a link speaks for its own
// site only, and to ours only.
void router::deliver(delivered x) {
  if (x.envelope.to.site == self_)
    if (auto to = target_of(x.envelope.to)) {
      caf::anon_send(to, std::move(x));
      return;
    }
  if (x.origin == self_)
    return give_back(std::move(x.envelope), wire::delivery::no_target);
  if (x.envelope.how != wire::delivery::message)
    return;
  wire::envelope back;
  back.how = wire::delivery::no_target;
  back.to = {x.origin, std::move(x.envelope.from_kind),
             std::move(x.envelope.from_resource)};
  back.from_kind = std::move(x.envelope.to.kind);
  back.from_resource = std::move(x.envelope.to.resource);
  back.id = x.envelope.id;
  post(std::move(back));
}

void router::give_back(wire::envelope x, wire::delivery why) {
  if (x.how != wire::delivery::message)
    return;
  wire::target sender{self_, std::move(x.from_kind),
                      std::move(x.from_resource)};
  auto to = target_of(sender);
  if (!to)
    return;
  delivered back;
  back.origin = std::move(x.to.site);
  back.envelope.how = why;
  back.envelope.to = std::move(sender);
  back.envelope.from_kind = std::move(x.to.kind);
  back.envelope.from_resource = std::move(x.to.resource);
  back.envelope.id = x.id;
  caf::anon_send(to, std::move(back));
}

void router::close() {
  decltype(kinds_) kinds;
  decltype(links_) links;
  std::lock_guard lock{guard_};
  closed_ = true;
  std::swap(kinds_, kinds);
  std::swap(links_, links);
}

} // namespace cheops::actors
