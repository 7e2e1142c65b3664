#pragma once

#include "http/service.hpp"
#include "support/fake_replication.hpp"
#include "tools/admin.hpp"
#include "tools/run_program.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace cheops::test {

/// A node that knows what a test tells it, behind the real admin endpoint on
/// a Unix socket: Site1 is this one; Site2 is up, 40 ms away; Site3 is down.
class fixed_node {
public:
  explicit fixed_node(bool experiments = true);

  temporary_folder folder;
  site::config config;
  application::description application;
  mesh::view view;
  std::atomic<bool> fronts_work = true;
  /// Null: nothing is kept on several sites.
  std::shared_ptr<testing::fake_replication> replication;

  [[nodiscard]] tools::admin_context context();
  [[nodiscard]] mesh::fault_table faults();
  /// Starts the endpoint at `config.admin`.
  void start();
  [[nodiscard]] std::string socket() const { return config.admin.unix_path; }
  [[nodiscard]] std::uint16_t port() const { return running_->port(); }

private:
  std::mutex lock_;
  mesh::fault_table faults_;
  std::unique_ptr<http::service> running_;
};

} // namespace cheops::test
