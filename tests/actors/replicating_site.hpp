#pragma once

#include "actors/memory_store.hpp"
#include "actors/node.hpp"
#include "cheops/sim/application.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace cheops::support {

/// The application of a site, and the connector to it.
class toy_connector final : public ports::connector {
public:
  toy_connector(std::string site, sim::enforcement how)
    : app_(std::move(site), how) {}

  void call(replicant::call what,
            ports::completion<ports::call_result> done) override;
  void probe(replicant::probe what,
             ports::completion<replicant::probed> done) override;

  /// The tags of the thing of that name; nullopt: there is none.
  [[nodiscard]] std::optional<std::vector<std::uint64_t>>
  tags_of(const std::string& name) const;
  [[nodiscard]] std::size_t calls() const;

  /// What the next calls come to: `hold`, until it is false again.
  void hold(bool on);
  std::atomic<bool> throws{false};
  std::atomic<bool> unreachable{false};

private:
  mutable std::mutex guard_;
  sim::application app_;
  std::size_t calls_ = 0;
  bool holds_ = false;
  std::vector<std::function<void()>> held_;
};

/// A node that replicates; what it stored and its application outlive it.
class replicating_site {
public:
  explicit replicating_site(const std::string& name,
                            sim::enforcement how = sim::enforcement::names);
  ~replicating_site();

  void start();
  void stop();
  /// Waits until that site is linked, or is not.
  [[nodiscard]] bool until(const std::string& site, mesh::reach state);
  [[nodiscard]] std::optional<ports::local_replica>
  find(const std::string& local_id) const;

  site::config config;
  std::shared_ptr<memory_store> store = std::make_shared<memory_store>();
  std::string store_id;
  std::shared_ptr<toy_connector> app;
  actors::replication_plan plan; ///< For the next start.
  std::shared_ptr<actors::replicants> replicated;
  std::unique_ptr<actors::node> node;

private:
  std::mutex guard_;
  std::condition_variable changed_;
  mesh::view_ptr newest_;
};

/// Asks, and waits for the answer. Throws where none comes in a minute.
[[nodiscard]] result<ports::write_answer> ask(replicating_site& at,
                                              ports::write_request what);
[[nodiscard]] result<std::optional<ports::replicant_view>>
describe(replicating_site& at, const replicant::meta_id& meta);

/// Waits until it is so; false if it never is in a minute.
[[nodiscard]] bool until(const std::function<bool()>& is_so);

} // namespace cheops::support
