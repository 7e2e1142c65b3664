#include "bench/node_pair.hpp"

#include "actors/local_node.hpp"
#include "tools/scenario/free_port.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

namespace cheops::bench {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// Asked by the benchmark, counted by its actors.
struct counts {
  std::atomic<std::size_t> done = 0;
  std::atomic<std::size_t> lost = 0; ///< Not taken by the link.
  std::atomic<std::size_t> under_way = 0;
  std::atomic<bool> running = true;
};
using counts_ptr = std::shared_ptr<counts>;

struct asker_state {
  static inline const char* name = "asker";
  std::shared_ptr<actors::router> router;
  wire::envelope question;
  counts_ptr counted;
};
using asker_ptr = caf::stateful_actor<asker_state>*;

void ask(asker_ptr self) {
  auto& st = self->state;
  if (!st.counted->running)
    return;
  ++st.counted->under_way;
  st.router->post(st.question);
}

caf::behavior asker(asker_ptr self,
                    const std::shared_ptr<actors::router>& router,
                    const wire::envelope& question, const counts_ptr& counted) {
  self->state.router = router;
  self->state.question = question;
  self->state.counted = counted;
  return {
    [self](atom::begin, std::uint64_t outstanding) {
      for (; outstanding > 0; --outstanding)
        ask(self);
    },
    [self](const actors::delivered& x) {
      auto& c = *self->state.counted;
      ++(x.envelope.how == wire::delivery::message ? c.done : c.lost);
      --c.under_way;
      ask(self);
    },
  };
}

/// Sends each envelope back: of kind "echo" whole, else without its payload.
caf::behavior answerer(caf::event_based_actor*,
                       const std::shared_ptr<actors::router>& router) {
  return {
    [router](actors::delivered& x) {
      auto& e = x.envelope;
      wire::envelope back;
      back.to = {x.origin, e.from_kind, e.from_resource};
      back.id = e.id;
      if (e.to.kind == "echo")
        back.payload = std::move(e.payload);
      router->post(std::move(back));
    },
  };
}

site::config config_of(const std::string& name, site::tls_files tls) {
  site::config x;
  x.name = site_id{name};
  x.link.listen = {"127.0.0.1", scenario::free_port().value()};
  x.tls = std::move(tls);
  return x;
}

std::unique_ptr<actors::local_node> start(site::config config) {
  auto x = actors::local_node::start(
    std::make_shared<site::config>(std::move(config)), {}, {});
  if (!x)
    throw std::runtime_error(to_string(x.error()));
  return std::move(*x);
}

template <class Predicate>
void wait(Predicate is_so, const char* what) {
  for (auto end = clock::now() + 10s; !is_so();) {
    if (clock::now() > end)
      throw std::runtime_error(what);
    std::this_thread::sleep_for(1ms);
  }
}

} // namespace

struct node_pair::inside {
  std::unique_ptr<actors::local_node> a;
  std::unique_ptr<actors::local_node> b;
  caf::actor answers;

  /// Lets questions of one kind go round; gives how many came back.
  figure run(const std::string& kind, std::size_t bytes,
             std::size_t outstanding, std::chrono::milliseconds time);
};

figure node_pair::inside::run(const std::string& kind, std::size_t bytes,
                              std::size_t outstanding,
                              std::chrono::milliseconds time) {
  auto counted = std::make_shared<counts>();
  wire::envelope question;
  question.to = {site_id{"Site2"}, kind, "benchmark"};
  question.from_kind = "asker";
  question.payload.assign(bytes, 'x');
  auto asks = a->system().spawn(asker, a->router(), question, counted);
  b->router()->attach(kind, answers);
  a->router()->attach("asker", asks);
  auto began = clock::now();
  auto cpu_began = cpu_time();
  caf::anon_send(asks, atom::begin_v, std::uint64_t{outstanding});
  std::this_thread::sleep_for(time);
  auto done = static_cast<double>(counted->done);
  std::chrono::duration<double> wall = clock::now() - began;
  auto cpu = static_cast<double>((cpu_time() - cpu_began).count());
  counted->running = false;
  wait([&] { return counted->under_way == 0; }, "an answer did not come");
  caf::anon_send_exit(asks, caf::exit_reason::kill);
  if (counted->lost > 0)
    throw std::runtime_error("the link did not take an envelope");
  return {done / wall.count(), cpu / done};
}

node_pair::node_pair(const two_sites& who)
  : inside_(std::make_unique<inside>()) {
  auto a = config_of("Site1", who.a), b = config_of("Site2", who.b);
  a.peers.push_back({b.name, b.link.listen, {}});
  inside_->a = start(a);
  inside_->b = start(b);
  wait(
    [&] {
      const auto* x = inside_->a->view()->find(site_id{"Site2"});
      return x != nullptr && x->state == mesh::reach::up;
    },
    "the link did not come up");
  inside_->answers = inside_->b->system().spawn(answerer, inside_->b->router());
}

node_pair::~node_pair() {
  caf::anon_send_exit(inside_->answers, caf::exit_reason::kill);
}

figure node_pair::round_trips(std::size_t bytes, std::size_t outstanding,
                              std::chrono::milliseconds time) {
  return inside_->run("echo", bytes, outstanding, time);
}

figure node_pair::bulk(std::size_t bytes, std::size_t outstanding,
                       std::chrono::milliseconds time) {
  auto x = inside_->run("sink", bytes, outstanding, time);
  auto each = static_cast<double>(bytes);
  return {x.per_second * each, x.cpu_us / (each / 1e6)};
}

} // namespace cheops::bench
