#include "actors/node.hpp"

#include "actors/gateway.hpp"
#include "actors/identity.hpp"
#include "actors/keeper.hpp"
#include "actors/link.hpp"
#include "actors/local_node.hpp"
#include "actors/owners.hpp"
#include "actors/router.hpp"
#include "actors/socket.hpp"
#include "actors/supervisor.hpp"
#include "cheops/site/network.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <unistd.h>
#include <utility>

namespace cheops::actors {

namespace {

using namespace std::chrono_literals;

/// Links end within their goodbye_patience; this is for a machine in trouble.
constexpr auto stop_patience = 5s;
constexpr auto reload_patience = 5s;

struct system_config : caf::actor_system_config {
  system_config() {
    load<caf::io::middleman>();
    // An idle node must not wake its cores: the default policy polls.
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{2});
  }
};

error bad(std::string what, std::string hint) {
  return {errc::bad_config,
          std::move(what),
          {},
          "start control plane",
          std::move(hint)};
}

/// Without TLS nobody proves a name: that is for one machine only.
result<void> check(const site::config& x) {
  if (x.name.empty() || x.name.value.size() > wire::name_bytes_max)
    return bad("the site's name is empty or too long", "set `name`");
  for (const auto& p : x.peers)
    if (same_name(p.name.value, x.name.value))
      return bad("the peer " + p.name.value + " has this site's own name",
                 "give each site a name of its own");
  if (!x.tls.empty())
    return {};
  auto outside = [](const mesh::address& a) {
    return a.port != 0 && !site::is_loopback(a.host);
  };
  auto beyond = outside(x.link.listen);
  for (const auto& p : x.peers)
    beyond = beyond || outside(p.link);
  if (beyond)
    return bad("links beyond loopback need TLS",
               "make certificates with `cheops ca`, and set `tls`");
  return {};
}

result<setup> set_up(std::shared_ptr<const site::config> config) {
  if (auto good = check(*config); !good)
    return good.error();
  setup out;
  if (!config->tls.empty()) {
    auto trust = tls::trust::load(config->tls, config->name);
    if (!trust)
      return trust.error();
    out.trust = std::move(*trust);
  }
  out.config = std::move(config);
  return out;
}

std::shared_ptr<newest_view> first_view(const site::config& config,
                                        const identity& who,
                                        const std::vector<service_id>& offers) {
  auto view = std::make_shared<mesh::view>();
  view->self = config.name;
  mesh::site self;
  self.name = config.name;
  self.peer_front = advertised(config.peer_front);
  self.link = advertised(config.link);
  self.incarnation = who.incarnation;
  self.store = who.store;
  self.services = offers;
  self.state = mesh::reach::self;
  self.since = std::chrono::system_clock::now();
  view->sites.push_back(std::move(self));
  for (const auto& peer : config.peers) {
    mesh::site other;
    other.name = peer.name;
    other.link = peer.link;
    other.since = view->sites.front().since;
    view->sites.push_back(std::move(other));
  }
  std::ranges::sort(view->sites, {}, &mesh::site::name);
  return std::make_shared<newest_view>(std::move(view));
}

class running_node final : public local_node {
public:
  running_node(actors::setup setup, identity who,
               std::vector<service_id> services, node_events events, int fd,
               std::shared_ptr<replicants> replicated)
    : who_(std::move(who)),
      events_(std::move(events)),
      replicated_(std::move(replicated)),
      config_(setup.config),
      view_(first_view(*setup.config, who_, services)) {
    start_actors(std::move(setup), std::move(services), fd);
  }

  ~running_node() override { stop(); }

  mesh::view_ptr view() const override { return view_->load(); }

  void publish(mesh::fault_table faults) override {
    std::lock_guard lock{guard_};
    if (supervisor_)
      caf::anon_send(supervisor_, faults_set{std::move(faults)});
  }

  result<void> reload(std::shared_ptr<const site::config> config) override;
  result<void> health() const override;
  void stop() override;

  caf::actor_system& system() noexcept override { return *system_; }
  const std::shared_ptr<actors::router>& router() const noexcept override {
    return router_;
  }

private:
  void start_actors(actors::setup setup, std::vector<service_id> services,
                    int fd);
  void start_owners();
  std::function<void(mesh::view_ptr)> on_view() const;

  /// Tells the process when an actor ends that must not.
  template <class Handle>
  void watch(const Handle& actor, std::string name) {
    auto gone = [running = running_, tell = events_.on_fatal,
                 name = std::move(name)](const caf::error&) {
      if (running->load() && tell)
        tell(error{errc::io,
                   "the actor " + name + " has ended",
                   {},
                   "run control plane",
                   "restart the node, and report it"});
    };
    caf::actor_cast<caf::strong_actor_ptr>(actor)->get()->attach_functor(
      std::move(gone));
  }

  template <class Handle>
  void end(Handle& actor);

  identity who_;
  node_events events_;
  std::shared_ptr<replicants> replicated_; ///< Null: nothing is.
  std::shared_ptr<const site::config> config_;
  std::shared_ptr<newest_view> view_;
  std::shared_ptr<std::atomic<bool>> running_ =
    std::make_shared<std::atomic<bool>>(true);
  /// The LISTENER lives, or there is to be none.
  std::shared_ptr<std::atomic<bool>> listens_ =
    std::make_shared<std::atomic<bool>>(true);
  system_config options_;
  std::unique_ptr<caf::actor_system> system_;
  std::shared_ptr<actors::router> router_;
  keeper_actor keeper_;
  owners_actor owners_;
  gateway_actor gateway_;
  std::mutex guard_; ///< Of `config_` and `supervisor_`, once started.
  supervisor_actor supervisor_;
};

/// When a node's heartbeats beat is its own.
mesh::link::instant any_beat() {
  std::random_device entropy;
  return mesh::link::instant{entropy() % 1'000'000};
}

// OWNERS hears of sites as the rest of the process does.
std::function<void(mesh::view_ptr)> running_node::on_view() const {
  if (!replicated_)
    return events_.on_view;
  return
    [tell = events_.on_view, parts = replicated_->parts()](mesh::view_ptr x) {
      parts->way_in.to_owners(view_seen{x});
      if (tell)
        tell(std::move(x));
    };
}

void running_node::start_owners() {
  auto& sys = *system_;
  const auto& parts = replicated_->parts();
  keeper_ = spawn_keeper(sys, parts, spdlog::default_logger());
  owners_plan plan;
  plan.parts = parts;
  plan.incarnation = who_.incarnation;
  plan.keeper = keeper_;
  plan.router = router_;
  plan.log = spdlog::default_logger();
  owners_ = spawn_owners(sys, std::move(plan));
  watch(keeper_, "keeper");
  watch(owners_, "owners");
  caf::anon_send(owners_, atom::begin_v);
  parts->way_in.open(owners_);
}

// The order in which the actors start; docs/links.md has it, too. An actor
// starts after those that it speaks to.
void running_node::start_actors(actors::setup setup,
                                std::vector<service_id> services, int fd) {
  system_ = std::make_unique<caf::actor_system>(options_);
  auto& sys = *system_;
  // 1. The router: others may attach themselves.
  router_ = router::make(setup.config->name);
  // 2. KEEPER and OWNERS, where the site replicates.
  if (replicated_)
    start_owners();
  // 3. GATEWAY: from now on there are views.
  gateway_ = spawn_gateway(sys, view_, on_view());
  // 4. SUPERVISOR: the dials begin.
  supervisor_plan plan;
  plan.setup = setup;
  plan.hello.site = setup.config->name;
  plan.hello.store = who_.store;
  plan.hello.incarnation = who_.incarnation;
  plan.hello.software = "cheops";
  plan.services = std::move(services);
  plan.gateway = gateway_;
  plan.router = router_;
  plan.beat = any_beat();
  plan.log = spdlog::default_logger();
  auto hello = plan.hello;
  auto beat = plan.beat;
  supervisor_ = spawn_supervisor(sys, std::move(plan));
  // 5. LISTENER: others may come.
  if (fd >= 0) {
    link_plan accepts;
    accepts.rules = link_rules(*setup.config, hello);
    accepts.as = mesh::link::role::accepted;
    accepts.trust = setup.trust;
    accepts.supervisor = supervisor_;
    accepts.router = router_;
    accepts.beat = beat;
    auto listener = spawn_listener(sys, fd, std::move(accepts));
    caf::actor_cast<caf::strong_actor_ptr>(listener)->get()->attach_functor(
      [listens = listens_](const caf::error&) { *listens = false; });
    watch(listener, "listener");
    caf::anon_send(supervisor_, atom::listening_v,
                   caf::actor_cast<caf::actor>(listener));
  }
  watch(gateway_, "gateway");
  watch(supervisor_, "supervisor");
}

template <class Handle>
void running_node::end(Handle& actor) {
  caf::scoped_actor self{*system_};
  self->monitor(actor);
  self->send(actor, atom::stop_v);
  self->receive([](const caf::down_msg&) {},
                caf::after(stop_patience) >>
                  [&] { caf::anon_send_exit(actor, caf::exit_reason::kill); });
  actor = nullptr;
}

// The order in which they end: who speaks ends before who is spoken to.
void running_node::stop() {
  if (!running_->exchange(false))
    return;
  supervisor_actor supervisor;
  {
    std::lock_guard lock{guard_};
    std::swap(supervisor, supervisor_);
  }
  end(supervisor); // 1. Closes the LISTENER, says goodbye on each LINK.
  if (replicated_) {
    replicated_->parts()->way_in.shut();
    end(owners_); // 2. Each OWNER; who waits is told that it is open.
    end(keeper_); // 3. Everything is stored.
  }
  router_->close(); // 4. No envelope goes any more.
  end(gateway_);    // 5. The last view has been told.
  if (replicated_)
    replicated_->parts()->way_in.close();
  system_.reset(); // 6. Threads.
}

result<void> running_node::reload(std::shared_ptr<const site::config> config) {
  std::lock_guard lock{guard_};
  if (!supervisor_)
    return error{errc::io, "the node is stopping", {}, "reload", {}};
  if (config->name != config_->name)
    return bad("the name of a running site cannot change",
               "stop the node, and start it under the new name");
  if (!(config->link.listen == config_->link.listen))
    return bad("`link.listen` of a running site cannot change",
               "restart the node");
  if (config->tls.empty() != config_->tls.empty())
    return bad("TLS of a running site cannot be switched on or off",
               "restart the node");
  auto next = set_up(std::move(config));
  if (!next)
    return next.error();
  auto accepted = next->config;
  result<void> out;
  caf::scoped_actor self{*system_};
  self->request(supervisor_, reload_patience, std::move(*next))
    .receive([](caf::ok_atom) {},
             [&](const caf::error& e) {
               out = error{errc::timed_out,
                           system_->render(e),
                           {},
                           "reload",
                           "the node is overloaded; try again"};
             });
  if (out)
    config_ = std::move(accepted);
  return out;
}

result<void> running_node::health() const {
  if (*listens_)
    return {};
  return error{errc::io,
               "nobody listens for links any more",
               {},
               "accept links",
               "read the log; restart the node"};
}

} // namespace

result<void> node::check(std::shared_ptr<const site::config> config) {
  if (auto setup = set_up(std::move(config)); !setup)
    return setup.error();
  return {};
}

result<std::unique_ptr<local_node>>
local_node::start(std::shared_ptr<const site::config> config,
                  std::vector<service_id> services, node_events events,
                  std::shared_ptr<replicants> replicated) {
  auto setup = set_up(config);
  if (!setup)
    return setup.error();
  auto fd = -1;
  if (config->link.listen.port != 0) {
    auto listening = socket::listen(config->link.listen);
    if (!listening)
      return listening.error();
    fd = *listening;
  }
  auto store = replicated ? replicated->parts()->plan.store_id : std::string{};
  auto who = identity::take(config->data, store);
  if (!who) {
    if (fd >= 0)
      ::close(fd);
    return who.error();
  }
  return std::unique_ptr<local_node>{std::make_unique<running_node>(
    std::move(*setup), std::move(*who), std::move(services), std::move(events),
    fd, std::move(replicated))};
}

result<std::unique_ptr<node>>
node::start(std::shared_ptr<const site::config> config,
            std::vector<service_id> services, node_events events,
            std::shared_ptr<replicants> replicated) {
  auto x = local_node::start(std::move(config), std::move(services),
                             std::move(events), std::move(replicated));
  if (!x)
    return x.error();
  return std::unique_ptr<node>{std::move(*x)};
}

} // namespace cheops::actors
