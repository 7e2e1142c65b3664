#pragma once

#include "support/free_port.hpp"
#include "support/proxy_fixture.hpp"

#include <algorithm>
#include <vector>

/// A site with two services, for tests of several sites in one process; no
/// TLS between them unless the test sets it.
struct site_fixture : proxy_fixture {
  raw_listener backend_b; ///< Of ServiceB; `backend` is that of ServiceA.

  explicit site_fixture(const std::string& name) {
    app->services.resize(2);
    app->services[0].calls = {cheops::service_id{"ServiceB"}};
    app->services[1].name = cheops::service_id{"ServiceB"};
    app->services[1].authenticates = true;
    config->name = cheops::site_id{name};
    config->fronts.resize(2);
    config->fronts[1].service = app->services[1].name;
    config->fronts[1].listen = {"127.0.0.1", 0};
    config->fronts[1].to.at = {"127.0.0.1", backend_b.port()};
    // Port 0 would mean "no peer front".
    config->peer_front.listen = {"127.0.0.1", cheops::support::free_port()};
  }
  [[nodiscard]] raw_socket client_b() const {
    return raw_socket::to_port(server->ports().at(1));
  }
  [[nodiscard]] raw_socket peer() const {
    return raw_socket::to_port(server->ports().at(2));
  }
};

struct seen_site {
  const site_fixture& site;
  cheops::mesh::reach state = cheops::mesh::reach::up;
};

/// What `who` knows of the others from now on.
inline void publish(const site_fixture& who,
                    const std::vector<seen_site>& others) {
  static std::uint64_t version = 0;
  auto view = std::make_shared<cheops::mesh::view>();
  view->self = who.config->name;
  view->version = ++version;
  auto add = [&](const site_fixture& x, cheops::mesh::reach state) {
    auto& made = view->sites.emplace_back();
    made.name = x.config->name;
    made.state = state;
    made.peer_front = x.config->peer_front.listen;
  };
  add(who, cheops::mesh::reach::self);
  for (const auto& x : others)
    add(x.site, x.state);
  std::ranges::sort(view->sites, {}, &cheops::mesh::site::name);
  who.server->publish(view);
}
