#include "http/server.hpp"

#include "http/listener.hpp"
#include "http/session.hpp"
#include "http/worker.hpp"

#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace cheops::http {

namespace {

namespace asio = boost::asio;

class server_impl final : public server {
public:
  server_impl(settings_ptr with, std::shared_ptr<plane> shared)
    : with_(std::move(with)), shared_(std::move(shared)) {}
  ~server_impl() override { stop(std::chrono::milliseconds{0}); }

  result<void> open();
  void run();

  void publish(mesh::view_ptr view) override;
  void publish(mesh::fault_table faults) override;
  result<void> reload(std::shared_ptr<const site::config> config) override;
  void stop(std::chrono::milliseconds grace) override;
  result<void> health() override;
  std::vector<std::uint16_t> ports() const override { return ports_; }

private:
  /// Calls `what(worker)` on each thread.
  template <class F>
  void tell(F what) {
    for (auto& x : workers_)
      asio::post(x->io, [&on = *x, what] { what(on); });
  }

  settings_ptr with_;
  std::shared_ptr<plane> shared_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<std::thread> threads_;
  std::vector<std::uint16_t> ports_;
  std::mutex one_at_a_time_; ///< Callers of reload and stop; no request.
};

unsigned threads_of(const site::config& x) {
  if (x.threads != 0)
    return x.threads;
  return std::max(1U, std::thread::hardware_concurrency());
}

result<void> server_impl::open() {
  auto listens = [&] {
    std::vector<mesh::address> out;
    for (const auto& x : with_->fronts)
      out.push_back(x.config.listen);
    if (with_->config->peer_front.listen.port != 0)
      out.push_back(with_->config->peer_front.listen);
    return out;
  }();
  for (std::size_t i = 0; i <= with_->fronts.size(); ++i)
    shared_->connections.push_back(std::make_unique<front_count>(0));
  for (unsigned n = 0; n < threads_of(*with_->config); ++n) {
    auto& on = *workers_.emplace_back(std::make_unique<worker>(shared_, with_));
    for (std::size_t i = 0; i < listens.size(); ++i) {
      auto& x = *on.listeners.emplace_back(std::make_unique<listener>(on, i));
      if (auto opened = x.open(listens[i], n == 0); !opened)
        return opened.error();
      // Port 0 takes a free one; the other threads listen there too.
      if (n == 0) {
        listens[i].port = x.port();
        ports_.push_back(x.port());
      }
    }
  }
  return {};
}

void server_impl::run() {
  for (auto& x : workers_)
    threads_.emplace_back([&on = *x] {
      auto guard = asio::make_work_guard(on.io);
      for (auto& l : on.listeners)
        l->start();
      on.io.run();
    });
}

void server_impl::publish(mesh::view_ptr view) {
  tell([view](worker& on) { on.publish(view); });
}

void server_impl::publish(mesh::fault_table faults) {
  auto table = std::make_shared<const mesh::fault_table>(std::move(faults));
  tell([table](worker& on) { on.publish(*table); });
}

/// The fronts in the order of those that listen; an error where the set of
/// them is another.
result<void> in_order(settings& next, const settings& now) {
  std::vector<front_settings> fronts;
  for (const auto& old : now.fronts) {
    const auto* x = next.front_of(old.service->name);
    if (x == nullptr || x->config.listen != old.config.listen
        || (x->accepts == nullptr) != (old.accepts == nullptr)
        || next.fronts.size() != now.fronts.size())
      return error{errc::bad_config,
                   "fronts cannot be added, moved or removed while running",
                   now.config->name.value, "reload",
                   "restart the node for that"};
    fronts.push_back(*x);
  }
  next.fronts = std::move(fronts);
  if ((next.peer_accepts == nullptr) != (now.peer_accepts == nullptr))
    return error{errc::bad_config,
                 "tls between sites cannot be turned on or off while running",
                 now.config->name.value, "reload", "restart the node for that"};
  return {};
}

result<void> server_impl::reload(std::shared_ptr<const site::config> config) {
  std::lock_guard lock{one_at_a_time_};
  auto made = settings::make(std::move(config), with_->app);
  if (!made)
    return made.error();
  auto next = std::make_shared<settings>(**made);
  if (auto same = in_order(*next, *with_); !same)
    return same.error();
  if (shared_->log)
    if (auto opened = shared_->log->reopen(); !opened)
      spdlog::warn("{}", to_string(opened.error()));
  with_ = next;
  shared_->traces->configure(with_->config->bounds.correlations,
                             with_->config->times.correlation);
  tell([with = with_](worker& on) { on.reload(with); });
  return {};
}

/// What the threads answer; it may come when nobody waits any more.
struct roll_call {
  std::mutex guard;
  std::condition_variable changed;
  std::size_t answers = 0;
  std::vector<std::uint16_t> deaf; ///< Ports where some thread hears nobody.
};

result<void> server_impl::health() {
  constexpr std::chrono::seconds patience{1};
  auto failed = [this](std::string what) -> result<void> {
    return error{errc::io, std::move(what), with_->config->name.value,
                 "serve fronts", "read the log; restart the node"};
  };
  auto calls = std::make_shared<roll_call>();
  tell([calls, ports = ports_](worker& on) {
    std::lock_guard lock{calls->guard};
    for (std::size_t i = 0; i < on.listeners.size(); ++i)
      if (!on.listeners[i]->is_open())
        calls->deaf.push_back(ports[i]);
    ++calls->answers;
    calls->changed.notify_one();
  });
  std::unique_lock lock{calls->guard};
  if (!calls->changed.wait_for(
        lock, patience, [&] { return calls->answers == workers_.size(); }))
    return failed(std::to_string(workers_.size() - calls->answers) + " of "
                  + std::to_string(workers_.size())
                  + " event loops do not answer");
  if (!calls->deaf.empty())
    return failed("nobody listens on port "
                  + std::to_string(calls->deaf.front()));
  return {};
}

void server_impl::stop(std::chrono::milliseconds grace) {
  std::lock_guard lock{one_at_a_time_};
  if (threads_.empty())
    return;
  tell([grace](worker& on) {
    if (grace.count() <= 0) {
      for (auto& x : on.listeners)
        x->close();
      on.cut_off();
      return;
    }
    on.drain();
    if (on.stopped)
      return;
    auto timer = std::make_shared<asio::steady_timer>(on.io, grace);
    timer->async_wait(
      [&on, timer](const boost::system::error_code&) { on.cut_off(); });
  });
  for (auto& x : threads_)
    x.join();
  threads_.clear();
}

/// The counters may outlive the server: they do not hold what they read.
void add_gauges(metrics& to, const plane& from) {
  std::weak_ptr<traffic::correlation> traces = from.traces;
  to.add_gauge("cheops_correlations", "Scoped traces that are remembered.",
               [traces] {
                 auto x = traces.lock();
                 return x ? static_cast<double>(x->size()) : 0;
               });
  to.add_gauge("cheops_correlations_evicted_total",
               "Traces forgotten before their time, to make room.", [traces] {
                 auto x = traces.lock();
                 return x ? static_cast<double>(x->evicted()) : 0;
               });
  std::weak_ptr<access_log> log = from.log;
  to.add_gauge("cheops_access_log_dropped_total",
               "Lines of the access log that were lost.", [log] {
                 auto x = log.lock();
                 return x ? static_cast<double>(x->dropped()) : 0;
               });
}

} // namespace

result<std::unique_ptr<server>>
server::start(std::shared_ptr<const site::config> config,
              std::shared_ptr<const application::description> app,
              std::shared_ptr<metrics> counters,
              std::shared_ptr<traffic::adapter> adapted,
              std::shared_ptr<ports::replication> replicas) {
  auto with = settings::make(config, std::move(app));
  if (!with)
    return with.error();
  auto shared = std::make_shared<plane>();
  shared->traces = std::make_shared<traffic::correlation>(
    config->bounds.correlations, config->times.correlation);
  shared->adapted = std::move(adapted);
  shared->replicas = std::move(replicas);
  shared->counters = std::move(counters);
  shared->loop_key = loop_tags::fresh_key();
  if (!config->log.access.empty()) {
    auto log = access_log::open(config->log.access, config->name.value);
    if (!log)
      return log.error();
    shared->log = *log;
  }
  add_gauges(*shared->counters, *shared);
  auto made = std::make_unique<server_impl>(*with, std::move(shared));
  if (auto opened = made->open(); !opened)
    return opened.error();
  made->run();
  return std::unique_ptr<server>{std::move(made)};
}

} // namespace cheops::http
