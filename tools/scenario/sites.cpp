#include "tools/scenario/sites.hpp"

#include "cheops/names.hpp"
#include "http/client.hpp"
#include "tools/scenario/admin.hpp"
#include "tools/scenario/config_file.hpp"
#include "tools/scenario/poll.hpp"
#include "tools/scenario/ports.hpp"
#include "tools/scenario/variables.hpp"

#include <csignal>
#include <deque>
#include <filesystem>
#include <fstream>
#include <thread>

namespace cheops::scenario {

namespace fs = std::filesystem;

namespace {

/// Long, for machines that have other work.
constexpr milliseconds start_time_max{60'000};
constexpr milliseconds faults_timeout{20'000};
constexpr milliseconds stop_time_max{20'000};
constexpr std::size_t socket_path_max = 100;

error failed(std::string what, std::string site, std::string step,
             std::string hint = {}) {
  return {errc::io, std::move(what), std::move(site), std::move(step),
          std::move(hint)};
}

} // namespace

result<std::string> find_description(const scenario& what,
                                     const std::string& beside_programs) {
  auto beside = fs::path(what.file).parent_path();
  const fs::path name(what.application.description);
  const fs::path bin(beside_programs);
  for (const auto& folder :
       {beside, beside / "../glue/applications",
        bin / "../../glue/applications", bin / "../../../glue/applications",
        fs::path("/usr/share/cheops/applications")}) {
    std::error_code none;
    auto file = fs::absolute(folder / name, none).lexically_normal();
    if (fs::exists(file, none))
      return file.string();
  }
  return error{errc::bad_config,
               "no application description \"" + name.string() + '"', "",
               "find the description", "name a file beside the scenario"};
}

std::string program(const options& with, const std::string& name) {
  auto beside = with.bin + '/' + name;
  std::error_code none;
  return name.find('/') == std::string::npos && fs::exists(beside, none)
           ? beside
           : name;
}

std::string tail_of(const std::string& file, std::size_t lines) {
  std::ifstream in(file);
  std::deque<std::string> last;
  for (std::string line; std::getline(in, line);) {
    last.push_back(std::move(line));
    if (last.size() > lines)
      last.pop_front();
  }
  std::string out;
  for (const auto& line : last)
    out += line + '\n';
  return out;
}

sites::~sites() = default;

result<std::unique_ptr<sites>> sites::start(const scenario& what,
                                            const options& with) {
  std::unique_ptr<sites> x(new sites(what, with));
  if (auto ready = x->prepare(); !ready)
    return ready.error();
  for (auto& site : x->all_)
    if (auto done = x->start_application(*site); !done)
      return done.error();
  for (auto& site : x->all_)
    if (auto done = x->start_node(*site); !done)
      return done.error();
  std::string missing;
  if (!poll_until(start_time_max, [&] {
        missing = x->links_missing();
        return missing.empty();
      }))
    return failed("links are missing: " + missing, "", "wait for the links");
  return x;
}

result<void> sites::prepare() {
  auto description = find_description(what_, with_.bin);
  if (!description)
    return description.error();
  description_ = *description;
  if (what_.namespaces) {
    auto made = network::make(what_.sites.size(), with_.folder + "/ip.log");
    if (!made)
      return made.error();
    network_ = *std::move(made);
  }
  for (const auto& spec : what_.sites) {
    auto x = std::make_unique<live_site>();
    x->name = spec.name;
    x->index = all_.size();
    x->folder = with_.folder + '/' + spec.name;
    std::error_code wrong;
    fs::create_directories(x->folder + "/data", wrong);
    if (wrong || x->admin_socket().size() > socket_path_max)
      return failed(wrong ? x->folder + ": " + wrong.message()
                          : x->folder + " is too long for a socket's path",
                    spec.name, "make the work folder",
                    "use a shorter --workdir");
    if (auto chosen = choose_ports(*x); !chosen)
      return chosen;
    all_.push_back(std::move(x));
  }
  if (auto done = issue_identities(with_.folder, all_); !done)
    return done;
  if (auto done = share_key(what_, all_); !done)
    return done;
  for (const auto& x : all_)
    if (auto done = write_config(*x); !done)
      return done;
  return {};
}

result<void> sites::choose_ports(live_site& x) {
  auto mode = network_                    ? port_mode::own_network
              : with_.keep && what_.ports ? port_mode::fixed
                                          : port_mode::free;
  auto at = make_ports(what_, x.index, mode);
  if (!at)
    return at.error();
  x.at = *std::move(at);
  return {};
}

result<void> sites::write_config(const live_site& x) const {
  auto file = x.folder + "/site.yaml";
  std::ofstream out(file);
  out << render_config(what_, description_, x, all_,
                       network_ ? network::block : "127.0.0.0/8");
  out.close();
  return out ? result<void>{}
             : failed("cannot write " + file, x.name, "write configuration");
}

result<void> sites::start_application(live_site& x) {
  variables known;
  known["site"] = x.name;
  known["folder"] = x.folder;
  for (const auto& [service, at] : x.at.fronts)
    known["front." + service] = mesh::to_string(at);
  for (const auto& [service, at] : x.at.application)
    known["listen." + service] = mesh::to_string(at);
  launch how{{}, x.folder + "/application.log", network_of(x)};
  for (const auto& word : what_.application.command) {
    auto expanded = expand(word, known);
    if (!expanded)
      return expanded.error();
    how.command.push_back(*std::move(expanded));
  }
  how.command.front() = program(with_, how.command.front());
  auto started = process::start(how);
  if (!started)
    return started.error();
  x.application = *std::move(started);
  x.journal_read.clear();
  auto healthy = [&x, this] {
    http::client_request call;
    call.url = "http://" + mesh::to_string(x.at.application.begin()->second)
               + what_.application.healthy;
    call.timeout = milliseconds{1000};
    auto got = http::fetch(call);
    return got && got->status == 200;
  };
  bool up = false;
  // A thread of its own: it enters the site's network for good.
  std::thread([&] {
    if (enter(network_of(x)))
      up = poll_until(start_time_max,
                      [&] { return healthy() || x.application->ended(); })
           && !x.application->ended();
  }).join();
  return up ? result<void>{}
            : failed("the application is not healthy:\n" + tail_of(how.log, 20),
                     x.name, "start the application");
}

result<void> sites::start_node(live_site& x) {
  launch how{{program(with_, "cheopsd"), "--config", x.folder + "/site.yaml"},
             x.folder + "/node.log",
             network_of(x)};
  auto started = process::start(how);
  if (!started)
    return started.error();
  x.node = *std::move(started);
  bool up =
    poll_until(start_time_max, [&] { return x.node->ended() || is_ready(x); })
    && !x.node->ended();
  return up ? result<void>{}
            : failed("the node is not ready:\n" + tail_of(how.log, 20), x.name,
                     "start the node");
}

result<live_site*> sites::find(std::string_view name) {
  for (auto& x : all_)
    if (same_name(x->name, name))
      return x.get();
  return error{errc::bad_config, "no site \"" + std::string{name} + '"', "",
               "find the site", ""};
}

int sites::network_of(const live_site& x) const {
  return network_ ? network_->handle(x.index) : -1;
}

// -- faults ------------------------------------------------------------------

result<void> sites::put_faults(live_site& x) {
  if (!x.serves())
    return {}; // It is told when it serves again.
  auto done =
    ask(x, "PUT", "/v1/faults", faults_body(x.faults), faults_timeout);
  return done ? result<void>{} : result<void>{done.error()};
}

void sites::cut(live_site& a, live_site& b, bool on) {
  for (auto [self, peer] : {std::pair{&a, &b}, std::pair{&b, &a}}) {
    auto& faults = self->faults[peer->name];
    faults.in.cut = on;
    faults.out.cut = on;
  }
}

result<void> sites::isolate(live_site& x, bool on) {
  x.isolated = on;
  if (network_)
    return network_->connect(x.index, !on);
  for (auto& other : all_)
    if (other->index != x.index)
      cut(x, *other, on || other->isolated);
  for (auto& other : all_)
    if (auto done = put_faults(*other); !done)
      return done;
  return {};
}

result<void> sites::cut_one_way(live_site& from, live_site& to, bool on) {
  from.faults[to.name].out.cut = on || from.isolated || to.isolated;
  return put_faults(from);
}

result<void> sites::delay(live_site& from, live_site& to, milliseconds by) {
  from.faults[to.name].out.delay = by;
  return put_faults(from);
}

result<void> sites::change(const fault_change& x) {
  using what = fault_change::what;
  std::vector<live_site*> named;
  for (const auto& name : x.sites) {
    auto found = find(name);
    if (!found)
      return found.error();
    named.push_back(*found);
  }
  if (x.kind == what::heal && named.empty()) {
    for (auto& site : all_) {
      site->faults.clear();
      if (site->isolated)
        if (auto done = isolate(*site, false); !done)
          return done;
    }
  } else if (named.size() == 1) {
    return isolate(*named[0], x.kind == what::cut);
  } else if (x.kind == what::one_way) {
    return cut_one_way(*named[0], *named[1], true);
  } else if (x.kind == what::round_trip) {
    // Half of it on each side's way out: that makes the whole of a round.
    for (auto i : {0, 1})
      named[i]->faults[named[1 - i]->name].out.delay = microseconds{x.by} / 2;
  } else if (x.kind == what::heal) {
    for (auto i : {0, 1})
      named[i]->faults.erase(named[1 - i]->name);
  } else {
    cut(*named[0], *named[1], true);
  }
  for (auto& site : all_)
    if (auto done = put_faults(*site); !done)
      return done;
  return {};
}

// -- processes ---------------------------------------------------------------

result<void> sites::end(live_site& x, bool application, bool kill) {
  auto& child = application ? x.application : x.node;
  if (!child)
    return {};
  auto in_order = kill || child->stop(stop_time_max);
  auto pid = child->pid();
  child.reset();
  return in_order ? result<void>{}
                  : failed("process " + std::to_string(pid)
                             + " did not end within 20 s of SIGTERM",
                           x.name, "stop it");
}

namespace {

result<void> empty_data(const live_site& x) {
  std::error_code wrong;
  fs::remove_all(x.folder + "/data", wrong);
  if (!wrong)
    fs::create_directories(x.folder + "/data", wrong);
  return wrong ? result<void>{failed(wrong.message(), x.name,
                                     "remove the data folder")}
               : result<void>{};
}

} // namespace

result<void> sites::act(process_action::what kind, live_site& x,
                        bool application) {
  using what = process_action::what;
  auto& child = application ? x.application : x.node;
  if (!child && kind != what::start && kind != what::restart)
    return failed("it does not run", x.name, "act on a process");
  auto& may_end = application ? x.application_may_end : x.node_may_end;
  may_end = kind == what::let_end;
  if (may_end)
    return {};
  if (x.serves())
    ++x.epoch; // Before anything happens to it.
  auto& paused = application ? x.application_paused : x.node_paused;
  paused = kind == what::pause;
  result<void> done;
  switch (kind) {
  case what::kill:
  case what::stop:
    done = end(x, application, kind == what::kill);
    break;
  case what::lose_disk:
    done = end(x, application, true);
    if (done)
      done = empty_data(x);
    break;
  case what::let_end:
    break;
  case what::pause:
    child->signal(SIGSTOP);
    break;
  case what::resume:
    child->signal(SIGCONT);
    if (!application
        && !poll_until(start_time_max, [&x] { return is_ready(x); }))
      done = failed("it is not ready after its pause", x.name, "resume");
    break;
  case what::restart:
    done = end(x, application, false);
    [[fallthrough]];
  case what::start:
    if (done)
      done = application ? start_application(x) : start_node(x);
    break;
  }
  if (!done || !x.node || !x.application || x.node_paused
      || x.application_paused)
    return done;
  ++x.epoch;
  return put_faults(x);
}

std::string sites::links_missing() {
  std::string out;
  for (const auto& x : all_)
    for (const auto& peer : all_) {
      if (x->index == peer->index)
        continue;
      auto seen = link_of(*x, peer->name);
      if (seen && seen->state == "up")
        continue;
      out += (out.empty() ? "" : ", ") + x->name + " to " + peer->name + ' '
             + (seen ? seen->state : cheops::to_string(seen.error()));
    }
  return out;
}

std::vector<std::string> sites::unexpected_ends() {
  std::vector<std::string> out;
  for (const auto& x : all_) {
    if (x->node && !x->node_may_end)
      if (auto how = x->node->ended())
        out.push_back("the node at " + x->name + ' ' + *how + '\n'
                      + tail_of(x->folder + "/node.log", 20));
    if (x->application && !x->application_may_end)
      if (auto how = x->application->ended())
        out.push_back("the application at " + x->name + ' ' + *how + '\n'
                      + tail_of(x->folder + "/application.log", 20));
  }
  return out;
}

std::vector<std::string> sites::stop() {
  std::vector<std::string> out;
  for (bool application : {false, true})
    for (auto& x : all_) {
      auto& child = application ? x->application : x->node;
      if (!child || child->ended())
        continue;
      auto in_time = child->stop(stop_time_max);
      auto what = std::string{application ? "the application" : "the node"}
                  + " at " + x->name;
      if (!in_time)
        out.push_back(what + " did not end within 20 s of SIGTERM");
      else if (!child->succeeded())
        out.push_back(what + ' ' + child->ended().value_or(""));
      child.reset();
    }
  return out;
}

} // namespace cheops::scenario
