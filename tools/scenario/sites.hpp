#pragma once

#include "cheops/mesh/view.hpp"
#include "tools/scenario/model.hpp"
#include "tools/scenario/network.hpp"
#include "tools/scenario/process.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// The sites of a scenario: their processes, files and faults.
namespace cheops::scenario {

struct options {
  std::string folder; ///< Of everything that the run writes.
  std::string bin;    ///< Where the programs lie.
  bool keep = false;  ///< The sites are played with afterwards.
};

/// Where a site's parts listen.
struct site_ports {
  std::map<std::string, mesh::address> fronts;      ///< By service.
  std::map<std::string, mesh::address> application; ///< By service.
  mesh::address peer_front;
  mesh::address link;
};

struct live_site {
  std::string name;
  std::size_t index = 0;
  std::string folder;
  site_ports at;
  std::unique_ptr<process> node;
  std::unique_ptr<process> application;
  bool node_paused = false;
  bool application_paused = false;
  bool node_may_end = false;
  bool application_may_end = false;
  /// Even: the node and the application serve. Odd: one of them was killed
  /// or paused, or is starting. It grows with each change.
  std::atomic<std::uint64_t> epoch{0};
  /// What was injected at this node, by peer.
  std::map<std::string, mesh::peer_faults> faults;
  bool isolated = false; ///< Cut off from everyone.
  /// Up to where the journals were read, by service.
  std::map<std::string, std::uint64_t> journal_read;

  [[nodiscard]] bool serves() const { return epoch.load() % 2 == 0; }
  [[nodiscard]] std::string admin_socket() const {
    return folder + "/admin.sock";
  }
};

class sites {
public:
  /// Starts everything and waits until each node is ready and every link is
  /// up. The scenario must outlive it.
  [[nodiscard]] static result<std::unique_ptr<sites>>
  start(const scenario& what, const options& with);
  ~sites(); ///< Kills what is left.

  [[nodiscard]] std::vector<std::unique_ptr<live_site>>& all() { return all_; }
  /// By a name in any case. Errors: bad_config.
  [[nodiscard]] result<live_site*> find(std::string_view name);
  /// The site's network namespace; -1 without one.
  [[nodiscard]] int network_of(const live_site& x) const;
  [[nodiscard]] const scenario& what() const { return what_; }
  [[nodiscard]] const options& with() const { return with_; }

  [[nodiscard]] result<void> change(const fault_change& x);
  /// What `from` sends to `to` is lost, or not any more.
  [[nodiscard]] result<void> cut_one_way(live_site& from, live_site& to,
                                         bool on);
  /// What `from` sends to `to` comes so much later.
  [[nodiscard]] result<void> delay(live_site& from, live_site& to,
                                   milliseconds by);
  /// Takes a site's cable out (or cuts it off by faults), or puts it back.
  [[nodiscard]] result<void> isolate(live_site& x, bool cut);
  [[nodiscard]] result<void> act(process_action::what kind, live_site& x,
                                 bool application);

  /// The links that are not up, as text; empty: all are.
  [[nodiscard]] std::string links_missing();
  /// Processes that ended though nobody ended them.
  [[nodiscard]] std::vector<std::string> unexpected_ends();
  /// Ends all nodes, then the applications, with SIGTERM; says which did not
  /// end in order.
  [[nodiscard]] std::vector<std::string> stop();

private:
  sites(const scenario& what, const options& with) : what_(what), with_(with) {}
  [[nodiscard]] result<void> prepare();
  [[nodiscard]] result<void> choose_ports(live_site& x);
  [[nodiscard]] result<void> write_config(const live_site& x) const;
  [[nodiscard]] result<void> start_application(live_site& x);
  [[nodiscard]] result<void> start_node(live_site& x);
  [[nodiscard]] result<void> end(live_site& x, bool application, bool kill);
  /// Tells the nodes that serve what was injected.
  [[nodiscard]] result<void> put_faults(live_site& x);
  void cut(live_site& a, live_site& b, bool on);

  const scenario& what_;
  options with_;
  std::string description_;
  std::unique_ptr<network> network_;
  std::vector<std::unique_ptr<live_site>> all_;
};

/// The last lines of a file, for people.
[[nodiscard]] std::string tail_of(const std::string& file, std::size_t lines);

/// An application's description: beside the scenario, in the source tree that
/// the programs in `bin` were built from, or as installed. Errors: bad_config.
[[nodiscard]] result<std::string> find_description(const scenario& what,
                                                   const std::string& bin);

/// Where a program lies: beside the runner, else what PATH finds.
[[nodiscard]] std::string program(const options& with, const std::string& name);

} // namespace cheops::scenario
