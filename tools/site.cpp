#include "tools/site.hpp"

#include "glue/adapters.hpp"
#include "http/digest.hpp"
#include "http/settings.hpp"
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

} // namespace

result<void> check_site(const site_files& files) {
  if (auto fronts = http::settings::make(files.config, files.app); !fronts)
    return fronts.error();
  if (auto links = actors::node::check(files.config); !links)
    return links;
  if (auto keys = open_vault(*files.config); !keys)
    return keys.error();
  return http::service::check(files.config->admin);
}

void apply(const site::log_settings& to) {
  spdlog::set_level(spdlog::level::from_str(to.level));
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
  context.put_faults = [this](const mesh::fault_table& x) {
    return put_faults(x);
  };
  auto has_links = files_.config->link.listen.port != 0;
  context.checks = [this, has_links]() -> std::vector<readiness> {
    std::vector<readiness> out;
    auto tell = [&out](const char* name, const result<void>& fine) {
      out.push_back({name, fine.has_value(),
                     fine ? std::string{} : to_string(fine.error())});
    };
    tell("fronts", server_->health());
    if (has_links)
      tell("links", node_->health());
    out.push_back({"actors", !failed_, "an actor has died"});
    if (replicated_.replicants)
      tell("store", replicated_.replicants->health());
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

bool site_process::put_faults(const mesh::fault_table& x) {
  // Held throughout: a reload must not pass between the look and the deed.
  std::lock_guard lock{guard_};
  if (!files_.config->experiments && !x.empty())
    return false;
  faults_ = x;
  node_->publish(x);
  server_->publish(x);
  return true;
}

result<void> site_process::reload() {
  auto files = load_site(files_.config->file);
  if (!files)
    return files.error();
  if (auto ok = check_reload(files_, *files); !ok)
    return ok;
  if (auto ok = http::service::check(files->config->admin); !ok)
    return ok;
  auto keys = open_vault(*files->config);
  if (!keys)
    return keys.error();
  // The node checks all that the server does, and has nothing to undo.
  if (auto ok = server_->reload(files->config); !ok)
    return ok;
  if (auto ok = node_->reload(files->config); !ok) {
    // Back to what ran before: it was good then.
    (void) server_->reload(files_.config);
    return ok;
  }
  if (admin_)
    if (auto ok = admin_->reload(); !ok) // It was good a moment ago.
      spdlog::warn("the admin endpoint keeps its files: {}",
                   to_string(ok.error()));
  if (replicated_.keys && *keys)
    replicated_.keys->exchange(std::move(*keys));
  if (replicated_.rights)
    replicated_.rights->reload(files->config);
  if (replicated_.connector)
    replicated_.connector->reload(
      glue::connector_plan_of(*files->config, files_.app));
  apply(files->config->log);
  auto experiments = files->config->experiments;
  {
    std::lock_guard lock{guard_};
    files_.config = files->config;
  }
  if (!experiments)
    put_faults({});
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
