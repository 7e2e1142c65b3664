#include "tools/fixed_node.hpp"

#include "glue/registry.hpp"

#include <stdexcept>

namespace cheops::test {

using namespace std::chrono_literals;

namespace {

mesh::site site_of(const char* name, mesh::reach state, std::uint16_t port) {
  mesh::site out;
  out.name = site_id{name};
  out.state = state;
  out.since = std::chrono::system_clock::from_time_t(1'800'000'000);
  out.services = {service_id{"ServiceA"}, service_id{"ServiceB"}};
  out.peer_front = {"127.0.0.1", port};
  out.link = {"127.0.0.1", static_cast<std::uint16_t>(port + 1)};
  out.incarnation = 7;
  out.store = "store-" + out.name.value;
  return out;
}

site::front front_of(const char* service, std::uint16_t port) {
  site::front out;
  out.service = service_id{service};
  out.listen = {"0.0.0.0", port};
  out.to.at = {"127.0.0.1", static_cast<std::uint16_t>(port + 1)};
  return out;
}

} // namespace

fixed_node::fixed_node(bool experiments) {
  config.name = site_id{"Site1"};
  config.experiments = experiments;
  config.fronts = {front_of("ServiceA", 8101), front_of("ServiceB", 8103)};
  config.admin.unix_path = folder.path() + "/admin.sock";
  auto app =
    glue::load_description(CHEOPS_SOURCE_DIR "/glue/applications/demo.yaml");
  application = app.value();
  view.self = config.name;
  view.version = 3;
  view.sites = {site_of("Site1", mesh::reach::self, 7001),
                site_of("Site2", mesh::reach::up, 7003),
                site_of("Site3", mesh::reach::down, 7005)};
  view.sites[0].round_trips = {{site_id{"Site2"}, 40ms}};
  view.sites[2].stats.last_error = "no heartbeat for 2 s";
}

tools::admin_context fixed_node::context() {
  tools::admin_context out;
  out.view = [this] { return std::make_shared<const mesh::view>(view); };
  out.config = [this] { return std::make_shared<const site::config>(config); };
  out.application = [this] {
    return std::make_shared<const application::description>(application);
  };
  out.metrics = [] { return std::string{"# TYPE up gauge\nup 1\n"}; };
  out.faults = [this] { return faults(); };
  out.put_faults = [this](const mesh::fault_table& x) {
    std::lock_guard held{lock_};
    if (!config.experiments && !x.empty())
      return false;
    faults_ = x;
    return true;
  };
  out.checks = [this]() -> std::vector<tools::readiness> {
    return {{"fronts", fronts_work.load(), "ServiceA: port 8101 is taken"},
            {"actors", true, ""}};
  };
  out.replication = replication;
  out.started = std::chrono::system_clock::from_time_t(1'800'000'000);
  out.version = "1.2.3";
  return out;
}

mesh::fault_table fixed_node::faults() {
  std::lock_guard held{lock_};
  return faults_;
}

void fixed_node::start() {
  auto done = tools::start_admin(context());
  if (!done)
    throw std::runtime_error(to_string(done.error()));
  running_ = std::move(*done);
}

} // namespace cheops::test
