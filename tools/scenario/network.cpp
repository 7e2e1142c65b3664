#include "tools/scenario/network.hpp"

#include "tools/scenario/process.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sstream>
#include <thread>
#include <unistd.h>

namespace cheops::scenario {

namespace {

constexpr std::chrono::milliseconds ip_time_max{10'000};

error failed(std::string what, std::string hint = {}) {
  return {errc::io, std::move(what), "", "make network namespaces",
          std::move(hint)};
}

/// A new namespace; the thread that made it is gone, the descriptor stays.
result<int> new_namespace() {
  int handle = -1;
  int why = 0;
  std::thread([&] {
    if (::unshare(CLONE_NEWNET) == 0)
      handle = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    why = errno;
  }).join();
  if (handle < 0)
    return failed(std::string{"no new network namespace: "}
                    + std::strerror(why),
                  "namespaces need root; run it with sudo, or without "
                  "\"namespaces: true\"");
  return handle;
}

} // namespace

std::string network::address(std::size_t site) {
  return "10.77.0." + std::to_string(site + 1);
}

network::~network() {
  for (auto handle : sites_)
    ::close(handle);
  if (hub_ >= 0)
    ::close(hub_);
}

result<void> network::ip(int where, const std::string& arguments) {
  launch x{{"ip"}, log_, where};
  std::istringstream words(arguments);
  for (std::string word; words >> word;)
    x.command.push_back(word);
  auto child = process::start(x);
  if (!child)
    return failed(cheops::to_string(child.error()),
                  "install iproute2 (apt install iproute2)");
  if (!(*child)->wait(ip_time_max) || !(*child)->succeeded())
    return failed("\"ip " + arguments + "\" failed; see " + log_);
  return {};
}

result<void> network::add_site(std::size_t site) {
  auto inside = new_namespace();
  if (!inside)
    return inside.error();
  sites_.push_back(*inside);
  auto port = "site" + std::to_string(site + 1);
  auto path =
    "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(*inside);
  for (const auto& [where, arguments] :
       std::vector<std::pair<int, std::string>>{
         {hub_, "link add " + port + " type veth peer name eth0 netns " + path},
         {hub_, "link set " + port + " master hub up"},
         {*inside, "addr add " + address(site) + "/24 dev eth0"},
         {*inside, "link set lo up"},
         {*inside, "link set eth0 up"}})
    if (auto done = ip(where, arguments); !done)
      return done;
  return {};
}

result<std::unique_ptr<network>> network::make(std::size_t sites,
                                               const std::string& log) {
  std::unique_ptr<network> x(new network);
  x->log_ = log;
  auto hub = new_namespace();
  if (!hub)
    return hub.error();
  x->hub_ = *hub;
  for (const auto* arguments : {"link add hub type bridge", "link set hub up"})
    if (auto done = x->ip(x->hub_, arguments); !done)
      return done.error();
  for (std::size_t i = 0; i < sites; ++i)
    if (auto done = x->add_site(i); !done)
      return done.error();
  return x;
}

result<void> network::connect(std::size_t site, bool up) {
  return ip(hub_, "link set site" + std::to_string(site + 1)
                    + (up ? " up" : " down"));
}

result<void> enter(int handle) {
  if (handle >= 0 && ::setns(handle, CLONE_NEWNET) != 0)
    return failed(std::string{"cannot enter a network namespace: "}
                  + std::strerror(errno));
  return {};
}

} // namespace cheops::scenario
