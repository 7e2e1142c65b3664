// Replicated writes: part of make bench-replication (bench/replication.sh).
//
//   bench_replication node NAME DATA LINK FRONT DELAY-US [PEER LINK]…
//   bench_replication load etcd|done|decided CLIENTS MILLISECONDS FRONT…
//   bench_replication make COUNT AT-ONCE FRONT…
//   bench_replication converge OPERATIONS FRONT FRONT FRONT-OF-THE-CUT-OFF
//   bench_replication sync FOLDER
//
// `load` prints writes/s, p50 and p99 in milliseconds, and what failed;
// `converge` seconds from the heal to the link and to the last operation;
// `sync` what the disk takes for 1 KB, in milliseconds.
#include "bench/replication_converge.hpp"
#include "bench/replication_load.hpp"
#include "bench/replication_node.hpp"

#include <spdlog/spdlog.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

namespace {

using namespace cheops::bench;

std::uint16_t port(const std::string& x) {
  return static_cast<std::uint16_t>(std::stoul(x));
}

int node(const std::vector<std::string>& x) {
  node_settings with;
  with.name = x.at(0);
  with.data = x.at(1);
  with.link = port(x.at(2));
  with.front = port(x.at(3));
  with.delay = std::chrono::microseconds{std::stoul(x.at(4))};
  for (std::size_t i = 5; i + 1 < x.size(); i += 2)
    with.peers.emplace_back(x[i], port(x[i + 1]));
  return run_node(with);
}

int load(const std::vector<std::string>& x) {
  load_settings with;
  with.etcd = x.at(0) == "etcd";
  with.decided = x.at(0) == "decided";
  with.clients = static_cast<unsigned>(std::stoul(x.at(1)));
  with.time = std::chrono::milliseconds{std::stoul(x.at(2))};
  for (std::size_t i = 3; i < x.size(); ++i)
    with.fronts.push_back(port(x[i]));
  auto y = run_load(with);
  std::printf("%.1f %.3f %.3f %llu\n", y.per_second, y.p50_ms, y.p99_ms,
              static_cast<unsigned long long>(y.failed));
  return 0;
}

int converge(const std::vector<std::string>& x) {
  converge_settings with;
  with.operations = static_cast<unsigned>(std::stoul(x.at(0)));
  with.one = port(x.at(1));
  with.other = port(x.at(2));
  with.away = port(x.at(3));
  auto y = run_converge(with);
  std::printf("%.3f %.3f\n", y.linked_s, y.done_s);
  return 0;
}

} // namespace

int main(int argc, char** argv) try {
  std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) {
    std::fprintf(stderr,
                 "usage: bench_replication node|load|make|converge|sync "
                 "…\n");
    return 2;
  }
  auto what = words.front();
  words.erase(words.begin());
  spdlog::set_level(spdlog::level::warn);
  if (what == "node")
    return node(words);
  if (what == "load")
    return load(words);
  if (what == "converge")
    return converge(words);
  if (what == "sync") {
    std::printf("%.3f\n", sync_ms(words.at(0)));
    return 0;
  }
  std::vector<std::uint16_t> fronts;
  for (std::size_t i = 2; i < words.size(); ++i)
    fronts.push_back(port(words[i]));
  make_resources(fronts, static_cast<unsigned>(std::stoul(words.at(0))),
                 static_cast<unsigned>(std::stoul(words.at(1))));
  return 0;
} catch (const std::exception& x) {
  std::fprintf(stderr, "bench_replication: %s\n", x.what());
  return 1;
}
