// cheopsd: the node in front of one site's instance of an application.
// The main path: read the files, start the site, wait for signals.

#include "tools/complaint.hpp"
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
  std::fprintf(stderr, "%s\n", tools::complaint("cheopsd", x).c_str());
  return x.code == errc::bad_config ? wrong_input : failed;
}

int misused(const std::string& what) {
  std::fprintf(stderr, "cheopsd: %s\nSee `cheopsd --help`.\n", what.c_str());
  return wrong_input;
}

void start_log(const site::config& config) {
  auto log = spdlog::stderr_color_mt("cheopsd");
  log->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %^%l%$ %v");
  log->flush_on(spdlog::level::info);
  spdlog::set_default_logger(log);
  tools::apply(config.log);
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
  // Not marked as required: an unknown option is to be told first.
  app.add_option("-c,--config", file, "The site's configuration (YAML)")
    ->envname("CHEOPS_CONFIG");
  app.add_flag("--check-config", check_only,
               "Check the configuration, say what is wrong, and end");
  app.set_version_flag("--version", "cheopsd " + std::string{tools::version});
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& why) {
    auto rest = app.remaining();
    if (rest.empty())
      return misused(why.what());
    auto is_option = rest.front().starts_with('-');
    return misused((is_option ? "unknown option " : "one word too many: ")
                   + rest.front());
  }
  if (file.empty())
    return misused("no configuration is named: give --config FILE, or set "
                   "CHEOPS_CONFIG");
  auto files = tools::load_site(file);
  if (!files)
    return complain(files.error());
  if (check_only) {
    if (auto ok = tools::check_site(*files); !ok)
      return complain(ok.error());
    std::printf("%s: good (site %s, application %s)\n", file.c_str(),
                files->config->name.value.c_str(), files->app->name.c_str());
    return done;
  }
  tools::raise_file_limit();
  return serve(std::move(*files));
}
