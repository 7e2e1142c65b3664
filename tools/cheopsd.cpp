// cheopsd: the node in front of one site's instance of an application.
// The main path: read the files, start the site, wait for signals.

#include "tools/daemon.hpp"
#include "tools/site.hpp"
#include "tools/version.hpp"

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>

namespace {

using namespace cheops;

/// Exit codes, as the manual lists them.
enum exit_code : int { done = 0, failed = 1, wrong_input = 2 };

int complain(const error& x) {
  std::fprintf(stderr, "cheopsd: %s\n", to_string(x).c_str());
  return x.code == errc::bad_config ? wrong_input : failed;
}

void start_log(const site::config& config) {
  auto log = spdlog::stderr_color_mt("cheopsd");
  log->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
  log->set_level(spdlog::level::from_str(config.log.level));
  log->flush_on(spdlog::level::info);
  spdlog::set_default_logger(log);
}

void reload(tools::site_process& site) {
  tools::notify_reloading();
  if (auto ok = site.reload())
    spdlog::info("configuration read again");
  else
    spdlog::error("nothing changed: {}", to_string(ok.error()));
  tools::notify_ready("running");
}

/// A second SIGTERM or SIGINT while it drains ends the process at once.
void allow_impatience() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

int serve(tools::site_files files) {
  start_log(*files.config);
  auto name = files.config->name.value;
  auto site = tools::site_process::start(std::move(files));
  if (!site)
    return complain(site.error());
  spdlog::info("site {} is up, version {}", name, tools::version);
  tools::notify_ready("running");
  for (;;) {
    if (auto what = tools::next_signal(); what == SIGHUP) {
      reload(**site);
      continue;
    }
    break;
  }
  tools::notify_stopping();
  spdlog::info("site {} stops: what runs may end first", name);
  allow_impatience();
  (*site)->stop();
  spdlog::info("site {} has stopped", name);
  return (*site)->has_failed() ? failed : done;
}

} // namespace

int main(int argc, char** argv) {
  tools::block_signals();
  CLI::App app{"The node in front of one site's instance of an application"};
  std::string file;
  bool check_only = false;
  app.add_option("-c,--config", file, "The site's configuration (YAML)")
    ->required()
    ->envname("CHEOPS_CONFIG");
  app.add_flag("--check-config", check_only,
               "Check the configuration, say what is wrong, and end");
  app.set_version_flag("--version", "cheopsd " + std::string{tools::version});
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? done : wrong_input;
  }
  auto files = tools::load_site(file);
  if (!files)
    return complain(files.error());
  if (check_only) {
    std::printf("%s: good (site %s, application %s)\n", file.c_str(),
                files->config->name.value.c_str(), files->app->name.c_str());
    return done;
  }
  tools::raise_file_limit();
  return serve(std::move(*files));
}
