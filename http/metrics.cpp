#include "http/metrics.hpp"

#include "http/process.hpp"
#include "http/text.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <map>
#include <mutex>
#include <sstream>
#include <vector>

namespace cheops::http {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;
using labelled = std::vector<std::pair<std::string, double>>;

constexpr std::size_t refusals = static_cast<std::size_t>(refusal::count_);
constexpr std::size_t bounds = static_cast<std::size_t>(bound::count_);
constexpr std::size_t label_bytes_max = 128;
constexpr std::size_t exchange_sets_max = 512; // Per shard; powers of two.
constexpr std::size_t duration_sets_max = 64;
constexpr std::size_t front_sets_max = 64;
constexpr std::size_t endpoint_sets_max = 256;

/// Upper bounds of the latency buckets.
constexpr std::array<std::uint64_t, 18> bounds_us{
  100,       250,       500,       1'000,      2'500,      5'000,
  10'000,    25'000,    50'000,    100'000,    250'000,    500'000,
  1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000};

/// A number that one thread writes and others may read. Cheaper than an
/// atomic addition: there is no second writer.
template <class T>
class cell {
public:
  void add(T x) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + x,
                 std::memory_order_relaxed);
  }
  [[nodiscard]] T load() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

private:
  std::atomic<T> value_{0};
};

std::uint64_t hash(std::string_view x, std::uint64_t h) noexcept {
  for (auto c : x) // FNV-1a.
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return (h ^ 0xFF) * 0x100000001B3U; // Ends the text.
}

/// Label sets and what is counted for each: a table that never grows, so that
/// a reader may walk it while its one writer inserts.
template <class Key, class Value, std::size_t Size>
class table {
  static_assert((Size & (Size - 1)) == 0);

public:
  struct slot {
    std::atomic<bool> ready{false};
    std::uint64_t hash = 0;
    Key key;
    Value value;
  };

  /// The slot of a key, made if there is none; the last one is kept for
  /// `Key::other()`.
  template <class View>
  Value& at(const View& wanted) {
    auto h = wanted.hashed();
    if (last_ != nullptr && last_->hash == h && wanted.equals(last_->key))
      return last_->value;
    last_ = find(wanted, h);
    return last_->value;
  }

  template <class Visit>
  void each(Visit visit) const {
    for (auto& x : slots_)
      if (x.ready.load(std::memory_order_acquire))
        visit(x.key, x.value);
    if (other_.ready.load(std::memory_order_acquire))
      visit(other_.key, other_.value);
  }

private:
  template <class View>
  slot* find(const View& wanted, std::uint64_t h) {
    for (std::size_t probe = 0; probe < Size; ++probe) {
      auto& x = slots_[(h + probe) & (Size - 1)];
      if (!x.ready.load(std::memory_order_relaxed)) {
        if (used_ >= Size * 3 / 4) // Probing stays short.
          break;
        ++used_;
        x.hash = h;
        x.key = wanted.owned();
        x.ready.store(true, std::memory_order_release);
        return &x;
      }
      if (x.hash == h && wanted.equals(x.key))
        return &x;
    }
    if (!other_.ready.load(std::memory_order_relaxed)) {
      other_.key = Key::other();
      other_.ready.store(true, std::memory_order_release);
    }
    return &other_;
  }

  std::array<slot, Size> slots_;
  slot other_;
  slot* last_ = nullptr;
  std::size_t used_ = 0;
};

std::string label(std::string_view x) {
  return clean_utf8(x, label_bytes_max);
}

// An implausible status of a strange upstream is no label of its own.
unsigned known_status(unsigned x) {
  return x >= 100 && x <= 599 ? x : 0;
}

struct exchange_key {
  std::string service, plan, site;
  unsigned status = 0; ///< 0: none, or "other".
  bool is_other = false;
  static exchange_key other() { return {"other", "other", "other", 0, true}; }
  auto operator<=>(const exchange_key&) const = default;
};

struct exchange_view {
  std::string_view service, plan, site;
  unsigned status;
  [[nodiscard]] std::uint64_t hashed() const noexcept {
    return hash(site,
                hash(plan, hash(service, 14695981039346656037U + status)));
  }
  [[nodiscard]] bool equals(const exchange_key& x) const noexcept {
    return status == x.status && service == x.service && plan == x.plan
           && site == x.site;
  }
  [[nodiscard]] exchange_key owned() const {
    return {std::string{service}, std::string{plan}, std::string{site}, status,
            false};
  }
};

struct pair_key {
  std::string first, second;
  static pair_key other() { return {"other", "other"}; }
  auto operator<=>(const pair_key&) const = default;
};

struct pair_view {
  std::string_view first, second;
  [[nodiscard]] std::uint64_t hashed() const noexcept {
    return hash(second, hash(first, 14695981039346656037U));
  }
  [[nodiscard]] bool equals(const pair_key& x) const noexcept {
    return first == x.first && second == x.second;
  }
  [[nodiscard]] pair_key owned() const {
    return {std::string{first}, std::string{second}};
  }
};

struct histogram {
  std::array<cell<std::uint64_t>, bounds_us.size() + 1> buckets;
  cell<std::uint64_t> sum_ns;

  void add(std::uint64_t ns) noexcept {
    auto at =
      std::lower_bound(bounds_us.begin(), bounds_us.end(), (ns + 999) / 1000);
    buckets[static_cast<std::size_t>(at - bounds_us.begin())].add(1);
    sum_ns.add(ns);
  }
};

struct durations_sum {
  std::array<std::uint64_t, bounds_us.size() + 1> buckets{};
  std::uint64_t sum_ns = 0;
};

struct pool_cells {
  cell<std::int64_t> idle, busy;
};

struct pool_sum {
  std::int64_t idle = 0, busy = 0;
};

class shard_impl final : public metrics::shard {
public:
  void exchange(std::string_view service, std::string_view plan,
                std::string_view site, unsigned status,
                std::chrono::nanoseconds took) noexcept override {
    exchanges_.at(exchange_view{service, plan, site, known_status(status)})
      .add(1);
    auto ns = took.count() < 0 ? 0 : static_cast<std::uint64_t>(took.count());
    durations_.at(pair_view{service, plan}).add(ns);
  }
  void refused(refusal why) noexcept override {
    assert(why < refusal::count_);
    refused_[static_cast<std::size_t>(why)].add(1);
  }
  void hit(bound which) noexcept override {
    assert(which < bound::count_);
    hit_[static_cast<std::size_t>(which)].add(1);
  }
  void connections(std::string_view front, int change) noexcept override {
    fronts_.at(pair_view{front, {}}).add(change);
  }
  void pooled(std::string_view endpoint, int idle_change,
              int busy_change) noexcept override {
    auto& x = pools_.at(pair_view{endpoint, {}});
    x.idle.add(idle_change);
    x.busy.add(busy_change);
  }
  void tunnels(int change) noexcept override { tunnels_.add(change); }
  void bytes(std::uint64_t from_client,
             std::uint64_t to_client) noexcept override {
    from_client_.add(from_client);
    to_client_.add(to_client);
  }

private:
  friend struct sums;
  table<exchange_key, cell<std::uint64_t>, exchange_sets_max> exchanges_;
  table<pair_key, histogram, duration_sets_max> durations_;
  table<pair_key, cell<std::int64_t>, front_sets_max> fronts_;
  table<pair_key, pool_cells, endpoint_sets_max> pools_;
  std::array<cell<std::uint64_t>, refusals> refused_;
  std::array<cell<std::uint64_t>, bounds> hit_;
  cell<std::int64_t> tunnels_;
  cell<std::uint64_t> from_client_, to_client_;
};

/// All shards, added up.
struct sums {
  std::map<exchange_key, std::uint64_t> exchanges;
  std::map<pair_key, durations_sum> durations;
  std::map<std::string, std::int64_t> fronts;
  std::map<std::string, pool_sum> pools;
  std::array<std::uint64_t, refusals> refused{};
  std::array<std::uint64_t, bounds> hit{};
  std::int64_t tunnels = 0;
  std::uint64_t from_client = 0, to_client = 0;

  void add(const shard_impl& x) {
    x.exchanges_.each([this](const exchange_key& k, const auto& v) {
      exchanges[k] += v.load();
    });
    x.durations_.each([this](const pair_key& k, const histogram& v) {
      auto& to = durations[k];
      for (std::size_t i = 0; i < to.buckets.size(); ++i)
        to.buckets[i] += v.buckets[i].load();
      to.sum_ns += v.sum_ns.load();
    });
    x.fronts_.each([this](const pair_key& k, const auto& v) {
      fronts[k.first] += v.load();
    });
    x.pools_.each([this](const pair_key& k, const pool_cells& v) {
      auto& to = pools[k.first];
      to.idle += v.idle.load();
      to.busy += v.busy.load();
    });
    for (std::size_t i = 0; i < refusals; ++i)
      refused[i] += x.refused_[i].load();
    for (std::size_t i = 0; i < bounds; ++i)
      hit[i] += x.hit_[i].load();
    tunnels += x.tunnels_.load();
    from_client += x.from_client_.load();
    to_client += x.to_client_.load();
  }
};

class families {
public:
  void open(std::string name, std::string help, MetricType type) {
    MetricFamily x;
    x.name = std::move(name);
    x.help = std::move(help);
    x.type = type;
    all.push_back(std::move(x));
  }
  /// A sample of the family opened last.
  void put(labels of, double value) {
    ClientMetric x;
    x.label = std::move(of);
    if (all.back().type == MetricType::Counter)
      x.counter.value = value;
    else
      x.gauge.value = value;
    all.back().metric.push_back(std::move(x));
  }
  void put(labels of, const durations_sum& from) {
    ClientMetric x;
    x.label = std::move(of);
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < from.buckets.size(); ++i) {
      count += from.buckets[i];
      auto le = i < bounds_us.size() ? static_cast<double>(bounds_us[i]) / 1e6
                                     : std::numeric_limits<double>::infinity();
      x.histogram.bucket.push_back({count, le});
    }
    x.histogram.sample_count = count;
    x.histogram.sample_sum = static_cast<double>(from.sum_ns) / 1e9;
    all.back().metric.push_back(std::move(x));
  }
  std::vector<MetricFamily> all;
};

template <class T>
double number(T x) {
  return static_cast<double>(x);
}

void put_traffic(families& to, const sums& from) {
  to.open("cheops_requests_total", "Exchanges that have ended.",
          MetricType::Counter);
  for (auto& [k, count] : from.exchanges)
    to.put({{"service", label(k.service)},
            {"plan", label(k.plan)},
            {"site", label(k.site)},
            {"status", k.is_other ? "other" : std::to_string(k.status)}},
           number(count));
  to.open("cheops_request_duration_seconds",
          "From the request's head to the end of its answer.",
          MetricType::Histogram);
  for (auto& [k, d] : from.durations)
    to.put({{"service", label(k.first)}, {"plan", label(k.second)}}, d);
  to.open("cheops_refused_total", "Messages refused or cut off, by reason.",
          MetricType::Counter);
  for (std::size_t i = 0; i < refusals; ++i)
    to.put({{"reason", std::string{to_string(static_cast<refusal>(i))}}},
           number(from.refused[i]));
  to.open("cheops_limits_hit_total",
          "Bounds reached that turned nobody away, by limit.",
          MetricType::Counter);
  for (std::size_t i = 0; i < bounds; ++i)
    to.put({{"limit", std::string{to_string(static_cast<bound>(i))}}},
           number(from.hit[i]));
  to.open("cheops_connections", "Connections accepted and open.",
          MetricType::Gauge);
  for (auto& [front, n] : from.fronts)
    to.put({{"front", label(front)}}, number(n));
  to.open("cheops_upstream_connections",
          "Connections to backends and peer fronts.", MetricType::Gauge);
  for (auto& [endpoint, x] : from.pools) {
    to.put({{"endpoint", label(endpoint)}, {"state", "idle"}}, number(x.idle));
    to.put({{"endpoint", label(endpoint)}, {"state", "busy"}}, number(x.busy));
  }
  to.open("cheops_tunnels", "Upgraded connections that are open.",
          MetricType::Gauge);
  to.put({}, number(from.tunnels));
  to.open("cheops_bytes_total", "Bytes of bodies and tunnels.",
          MetricType::Counter);
  to.put({{"direction", "from_client"}}, number(from.from_client));
  to.put({{"direction", "to_client"}}, number(from.to_client));
}

double seconds(std::chrono::microseconds x) {
  return number(x.count()) / 1e6;
}

void put_sites(families& to, const mesh::view& v) {
  std::map<mesh::reach, std::size_t> by_state;
  for (auto state : {mesh::reach::self, mesh::reach::connecting,
                     mesh::reach::up, mesh::reach::down})
    by_state[state] = 0;
  for (auto& x : v.sites)
    ++by_state[x.state];
  to.open("cheops_sites", "Sites known, by how they are reached.",
          MetricType::Gauge);
  for (auto& [state, n] : by_state)
    to.put({{"state", std::string{mesh::to_string(state)}}}, number(n));
}

/// One family of one number per peer.
template <class Read>
void put_peers(families& to, const mesh::view& v, std::string name,
               std::string help, MetricType type, Read read) {
  to.open(std::move(name), std::move(help), type);
  for (auto& x : v.sites)
    if (x.name != v.self)
      to.put({{"peer", label(x.name.value)}}, read(x));
}

void put_links(families& to, const mesh::view& v) {
  put_peers(to, v, "cheops_link_up", "1 while heartbeats are answered.",
            MetricType::Gauge, [](const mesh::site& x) {
              return x.state == mesh::reach::up ? 1.0 : 0.0;
            });
  to.open("cheops_link_round_trip_seconds", "As heartbeats measured it.",
          MetricType::Gauge);
  if (auto* self = v.find(v.self))
    for (auto& [peer, rtt] : self->round_trips)
      if (peer != v.self)
        to.put({{"peer", label(peer.value)}}, seconds(rtt));
  to.open("cheops_link_bytes_total", "Bytes of frames.", MetricType::Counter);
  for (auto& x : v.sites) {
    if (x.name == v.self)
      continue;
    auto peer = label(x.name.value);
    to.put({{"peer", peer}, {"direction", "sent"}}, number(x.stats.bytes_sent));
    to.put({{"peer", peer}, {"direction", "received"}},
           number(x.stats.bytes_received));
  }
  put_peers(to, v, "cheops_link_dials_total", "Attempts to reach the peer.",
            MetricType::Counter,
            [](const mesh::site& x) { return number(x.stats.dials); });
  put_peers(to, v, "cheops_link_down_total", "Times that the link was lost.",
            MetricType::Counter,
            [](const mesh::site& x) { return number(x.stats.times_down); });
  put_peers(to, v, "cheops_link_refused_total",
            "Messages for the peer beyond limits.link_output_bytes.",
            MetricType::Counter,
            [](const mesh::site& x) { return number(x.stats.refused); });
  put_peers(to, v, "cheops_link_stalls_total",
            "Times that messages had to wait until the peer took more.",
            MetricType::Counter,
            [](const mesh::site& x) { return number(x.stats.stalls); });
  put_peers(to, v, "cheops_link_held_bytes",
            "Of the peer's messages, not done with here; at most "
            "limits.link_input_bytes.",
            MetricType::Gauge,
            [](const mesh::site& x) { return number(x.stats.held_bytes); });
}

void put_process(families& to) {
  auto x = read_process();
  to.open("process_resident_memory_bytes", "Resident memory.",
          MetricType::Gauge);
  to.put({}, number(x.resident_bytes));
  to.open("process_virtual_memory_bytes", "Virtual memory.", MetricType::Gauge);
  to.put({}, number(x.virtual_bytes));
  to.open("process_open_fds", "Open file descriptors.", MetricType::Gauge);
  to.put({}, number(x.open_fds));
  to.open("process_max_fds", "The limit on them.", MetricType::Gauge);
  to.put({}, number(x.max_fds));
  to.open("process_cpu_seconds_total", "User and system time.",
          MetricType::Counter);
  to.put({}, x.cpu_seconds);
  to.open("process_start_time_seconds", "Start of the process (Unix time).",
          MetricType::Gauge);
  to.put({}, x.start_seconds);
}

class metrics_impl final : public metrics {
public:
  shard& add_shard() override {
    auto made = std::make_unique<shard_impl>();
    std::lock_guard guard{mutex_};
    shards_.push_back(std::move(made));
    return *shards_.back();
  }

  void publish(mesh::view_ptr view) override {
    std::lock_guard guard{mutex_};
    view_ = std::move(view);
  }

  void add_gauge(std::string name, std::string help,
                 std::function<double()> read) override {
    std::lock_guard guard{mutex_};
    auto one = [read = std::move(read)] {
      return labelled{{std::string{}, read()}};
    };
    gauges_[std::move(name)] = {std::move(help), {}, std::move(one)};
  }

  void add_gauges(std::string name, std::string help, std::string of,
                  std::function<labelled()> read) override {
    std::lock_guard guard{mutex_};
    gauges_[std::move(name)] = {std::move(help), std::move(of),
                                std::move(read)};
  }

  std::string render() const override {
    families out;
    sums total;
    mesh::view_ptr view;
    std::map<std::string, read_later> gauges;
    {
      std::lock_guard guard{mutex_};
      for (auto& x : shards_)
        total.add(*x);
      view = view_;
      gauges = gauges_; // They are called without the lock.
    }
    put_traffic(out, total);
    if (view) {
      put_sites(out, *view);
      put_links(out, *view);
    }
    for (auto& [name, x] : gauges) {
      out.open(name, x.help,
               name.ends_with("_total") ? MetricType::Counter
                                        : MetricType::Gauge);
      for (auto& [value, count] : x.read())
        out.put(x.label.empty() ? labels{} : labels{{x.label, label(value)}},
                count);
    }
    put_process(out);
    std::erase_if(out.all, [](const auto& x) { return x.metric.empty(); });
    std::ostringstream text;
    prometheus::TextSerializer{}.Serialize(text, out.all);
    return text.str();
  }

private:
  struct read_later {
    std::string help;
    std::string label; ///< Empty: there is one number.
    std::function<labelled()> read;
  };
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<shard_impl>> shards_;
  mesh::view_ptr view_;
  std::map<std::string, read_later> gauges_;
};

} // namespace

std::string_view to_string(refusal x) noexcept {
  static constexpr std::array<std::string_view, refusals> names{
    "obs_fold",
    "bad_host",
    "bad_framing",
    "bad_chunk",
    "bad_syntax",
    "header_too_large",
    "target_too_long",
    "too_many_fields",
    "slow_header",
    "too_many_connections",
    "no_upstream_slot",
    "loop",
    "hops",
    "not_allowed",
    "bad_scope",
    "not_built",
    "bad_peer_certificate",
    "idle",
    "upstream_timeout",
    "upstream_broken",
    "peer_unreachable",
    "correlations_full",
    "no_quorum",
    "undecided",
    "precondition",
    "entry_too_large",
    "no_replication",
    "bad_handshake"};
  assert(x < refusal::count_);
  return names[static_cast<std::size_t>(x)];
}

std::string_view to_string(bound x) noexcept {
  static constexpr std::array<std::string_view, bounds> names{
    "buffer_bytes", "retry_body_bytes", "upstream_connections", "upstream_idle",
    "plans"};
  assert(x < bound::count_);
  return names[static_cast<std::size_t>(x)];
}

std::shared_ptr<metrics> metrics::make() {
  return std::make_shared<metrics_impl>();
}

} // namespace cheops::http
