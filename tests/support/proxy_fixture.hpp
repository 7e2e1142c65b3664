#pragma once

#include "http/metrics.hpp"
#include "http/server.hpp"
#include "support/raw_listener.hpp"

#include <map>
#include <stdexcept>
#include <thread>

/// Head and body of an answer that is a problem of ours.
inline std::string read_problem(raw_socket& c) {
  auto head = c.read_until("\r\n\r\n");
  return head + c.read_until("}\n");
}

/// A data plane of one thread in front of a backend that the test plays.
struct proxy_fixture {
  raw_listener backend;
  std::shared_ptr<cheops::site::config> config =
    std::make_shared<cheops::site::config>();
  std::shared_ptr<cheops::application::description> app =
    std::make_shared<cheops::application::description>();
  std::shared_ptr<cheops::http::metrics> counters =
    cheops::http::metrics::make();
  std::shared_ptr<cheops::traffic::adapter> adapted;    ///< Null: none.
  std::shared_ptr<cheops::ports::replication> replicas; ///< Null: none.
  std::unique_ptr<cheops::http::server> server;

  proxy_fixture() {
    app->name = "test";
    app->services.resize(1);
    app->services[0].name = cheops::service_id{"ServiceA"};
    app->services[0].authenticates = true;
    app->carry.trace = true;
    config->name = cheops::site_id{"Site1"};
    config->threads = 1;
    config->fronts.resize(1);
    config->fronts[0].service = cheops::service_id{"ServiceA"};
    config->fronts[0].listen = {"127.0.0.1", 0};
    config->fronts[0].to.at = {"127.0.0.1", backend.port()};
  }

  void start() {
    auto made =
      cheops::http::server::start(config, app, counters, adapted, replicas);
    if (!made)
      throw std::runtime_error{cheops::to_string(made.error())};
    server = std::move(*made);
  }
  [[nodiscard]] raw_socket client() const {
    return raw_socket::to_port(server->ports().at(0));
  }
  /// Of `cheops_refused_total` or another counter with these labels.
  [[nodiscard]] bool counted(const std::string& line) const {
    return counters->render().find(line) != std::string::npos;
  }
  /// What is counted when an exchange has ended comes after its answer.
  void await_count(const std::string& line) const {
    while (!counted(line))
      std::this_thread::yield();
  }
  /// Until it is more than none.
  void await_some(const std::string& sample) const {
    while (!counted(sample) || counted(sample + " 0"))
      std::this_thread::yield();
  }
};
