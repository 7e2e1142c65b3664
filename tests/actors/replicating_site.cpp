#include "actors/replicating_site.hpp"

#include "actors/site_under_test.hpp"

#include <chrono>
#include <future>
#include <random>
#include <stdexcept>

namespace cheops::support {

using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60s;
/// Not all that a test may wait for tells of it.
constexpr auto look_again = 20ms;

/// A call of an application, a commit of a store.
struct {
  std::mutex guard;
  std::condition_variable happened;
} something;

std::string random_store() {
  std::random_device entropy;
  constexpr std::string_view hex = "0123456789abcdef";
  std::string out;
  while (out.size() < 32)
    out += hex[entropy() % 16];
  return out;
}

template <class T>
T wait_for(std::future<T> x) {
  if (x.wait_for(patience) != std::future_status::ready)
    throw std::runtime_error("a question was never answered");
  return x.get();
}

} // namespace

// -- the application ---------------------------------------------------------

void toy_connector::call(replicant::call what,
                         ports::completion<ports::call_result> done) {
  if (throws)
    throw std::runtime_error("a connector that throws");
  std::unique_lock lock{guard_};
  ++calls_;
  ports::call_result out;
  out.what.call = what.id;
  if (unreachable) {
    out.what.how = replicant::call_end::not_sent;
    lock.unlock();
    done(std::move(out));
    return;
  }
  something.happened.notify_all();
  auto reply = app_.act(what, 0);
  out.what.status = reply.status;
  out.what.local_id = reply.id;
  auto answer = std::make_shared<ports::application_answer>();
  answer->status = reply.status;
  answer->body = "of the application, id " + reply.id;
  out.answer = answer;
  if (holds_) {
    held_.push_back([done, out] { done(out); });
    return;
  }
  lock.unlock();
  done(std::move(out));
}

void toy_connector::probe(replicant::probe what,
                          ports::completion<replicant::probed> done) {
  std::unique_lock lock{guard_};
  auto out = app_.look(what);
  lock.unlock();
  done(out);
}

std::optional<std::vector<std::uint64_t>>
toy_connector::tags_of(const std::string& name) const {
  std::lock_guard lock{guard_};
  const auto* x = app_.named(name);
  return x == nullptr ? std::nullopt : std::optional{x->tags};
}

std::size_t toy_connector::calls() const {
  std::lock_guard lock{guard_};
  return calls_;
}

void toy_connector::hold(bool on) {
  std::vector<std::function<void()>> now;
  {
    std::lock_guard lock{guard_};
    holds_ = on;
    if (!on)
      now.swap(held_);
  }
  for (auto& f : now)
    f();
}

// -- the site ----------------------------------------------------------------

replicating_site::replicating_site(const std::string& name,
                                   sim::enforcement how)
  : config(config_of(name)),
    store_id(random_store()),
    app(std::make_shared<toy_connector>(name, how)) {
  plan.rules.tick_ms = 20;
  plan.idle = 60s; // A test that wants sleep says so.
}

replicating_site::~replicating_site() {
  stop();
}

void replicating_site::start() {
  plan.self = config.name;
  plan.store = store;
  plan.store_id = store_id;
  plan.connector = app;
  replicated = actors::replicants::open(plan).value();
  actors::node_events events;
  events.on_view = [this](mesh::view_ptr x) {
    std::lock_guard lock{guard_};
    newest_ = std::move(x);
    changed_.notify_all();
  };
  node =
    actors::node::start(std::make_shared<site::config>(config),
                        {service_id{"Things"}}, std::move(events), replicated)
      .value();
}

void replicating_site::stop() {
  if (node)
    node->stop();
  node.reset();
  newest_.reset();
}

bool replicating_site::until(const std::string& site, mesh::reach state) {
  std::unique_lock lock{guard_};
  return changed_.wait_for(lock, patience, [&] {
    const auto* s = newest_ ? newest_->find(site_id{site}) : nullptr;
    return s != nullptr && s->state == state
           && (state != mesh::reach::up || !s->store.empty());
  });
}

std::optional<ports::local_replica>
replicating_site::find(const std::string& local_id) const {
  return replicated->find(service_id{"Things"}, "thing", local_id);
}

// -- questions ---------------------------------------------------------------

result<ports::write_answer> ask(replicating_site& at,
                                ports::write_request what) {
  auto promise = std::make_shared<std::promise<result<ports::write_answer>>>();
  auto future = promise->get_future();
  at.replicated->submit(
    std::move(what), [promise](auto x) { promise->set_value(std::move(x)); });
  return wait_for(std::move(future));
}

result<std::optional<ports::replicant_view>>
describe(replicating_site& at, const replicant::meta_id& meta) {
  using seen = result<std::optional<ports::replicant_view>>;
  auto promise = std::make_shared<std::promise<seen>>();
  auto future = promise->get_future();
  at.replicated->describe(
    meta, [promise](auto x) { promise->set_value(std::move(x)); });
  return wait_for(std::move(future));
}

bool until(const std::function<bool()>& is_so) {
  auto end = std::chrono::steady_clock::now() + patience;
  std::unique_lock lock{something.guard};
  while (!is_so() && std::chrono::steady_clock::now() < end)
    something.happened.wait_for(lock, look_again);
  return is_so();
}

} // namespace cheops::support
