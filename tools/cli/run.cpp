#include "tools/cli/exec.hpp"
#include "tools/cli/fronts.hpp"
#include "tools/cli/program.hpp"

#include <cstdlib>
#include <filesystem>
#include <iostream>

/// `cheops run` and `cheops demo`: they become another program.
namespace cheops::cli {

namespace fs = std::filesystem;

namespace {

struct run_options {
  std::string scope;
  std::string application_file;
  bool print = false;
};

int run_command(program& to, const run_options& with) {
  const auto& s = to.common;
  const auto& command = s.command;
  if (command.empty() && !with.print)
    return s.usage("which command is to run? it stands behind --",
                   "cheops run --scope 'Site2' -- COMMAND …");
  if (auto done = check_scope(with.scope); !with.scope.empty() && !done)
    return s.fail(done.error());
  auto facts = learn_application(s, with.application_file);
  if (!facts)
    return s.fail(facts.error());
  if (facts->environment.empty())
    s.remark("the description names no environment for clients");
  auto variables = facts->environment;
  if (!with.scope.empty())
    variables.emplace("CHEOPS_SCOPE", "{scope}");
  for (const auto& [name, text] : variables) {
    auto value =
      expand(text, facts->fronts, with.scope, from_environment(name.c_str()));
    if (!value.missing.empty())
      return s.fail(
        {errc::unknown_service, name + " needs a front of " + value.missing, "",
         "set the environment", "add the front to the site's configuration"});
    s.remark(name + "=" + value.text);
    if (with.print)
      std::cout << name << "=" << value.text << "\n";
    setenv(name.c_str(), value.text.c_str(), 1);
  }
  return with.print ? exit_ok : become(command);
}

struct demo_options {
  std::string story;
  bool keep = false;
  std::string workdir;
};

/// A file of the installation or of the source tree; empty: there is none.
std::string find_file(const std::string& name) {
  auto folder = fs::path{own_folder()};
  for (const auto* x : {"../share/cheops", "../..", "../../.."}) {
    std::error_code failure;
    if (fs::exists(folder / x / name, failure))
      return fs::canonical(folder / x / name, failure).string();
  }
  return {};
}

/// The same for a scenario; those of $CHEOPS_SCENARIOS come first.
std::string find_scenario(const std::string& name) {
  std::error_code failure;
  if (auto own = from_environment("CHEOPS_SCENARIOS");
      !own.empty() && fs::exists(fs::path{own} / name, failure))
    return fs::canonical(fs::path{own} / name, failure).string();
  return find_file("scenarios/" + name);
}

/// On real applications; these stories are told in Python.
int run_testbed_demo(const session& s, const demo_options& with) {
  auto name = "testbed/" + with.story + "/demo.py";
  auto program = find_file(name);
  if (program.empty())
    return s.fail({errc::bad_config, name + " is not found", "",
                   "start the demo", "run it from the source tree"});
  setenv("CHEOPS_BIN", own_folder().c_str(), 1);
  std::vector<std::string> command{program};
  if (with.keep)
    command.emplace_back("--keep");
  return become(command);
}

int run_demo(const session& s, const demo_options& with) {
  if (with.story == "openstack" || with.story == "kubernetes")
    return run_testbed_demo(s, with);
  auto program = fs::path{own_folder()} / "cheops-scenario";
  if (!fs::exists(program))
    return s.fail({errc::bad_config, program.string() + " is not there", "",
                   "start the demo", "build it: make build"});
  auto scenario = find_scenario("andy-and-bo.yaml");
  if (scenario.empty())
    return s.fail({errc::bad_config, "scenarios/andy-and-bo.yaml is not found",
                   "", "start the demo",
                   "set CHEOPS_SCENARIOS to the folder that has it"});
  std::vector<std::string> command{program.string(), "run", scenario};
  if (with.keep)
    command.emplace_back("--keep");
  if (!with.workdir.empty()) {
    command.emplace_back("--workdir");
    command.push_back(with.workdir);
  }
  return become(command);
}

} // namespace

void add_run(program& to) {
  auto with = std::make_shared<run_options>();
  auto* run =
    to.add(&to.root, "run", "run a command whose requests carry a scope",
           [&to, with] { return run_command(to, *with); });
  run->group("Work");
  run->footer("COMMAND and its words stand behind --.");
  run->add_option("-s,--scope", with->scope, "where its requests run");
  run->add_option("--app", with->application_file,
                  "the application's description; default: the site's");
  run->add_flag("--print", with->print,
                "print the environment instead of running a command");

  auto demo_with = std::make_shared<demo_options>();
  auto* demo = to.add(
    &to.root, "demo", "three sites on this machine, and the story of a user",
    [&to, demo_with] { return run_demo(to.common, *demo_with); });
  demo->group("Start");
  demo
    ->add_option("STORY", demo_with->story,
                 "andy-and-bo (default); openstack or kubernetes: on the real "
                 "ones (installs packages, takes minutes)")
    ->check(CLI::IsMember({"andy-and-bo", "openstack", "kubernetes"}));
  demo->add_flag("--keep", demo_with->keep, "leave the sites running");
  demo->add_option("--workdir", demo_with->workdir,
                   "where the sites keep their files (andy-and-bo)");
}

} // namespace cheops::cli
