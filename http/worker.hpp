#pragma once

#include "cheops/seldom.hpp"
#include "cheops/traffic/decide.hpp"
#include "http/access_log.hpp"
#include "http/loop_tags.hpp"
#include "http/mailbox.hpp"
#include "http/metrics.hpp"
#include "http/poller.hpp"
#include "http/pool.hpp"
#include "http/ref.hpp"
#include "http/settings.hpp"
#include "http/wheel.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <random>
#include <vector>

namespace cheops::http {

class listener;
class session;

/// Connections open on a front, over all threads: one relaxed counter.
using front_count = std::atomic<std::uint32_t>;

/// What all threads of a server have in common; nothing here changes but the
/// counters.
struct plane {
  std::shared_ptr<traffic::correlation> traces;
  std::shared_ptr<traffic::adapter> adapted;    ///< Null: none.
  std::shared_ptr<ports::replication> replicas; ///< Null: none.
  std::shared_ptr<metrics> counters;
  std::shared_ptr<access_log> log; ///< Null: none.
  std::array<unsigned char, 32> loop_key{};
  /// One per front, then the peer front.
  std::vector<std::unique_ptr<front_count>> connections;
};

/// Bodies of changes that a thread holds at once, before they are asked for.
inline constexpr std::size_t gathered_bytes_max = 256 * 1024 * 1024;

/// A thread of the data plane and all that belongs to it. Nothing in it is
/// touched by another thread; those post to `io`.
struct worker {
  worker(std::shared_ptr<plane> with, settings_ptr first);
  ~worker();

  poller poll; ///< Before `io`, whose end still closes streams.
  boost::asio::io_context io{1};
  /// For those who may answer when this is gone.
  std::shared_ptr<mailbox> inbox = std::make_shared<mailbox>(io);
  std::shared_ptr<plane> shared;
  settings_ptr current;
  mesh::view_ptr mesh;
  mesh::fault_table faults;
  traffic::decider decider;
  metrics::shard& counts;
  access_log::writer* log = nullptr;
  wheel clock;
  std::mt19937 random; ///< For injected losses.
  std::vector<std::unique_ptr<listener>> listeners;
  std::list<ref<session>> sessions;
  std::size_t gathered_bytes = 0; ///< Of bodies that are taken in whole.
  std::size_t held_changes = 0;   ///< That wait for creates.
  seldom bad_handshakes{std::chrono::minutes{1}};
  bool draining = false;
  bool stopped = false;

  [[nodiscard]] const site::limits& bounds() const noexcept {
    return current->config->bounds;
  }
  [[nodiscard]] const site::timeouts& times() const noexcept {
    return current->config->times;
  }
  [[nodiscard]] const site_id& site() const noexcept {
    return current->config->name;
  }

  // -- told by the server, on this thread ------------------------------------
  void publish(mesh::view_ptr view);
  void publish(const mesh::fault_table& table);
  void reload(settings_ptr next);
  void drain();
  void cut_off();

  // -- used by exchanges -----------------------------------------------------
  /// The pool of the local backend of a front.
  [[nodiscard]] ref<pool> backend_pool(const front_settings& front);
  /// The same backend, as the node itself (`backend.identity`): what passes
  /// for users never goes over its connections.
  [[nodiscard]] ref<pool> node_pool(const front_settings& front);
  struct way {
    ref<pool> to;            ///< Null: there is none now.
    std::string_view closed; ///< Why, for people.
  };
  /// To a peer's front.
  [[nodiscard]] way way_to(const site_id& peer);
  /// What is injected for a peer; null nearly always.
  [[nodiscard]] const mesh::peer_faults*
  faults_of(const site_id& peer) const noexcept;
  [[nodiscard]] bool lost(double probability);
  /// The Via line of a service's requests; made anew once a minute.
  [[nodiscard]] std::string_view via_line(const service_id& service,
                                          traffic::clock::time_point now);
  [[nodiscard]] bool came_back(const head& in, const service_id& service,
                               traffic::clock::time_point now) const;

  /// One less; the last one ends a drained worker.
  void session_ended();

private:
  [[nodiscard]] endpoint backend_of(const front_settings& front) const;

  loop_tags tags_;
  std::uint64_t via_minute_ = 0;
  std::map<service_id, std::string> via_lines_;
  std::map<service_id, ref<pool>> backends_;
  std::map<service_id, ref<pool>> nodes_;
  std::map<site_id, ref<pool>> peers_;
};

} // namespace cheops::http
