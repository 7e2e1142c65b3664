#include "cheops/mesh/peering.hpp"

#include <algorithm>
#include <cassert>

namespace cheops::mesh::peering {

namespace {

using effects = std::vector<effect>;

/// Dials that have not ended: with a new one each interval, more than these
/// means that each takes longer than anything that could still succeed.
constexpr std::size_t connections_max = 16;

connection* find(state& self, std::uint64_t id) {
  auto i = std::ranges::find(self.all, id, &connection::id);
  return i == self.all.end() ? nullptr : &*i;
}

connection* upper(state& self) {
  auto i = std::ranges::find(self.all, stage::up, &connection::stage);
  return i == self.all.end() ? nullptr : &*i;
}

template <class Predicate>
void finish_where(state& self, Predicate which, wire::farewell why,
                  const std::string& text, effects& out) {
  for (const auto& x : self.all)
    if (which(x))
      out.emplace_back(finish{x.id, why, text});
  std::erase_if(self.all, which);
}

/// Begins a dial if it is time, and sees to it that the next will come.
void pursue(state& self, instant now, effects& out) {
  if (!self.wanted || self.armed || upper(self) != nullptr)
    return;
  auto next = self.last_dial ? *self.last_dial + dial_interval : now;
  if (next <= now) {
    if (self.all.size() < connections_max) {
      ++self.dials;
      out.emplace_back(dial{});
    }
    self.last_dial = now;
    next = now + dial_interval;
  }
  self.armed = true;
  out.emplace_back(retry{next - now});
}

void go_down(state& self, const std::string& why, effects& out) {
  self.last_error = why;
  if (self.seen == reach::up)
    ++self.times_down;
  if (self.seen == reach::down)
    return;
  self.seen = reach::down;
  out.emplace_back(went_down{why});
}

std::string who(const wire::hello& x) {
  return "store " + x.store + ", incarnation " + std::to_string(x.incarnation);
}

void on(state& self, const wanted& in, instant now, effects& out) {
  self.wanted = in.yes;
  pursue(self, now, out);
}

void on(state& self, const dial_due&, instant now, effects& out) {
  self.armed = false;
  pursue(self, now, out);
}

void on(state& self, const dialled& in, instant now, effects&) {
  self.all.push_back({in.id, role::dialled, stage::dialling, now, {}});
}

void on(state& self, const ready& in, instant now, effects& out) {
  auto* mine = find(self, in.id);
  if (mine == nullptr)
    return;
  auto holds = [&](const connection& x) {
    return x.stage == stage::up
           || (x.stage != stage::dialling && now - x.since < greeting_patience);
  };
  if (std::ranges::any_of(self.all, holds)) {
    out.emplace_back(finish{in.id, wire::farewell::crossing,
                            "another connection is further on"});
    std::erase_if(self.all, [&](const auto& x) { return x.id == in.id; });
    return;
  }
  mine->stage = stage::greeting;
  mine->since = now;
  finish_where(
    self,
    [&](const connection& x) {
      return x.id != in.id && x.stage != stage::dialling;
    },
    wire::farewell::crossing, "a newer connection takes its place", out);
  out.emplace_back(permit{in.id});
}

/// Why a hello that came in must be refused; nothing if it need not.
std::optional<finish> objection(state& self, const greeted& in, effects& out) {
  const auto* now_up = upper(self);
  if (now_up != nullptr && now_up->hello) {
    const auto& held = *now_up->hello;
    if (in.hello.store != held.store
        || in.hello.incarnation < held.incarnation) {
      auto text = "two processes run as site " + self.peer.value + ": one ("
                  + who(held) + ") is linked, another (" + who(in.hello)
                  + ") asks for a link; stop one of them";
      out.emplace_back(conflict{text});
      self.last_error = text;
      return finish{in.id, wire::farewell::duplicate, text};
    }
    // It has restarted; the link to the process that was is dead.
    if (in.hello.incarnation > held.incarnation)
      return std::nullopt;
  }
  // Of two dials that cross, the one of the smaller name stays. We said
  // hello on ours before this one came, so the peer will take ours.
  auto ours = [](const connection& x) {
    return x.as == role::dialled && x.stage != stage::dialling;
  };
  if (self.self < self.peer && std::ranges::any_of(self.all, ours))
    return finish{in.id, wire::farewell::crossing,
                  "the connection of the other side stays"};
  return std::nullopt;
}

void on(state& self, const greeted& in, instant now, effects& out) {
  if (auto no = objection(self, in, out)) {
    out.emplace_back(std::move(*no));
    return;
  }
  // The peer says hello only while it has no link, so this one replaces all;
  // one that is up here is kept till the new one is confirmed.
  finish_where(
    self, [](const connection& x) { return x.stage != stage::up; },
    wire::farewell::crossing, "the connection of the other side stays", out);
  self.all.push_back({in.id, role::accepted, stage::admitted, now, in.hello});
  out.emplace_back(permit{in.id});
}

void on(state& self, const opened& in, instant now, effects& out) {
  auto* mine = find(self, in.id);
  if (mine == nullptr)
    return;
  const auto* before = upper(self);
  auto restarted = before != nullptr && before->hello
                   && before->hello->incarnation != in.hello.incarnation;
  mine->stage = stage::up;
  mine->since = now;
  mine->hello = in.hello;
  finish_where(
    self, [&](const connection& x) { return x.id != in.id; },
    wire::farewell::crossing, "another connection of the two is up", out);
  if (restarted)
    go_down(self, "the site has restarted", out);
  self.seen = reach::up;
  out.emplace_back(went_up{in.id, in.hello});
}

void on(state& self, const closed& in, instant now, effects& out) {
  auto* gone = find(self, in.id);
  if (gone == nullptr)
    return;
  auto crossed = in.said == wire::farewell::crossing;
  auto was = *gone;
  std::erase_if(self.all, [&](const auto& x) { return x.id == in.id; });
  if (was.stage == stage::up
      || (was.as == role::dialled && !crossed && upper(self) == nullptr))
    go_down(self, in.why, out);
  pursue(self, now, out);
}

void on(state& self, const removed&, instant, effects& out) {
  self.wanted = false;
  finish_where(
    self, [](const connection&) { return true; }, wire::farewell::removed,
    "the site was taken out of the configuration", out);
  go_down(self, "taken out of the configuration", out);
}

} // namespace

const connection* current(const state& self) {
  auto i = std::ranges::find(self.all, stage::up, &connection::stage);
  return i == self.all.end() ? nullptr : &*i;
}

std::vector<effect> step(state& self, const input& in, instant now) {
  effects out;
  std::visit([&](const auto& x) { on(self, x, now, out); }, in);
  // At most one connection is up, and `seen` says the same.
  assert(std::ranges::count(self.all, stage::up, &connection::stage)
         == (self.seen == reach::up ? 1 : 0));
  return out;
}

} // namespace cheops::mesh::peering
