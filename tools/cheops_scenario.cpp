#include "glue/registry.hpp"
#include "tools/complaint.hpp"
#include "tools/scenario/read.hpp"
#include "tools/scenario/run.hpp"
#include "tools/scenario/schedule.hpp"
#include "tools/scenario/send.hpp"
#include "tools/scenario/sim_world.hpp"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <unistd.h>

// Plays scenario files on real processes, or in a simulated world:
// `cheops-scenario --help`, and scenarios/README.md for the format.

namespace {

namespace fs = std::filesystem;
namespace scenario = cheops::scenario;

enum exit_code { held = 0, not_held = 1, bad_usage = 2 };

struct arguments {
  std::string file;
  std::string report;
  std::string workdir;
  std::string bin;
  std::string color = "auto";
  std::string world = "nodes";
  std::optional<std::uint64_t> seed;
  std::uint64_t seeds = 1;
  unsigned times = 1;
  bool keep = false;
  bool verbose = false;
};

int complain(const std::string& text, exit_code code) {
  std::cerr << "cheops-scenario: " << text << '\n';
  return code;
}

int complain(const cheops::error& why) {
  std::cerr << cheops::tools::complaint("cheops-scenario", why) << '\n';
  return bad_usage;
}

/// The run's folder: the user's, or a new one below the temporary files.
std::string make_folder(const arguments& with) {
  std::error_code wrong;
  if (!with.workdir.empty()) {
    auto folder = fs::absolute(with.workdir, wrong);
    fs::create_directories(folder, wrong);
    return wrong || !fs::is_empty(folder, wrong) ? "" : folder.string();
  }
  auto name = (fs::temp_directory_path(wrong) / "cheops-XXXXXX").string();
  return ::mkdtemp(name.data()) ? name : "";
}

std::string own_folder() {
  std::error_code wrong;
  return fs::read_symlink("/proc/self/exe", wrong).parent_path().string();
}

/// The story's last read, to play on with, else the probe of the application.
scenario::request_spec something_to_read(const scenario::scenario& what) {
  scenario::request_spec out;
  out.service = what.application.services.back();
  out.path = what.application.healthy;
  for (const auto& x : what.steps)
    if (const auto* found = std::get_if<scenario::request_action>(&x.run);
        found && found->request.method == "GET"
        && found->request.path.find("${") == std::string::npos)
      out = found->request;
  return out;
}

/// How to go on with sites that were left running.
void show_play_on(scenario::sites& all, const std::string& folder) {
  auto& first = *all.all().front();
  std::cout << "\nThe sites go on until Ctrl-C. Play on:\n";
  for (const auto& x : all.all())
    for (const auto& [service, at] : x->at.fronts)
      std::cout << "  " << service << " at " << x->name << ": http://"
                << cheops::mesh::to_string(at) << '\n';
  if (all.what().namespaces)
    for (const auto& x : all.all())
      std::cout << "  in the network of " << x->name << ": nsenter -n -t "
                << x->node->pid() << " COMMAND\n";
  auto read = something_to_read(all.what());
  auto front = first.at.fronts.find(read.service);
  std::cout << "  cheops --admin " << first.admin_socket() << " get links\n";
  if (front != first.at.fronts.end()) {
    scenario::prepared one;
    one.method = "GET";
    one.url = "http://" + cheops::mesh::to_string(front->second) + read.path;
    one.fields = {
      {"Scope", "{" + read.service + ": " + all.all().back()->name + "}"}};
    std::cout << "  " << scenario::command_of(one) << '\n';
  }
  std::cout << "  logs: " << folder << "/*/*.log\n" << std::flush;
}

/// A scenario, and a look at what it rests on.
cheops::result<scenario::scenario> read(const std::string& file,
                                        const scenario::options& with) {
  auto out = scenario::read_file(file);
  if (!out)
    return out;
  auto described = scenario::find_description(*out, with.bin);
  if (!described)
    return described.error();
  if (auto app = cheops::glue::load_description(*described); !app)
    return app.error();
  return out;
}

int check(const std::string& file) {
  scenario::options with;
  with.bin = own_folder();
  auto what = read(file, with);
  if (!what)
    return complain(what.error());
  std::cout << file << ": " << what->title << ": " << what->sites.size()
            << " sites, " << what->steps.size() << " steps, "
            << what->workloads.size() << " workloads, " << what->checks.size()
            << " checks\n";
  return held;
}

bool colors(const arguments& with) {
  return with.color == "always"
         || (with.color == "auto" && ::isatty(STDOUT_FILENO) == 1
             && !std::getenv("NO_COLOR"));
}

bool write_report(const arguments& with, const scenario::run_report& report) {
  if (with.report.empty())
    return true;
  std::ofstream out(with.report);
  out << boost::json::serialize(scenario::to_json(report)) << '\n';
  return static_cast<bool>(out);
}

std::uint64_t seed_of(const arguments& with, const scenario::scenario& what) {
  return with.seed ? *with.seed : what.faults ? what.faults->seed : 1;
}

int simulate(const arguments& with, const scenario::scenario& what) {
  auto report = scenario::run_simulated(
    what, with.bin.empty() ? own_folder() : with.bin, seed_of(with, what),
    with.seeds, scenario::printer(colors(with), with.verbose));
  if (!report)
    return complain(report.error().what, bad_usage);
  if (!write_report(with, *report))
    return complain("cannot write " + with.report, bad_usage);
  return report->held() ? held : not_held;
}

int run(const arguments& with) {
  scenario::options options{
    {}, with.bin.empty() ? own_folder() : with.bin, with.keep};
  auto what = read(with.file, options);
  if (!what)
    return complain(what.error());
  scenario::prolong(*what, with.times);
  if (with.world == "sim")
    return simulate(with, *what);
  auto folder = make_folder(with);
  if (folder.empty())
    return complain("--workdir must be an empty folder, or a new one",
                    bad_usage);
  options.folder = folder;
  // A folder that the user named is the user's.
  scenario::end_on_signals(with.workdir.empty() ? folder : "");
  auto seed = seed_of(with, *what);
  std::unique_ptr<scenario::sites> kept;
  auto report = scenario::run(
    *what, options, seed, scenario::printer(colors(with), with.verbose), kept);
  if (!write_report(with, report))
    return complain("cannot write " + with.report, bad_usage);
  if (kept) {
    show_play_on(*kept, folder);
    for (;;)
      ::pause(); // The thread for signals ends everything.
  }
  std::error_code ignored;
  if (with.workdir.empty() && report.held())
    fs::remove_all(folder, ignored);
  else
    std::cout << "logs: " << folder << '\n';
  return report.held() ? held : not_held;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App options{
    "Plays scenario files on real processes, or in a simulated world"};
  options.require_subcommand(1);
  options.get_formatter()->column_width(28);
  arguments with;
  auto* play = options.add_subcommand("run", "Play a scenario");
  play->add_option("FILE", with.file, "The scenario")->required();
  play->add_option("--report", with.report, "Write what was found as JSON");
  play->add_flag("--keep", with.keep,
                 "Leave the sites running, to play on with them");
  play->add_option("--workdir", with.workdir,
                   "An empty folder for what the run writes; it is kept");
  play->add_option("--seed", with.seed, "Of random faults and workloads");
  play->add_option("--bin", with.bin,
                   "Where cheopsd and the application lie (default: here)");
  play
    ->add_option("--world", with.world,
                 "nodes: real processes; sim: a simulated world")
    ->check(CLI::IsMember({"nodes", "sim"}));
  play
    ->add_option("--times", with.times,
                 "Workloads last so much longer, with so many more faults")
    ->check(CLI::Range(1, 1000));
  play
    ->add_option("--seeds", with.seeds,
                 "How many seeds to run, in the simulated world")
    ->check(CLI::PositiveNumber);
  play->add_flag("-v,--verbose", with.verbose, "Show every answer whole");
  play->add_option("--color", with.color, "auto, always or never")
    ->check(CLI::IsMember({"auto", "always", "never"}));
  auto* look = options.add_subcommand("check", "Read a scenario, run nothing");
  look->add_option("FILE", with.file, "The scenario")->required();
  try {
    options.parse(argc, argv);
  } catch (const CLI::ParseError& x) {
    return options.exit(x) == 0 ? held : bad_usage;
  }
  return look->parsed() ? check(with.file) : run(with);
}
