#include "tools/site.hpp"

#include "glue/adapters.hpp"
#include "glue/config.hpp"
#include "glue/registry.hpp"
#include "http/digest.hpp"
#include "tools/admin.hpp"
#include "tools/version.hpp"

#include <spdlog/spdlog.h>

#include <csignal>
#include <unistd.h>

namespace cheops::tools {

namespace {

std::vector<service_id> offered_by(const site::config& config) {
  std::vector<service_id> out;
  for (const auto& x : config.fronts)
    out.push_back(x.service);
  return out;
}

/// What cannot change while the process runs: SIGHUP says so rather than
/// doing half of it.
result<void> check_unchanged(const site::config& was, const site::config& is) {
  auto refuse = [&](std::string what) -> result<void> {
    return error{errc::bad_config, what + " cannot change while cheopsd runs",
                 is.name.value, "reload", "restart cheopsd instead"};
  };
  if (was.name != is.name)
    return refuse("the site's name");
  if (was.application_file != is.application_file)
    return refuse("the application");
  if (was.data != is.data)
    return refuse("the data folder");
  if (was.fronts.size() != is.fronts.size())
    return refuse("the number of fronts");
  for (std::size_t i = 0; i < was.fronts.size(); ++i)
    if (was.fronts[i].service != is.fronts[i].service
        || was.fronts[i].listen != is.fronts[i].listen)
      return refuse("fronts[" + std::to_string(i) + "].listen or .service");
  if (was.peer_front.listen != is.peer_front.listen)
    return refuse("peer_front.listen");
  if (was.link.listen != is.link.listen)
    return refuse("link.listen");
  return {};
}

} // namespace

result<site_files> load_site(const std::string& config_file) {
  auto config = glue::load_config(config_file);
  if (!config)
    return config.error();
  auto app = glue::load_description(config->application_file);
  if (!app)
    return app.error();
  return site_files{
    std::make_shared<const site::config>(std::move(*config)),
    std::make_shared<const application::description>(std::move(*app))};
}

result<std::unique_ptr<site_process>> site_process::start(site_files files) {
  std::unique_ptr<site_process> out{new site_process};
  out->files_ = files;
  out->metrics_ = http::metrics::make();
  auto replicated = open_replication(files.config, files.app);
  if (!replicated)
    return replicated.error();
  out->replicated_ = std::move(*replicated);
  if (out->replicated_.replicants)
    show(*out->metrics_, out->replicated_.replicants);
  auto server = http::server::start(
    files.config, files.app, out->metrics_,
    glue::make_adapter(files.app, *files.config, http::keyed_digest()),
    out->replicated_.replicants);
  if (!server)
    return server.error();
  out->server_ = std::move(*server);
  actors::node_events events;
  events.on_view = [server = out->server_.get(),
                    metrics = out->metrics_](mesh::view_ptr x) {
    metrics->publish(x);
    server->publish(std::move(x));
  };
  events.on_fatal = [self = out.get()](const error& x) {
    spdlog::critical("{}", to_string(x));
    self->failed_ = true;
    ::kill(::getpid(), SIGTERM);
  };
  auto node =
    actors::node::start(files.config, offered_by(*files.config),
                        std::move(events), out->replicated_.replicants);
  if (!node) {
    out->stop();
    return node.error();
  }
  out->node_ = std::move(*node);
  if (auto ok = out->start_admin_endpoint(); !ok) {
    out->stop();
    return ok.error();
  }
  return out;
}

result<void> site_process::start_admin_endpoint() {
  const auto& at = files_.config->admin;
  if (at.unix_path.empty() && !at.listen)
    return {};
  admin_context context;
  context.view = [this] { return node_->view(); };
  context.config = [this] {
    std::lock_guard lock{guard_};
    return files_.config;
  };
  context.application = [this] {
    std::lock_guard lock{guard_};
    return files_.app;
  };
  context.metrics = [this] { return metrics_->render(); };
  context.faults = [this] {
    std::lock_guard lock{guard_};
    return faults_;
  };
  context.put_faults = [this](mesh::fault_table x) {
    {
      std::lock_guard lock{guard_};
      faults_ = x;
    }
    node_->publish(x);
    server_->publish(std::move(x));
  };
  context.checks = [this]() -> std::vector<readiness> {
    std::vector<readiness> out{{"fronts", true, ""},
                               {"actors", !failed_, "an actor has died"}};
    if (replicated_.replicants) {
      auto fine = replicated_.replicants->health();
      out.push_back({"store", fine.has_value(),
                     fine ? std::string{} : to_string(fine.error())});
    }
    return out;
  };
  context.replication = replicated_.replicants;
  context.started = std::chrono::system_clock::now();
  context.version = std::string{version};
  auto started = start_admin(std::move(context));
  if (!started)
    return started.error();
  admin_ = std::move(*started);
  return {};
}

site_process::~site_process() {
  stop();
}

result<void> site_process::reload() {
  auto files = load_site(files_.config->file);
  if (!files)
    return files.error();
  if (auto ok = check_unchanged(*files_.config, *files->config); !ok)
    return ok;
  // The node checks all that the server does, and has nothing to undo.
  if (auto ok = server_->reload(files->config); !ok)
    return ok;
  if (auto ok = node_->reload(files->config); !ok) {
    // Back to what ran before: it was good then.
    (void) server_->reload(files_.config);
    return ok;
  }
  if (replicated_.rights)
    replicated_.rights->reload(files->config);
  if (replicated_.connector)
    replicated_.connector->reload(
      glue::connector_plan_of(*files->config, files->app));
  std::lock_guard lock{guard_};
  files_.config = files->config;
  return {};
}

void site_process::stop() {
  if (std::exchange(stopped_, true))
    return;
  admin_.reset();
  if (server_)
    server_->stop(files_.config->times.drain);
  if (node_)
    node_->stop();
}

} // namespace cheops::tools
