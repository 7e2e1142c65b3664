// Round trips and bytes over a link between two nodes, beside a bare Asio
// TLS connection, taking turns: part of make bench-link (bench/link.sh).
//
//   bench_link FOLDER [ROUNDS [MILLISECONDS]]
//
// FOLDER has what `cheops ca` made: Site1/, Site2/, ca/. Prints `key value`
// for each figure: the median of the rounds, and for ratios the median of
// each round's ratio.
#include "bench/bare_tls.hpp"
#include "bench/node_pair.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace cheops;
using namespace cheops::bench;

constexpr std::size_t small_bytes = 100;
constexpr std::size_t bulk_bytes = 1024 * 1024;
/// Bulk envelopes that are not confirmed: below what a link takes at once.
constexpr std::size_t bulk_outstanding = 6;

double median(std::vector<double> x) {
  std::ranges::sort(x);
  return x[x.size() / 2];
}

/// One thing that is measured both ways.
struct contest {
  std::string name;
  double unit = 1; ///< What figures are divided by.
  std::function<figure()> link;
  std::function<figure()> bare;

  std::vector<double> links, bares, ratios, link_cpus, bare_cpus;

  void round() {
    auto y = bare();
    auto x = link();
    links.push_back(x.per_second / unit);
    bares.push_back(y.per_second / unit);
    ratios.push_back(x.per_second / y.per_second);
    link_cpus.push_back(x.cpu_us);
    bare_cpus.push_back(y.cpu_us);
  }

  void print() const {
    auto line = [&](const char* what, const std::vector<double>& x) {
      std::printf("%s%s %.4g\n", name.c_str(), what, median(x));
    };
    line("", links);
    line("_bare", bares);
    line("_vs_bare", ratios);
    line("_cpu_us", link_cpus);
    line("_bare_cpu_us", bare_cpus);
  }
};

site::tls_files files_of(const std::string& folder, const std::string& site) {
  site::tls_files x;
  x.certificate = folder + "/" + site + "/site.crt";
  x.key = folder + "/" + site + "/site.key";
  x.ca = folder + "/ca/ca.crt";
  return x;
}

void run(const std::string& folder, int rounds,
         std::chrono::milliseconds time) {
  two_sites who{files_of(folder, "Site1"), files_of(folder, "Site2")};
  node_pair nodes{who};
  std::vector<contest> all;
  for (std::size_t outstanding : {1, 64})
    all.push_back({"round_trips_" + std::to_string(outstanding),
                   1,
                   [&, outstanding] {
                     return nodes.round_trips(small_bytes, outstanding, time);
                   },
                   [&, outstanding] {
                     return bare_round_trips(who, small_bytes, outstanding,
                                             time);
                   },
                   {},
                   {},
                   {},
                   {},
                   {}});
  all.push_back({"bulk_mb_s",
                 1e6,
                 [&] { return nodes.bulk(bulk_bytes, bulk_outstanding, time); },
                 [&] { return bare_bulk(who, bulk_bytes, time); },
                 {},
                 {},
                 {},
                 {},
                 {}});
  for (int i = 0; i < rounds; ++i)
    for (auto& x : all)
      x.round();
  for (const auto& x : all)
    x.print();
}

} // namespace

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_link FOLDER [ROUNDS [MILLISECONDS]]\n");
    return 2;
  }
  spdlog::set_level(spdlog::level::err);
  auto number = [&](int i, int otherwise) {
    return std::max(1, argc > i ? std::atoi(argv[i]) : otherwise);
  };
  run(argv[1], number(2, 5), std::chrono::milliseconds{number(3, 2000)});
} catch (const std::exception& e) {
  std::fprintf(stderr, "bench_link: %s\n", e.what());
  return 1;
}
