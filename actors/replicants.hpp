#pragma once

#include "cheops/replicant/state.hpp"
#include "cheops/replication.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cheops::actors {

/// What a node replicates with.
struct replication_plan {
  site_id self;
  std::shared_ptr<ports::store> store;
  std::string store_id; ///< Makes this site a member: (site, store).
  std::shared_ptr<ports::connector> connector;
  std::shared_ptr<const ports::vault> keys; ///< Null: no witness may come.
  /// Of groups of two sites: the first that is neither and whose store is
  /// known. Without `keys` there is none.
  std::vector<site_id> witnesses;
  /// Whether that site may have such a change done here. Any thread. Unset:
  /// each may.
  std::function<bool(const site_id&, const service_id&, replicant::change)>
    allows;
  replicant::settings rules;
  /// Owners in memory at once; above it new ones are refused.
  std::size_t awake_max = 50'000;
  /// An owner with nothing to do leaves memory after so long.
  std::chrono::milliseconds idle{5'000};
  std::size_t questions_max = 8'192;        ///< Of clients, waiting at once.
  std::size_t events_max = 4'096;           ///< That are kept for followers.
  std::size_t commit_bytes_max = 16U << 20; ///< In one synced write.
};

struct replication_parts;

/// The replicants of this site, for the rest of the node. Made before the
/// data plane starts, so that no request takes a replicated resource for
/// another; until the node runs, and after, changes are refused.
class replicants final : public ports::replication {
public:
  /// Reads from the store what must be in memory. Errors: io, broken.
  [[nodiscard]] static result<std::shared_ptr<replicants>>
  open(replication_plan plan);
  ~replicants() override;
  replicants(const replicants&) = delete;
  replicants& operator=(const replicants&) = delete;

  [[nodiscard]] bool any() const noexcept override;
  [[nodiscard]] std::optional<ports::local_replica>
  find(const service_id& service, std::string_view kind,
       std::string_view local_id) const override;
  [[nodiscard]] std::optional<ports::local_replica>
  find(const replicant::natural_key& name) const override;
  [[nodiscard]] std::optional<ports::open_creates>
  creating(const service_id& service, std::string_view kind,
           std::string_view name) const override;
  void submit(ports::write_request what,
              ports::completion<result<ports::write_answer>> done) override;
  void read_linearizable(
    const replicant::meta_id& meta,
    ports::completion<result<replicant::read_answer>> done) override;
  void scale(const replicant::meta_id& meta, const ports::creation& to,
             bool remove_at_leavers,
             ports::completion<result<ports::write_answer>> done) override;
  void resolve(const replicant::meta_id& meta, replicant::resolve_asked how,
               ports::completion<result<ports::write_answer>> done) override;
  void list(const ports::list_filter& which,
            const std::optional<replicant::meta_id>& after,
            std::size_t lines_max,
            ports::completion<result<ports::list_page>> done) override;
  void describe(const replicant::meta_id& meta,
                ports::completion<result<std::optional<ports::replicant_view>>>
                  done) override;
  void operation(const replicant::meta_id& meta,
                 const replicant::operation_id& id,
                 ports::completion<result<std::optional<ports::operation_view>>>
                   done) override;
  [[nodiscard]] ports::feed_page events(std::uint64_t after,
                                        std::size_t max) const override;
  [[nodiscard]] ports::replication_counters counters() const override;
  [[nodiscard]] result<void> health() const override;

  /// For the node, which has the actors behind it.
  [[nodiscard]] const std::shared_ptr<replication_parts>&
  parts() const noexcept {
    return parts_;
  }

private:
  explicit replicants(std::shared_ptr<replication_parts> parts);
  std::shared_ptr<replication_parts> parts_;
};

} // namespace cheops::actors
