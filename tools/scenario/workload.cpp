#include "tools/scenario/workload.hpp"

#include "tools/scenario/schedule.hpp"
#include "tools/scenario/send.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace cheops::scenario {

namespace {

constexpr std::size_t failures_max = 20;
constexpr std::size_t refusals_max = 5;

const workload_request& choose(const workload& from, seeded& random) {
  std::uint64_t sum = 0;
  for (const auto& x : from.requests)
    sum += x.weight;
  auto left = random.below(sum);
  for (const auto& x : from.requests) {
    if (left < x.weight)
      return x;
    left -= x.weight;
  }
  return from.requests.back();
}

bool failed(const observation& x) {
  return x.failure || x.status >= 500;
}

std::string told(const prepared& request, const observation& seen) {
  return request.method + ' ' + request.url
         + (request.scope.empty() ? "" : ' ' + request.scope) + ": "
         + (seen.failure ? cheops::to_string(*seen.failure)
                         : std::to_string(seen.status) + ' ' + seen.body)
         + " after " + std::to_string(seen.took.count() / 1000) + " ms";
}

} // namespace

namespace {

/// Of a workload at one of its sites.
unsigned clients_at(const workload& x, const std::string& site) {
  if (x.clients_in_all == 0)
    return x.clients;
  auto count = static_cast<unsigned>(x.sites.size());
  auto at = static_cast<unsigned>(
    std::find(x.sites.begin(), x.sites.end(), site) - x.sites.begin());
  return x.clients_in_all / count + (at < x.clients_in_all % count ? 1 : 0);
}

} // namespace

struct load::impl {
  impl(sites& s, std::vector<workload> w) : all(s), workloads(std::move(w)) {}

  void client(const workload& what, live_site& site, std::uint64_t seed);
  void count(const prepared& request, const std::string& service,
             const live_site& site, bool throughout, const observation& seen);
  /// False once the load ends.
  bool pause_until(std::chrono::steady_clock::time_point when) {
    std::unique_lock lock(guard);
    return !ending.wait_until(lock, when, [this] { return over; });
  }

  sites& all;
  const std::vector<workload> workloads;
  mutable std::mutex guard;
  std::condition_variable ending;
  bool over = false;
  std::map<load_key, load_count> counts;
  std::vector<std::string> failures;
  std::vector<std::string> refusals;
  std::vector<std::thread> clients;
};

void load::impl::count(const prepared& request, const std::string& service,
                       const live_site& site, bool throughout,
                       const observation& seen) {
  std::lock_guard lock(guard);
  auto& to = counts[{site.name, service, !request.scope.empty()}];
  ++to.sent;
  if (!failed(seen)) {
    ++(seen.status < 400 ? to.served : to.refused);
    to.longest = std::max(to.longest, seen.took);
  } else if (!throughout) {
    ++to.excused;
  } else {
    ++to.failed;
    if (request.scope.empty() && failures.size() < failures_max)
      failures.push_back(told(request, seen));
  }
  if (!failed(seen) && seen.status >= 400 && refusals.size() < refusals_max
      && !field_of(seen.fields, "Cheops-Error").empty())
    refusals.push_back(told(request, seen));
}

void load::impl::client(const workload& what, live_site& site,
                        std::uint64_t seed) {
  if (!enter(all.network_of(site)))
    return; // Nothing is counted then, and the checks say so.
  seeded random(seed);
  std::vector<std::string> peers;
  for (const auto& x : all.all())
    if (x->index != site.index)
      peers.push_back(x->name);
  auto pace = std::chrono::duration_cast<std::chrono::steady_clock::duration>(
    std::chrono::duration<double>(1 / what.rate));
  auto next = std::chrono::steady_clock::now();
  for (std::uint64_t number = 0; pause_until(next); ++number) {
    const auto& chosen = choose(what, random);
    variables known{
      {"site", site.name},
      {"n", std::to_string(seed % 100'000) + '-' + std::to_string(number)},
      {"peer", peers.empty() ? site.name : peers[random.below(peers.size())]}};
    auto request = prepare(all, chosen.request, known);
    if (!request)
      return;
    auto before = site.epoch.load();
    auto seen = send_here(*request);
    auto after = site.epoch.load();
    count(*request, chosen.request.service, site,
          served_throughout(before, after), seen);
    // A slow answer does not make the next requests come in a burst.
    next = std::max(next + pace, std::chrono::steady_clock::now());
  }
}

load::load(sites& all, std::vector<workload> what, std::uint64_t seed)
  : impl_(std::make_unique<impl>(all, std::move(what))) {
  seeded seeds(seed);
  for (const auto& x : impl_->workloads)
    for (const auto& name : x.sites) {
      auto site = all.find(name);
      for (unsigned i = 0; site && i < clients_at(x, name); ++i)
        impl_->clients.emplace_back(
          [self = impl_.get(), &x, at = *site, own = seeds.next()] {
            self->client(x, *at, own);
          });
    }
}

load::~load() {
  stop();
}

void load::stop() {
  {
    std::lock_guard lock(impl_->guard);
    impl_->over = true;
  }
  impl_->ending.notify_all();
  for (auto& x : impl_->clients)
    x.join();
  impl_->clients.clear();
}

std::map<load_key, load_count> load::counts() const {
  std::lock_guard lock(impl_->guard);
  return impl_->counts;
}

std::vector<std::string> load::failures() const {
  std::lock_guard lock(impl_->guard);
  return impl_->failures;
}

std::vector<std::string> load::refusals() const {
  std::lock_guard lock(impl_->guard);
  return impl_->refusals;
}

} // namespace cheops::scenario
