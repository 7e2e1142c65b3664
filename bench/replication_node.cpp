#include "bench/replication_node.hpp"

#include "actors/node.hpp"
#include "store/rocks.hpp"

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <sys/stat.h>

namespace cheops::bench {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using request = http::request<http::string_body>;
using response = http::response<http::string_body>;
using namespace std::chrono_literals;

const service_id things{"Things"};
constexpr std::string_view kind = "thing";
constexpr std::uint32_t settles_after_ms = 1000;

/// An application that answers at once and keeps nothing.
class instant_application final : public ports::connector {
public:
  void call(replicant::call what,
            ports::completion<ports::call_result> done) override {
    ports::call_result out;
    out.what.call = what.id;
    out.what.status = 200;
    if (what.does == replicant::change::create) {
      out.what.status = 201;
      out.what.local_id = "thing" + std::to_string(next_++);
    }
    done(std::move(out));
  }
  void probe(replicant::probe what,
             ports::completion<replicant::probed> done) override {
    replicant::probed out;
    out.call = what.id;
    out.what = replicant::finding::absent;
    done(out);
  }

private:
  std::atomic<std::uint64_t> next_{1};
};

/// The node, and what the load may ask of it.
class bench_node {
public:
  explicit bench_node(const node_settings& with) : name_(with.name) {
    ::mkdir(with.data.c_str(), 0700);
    store::rocks_options at;
    at.folder = with.data + "/store";
    auto opened = store::rocks::open(at);
    if (!opened)
      throw std::runtime_error(to_string(opened.error()));
    actors::replication_plan plan;
    plan.self = site_id{with.name};
    plan.store_id = (*opened)->id();
    plan.store = std::move(*opened);
    plan.connector = std::make_shared<instant_application>();
    auto replicated = actors::replicants::open(std::move(plan));
    if (!replicated)
      throw std::runtime_error(to_string(replicated.error()));
    replicated_ = std::move(*replicated);
    site::config config;
    config.name = site_id{with.name};
    config.data = with.data;
    config.link.listen = {"127.0.0.1", with.link};
    for (const auto& [name, port] : with.peers) {
      config.peers.push_back(
        {site_id{name}, mesh::address{"127.0.0.1", port}, {}});
      sites_.emplace_back(name);
    }
    sites_.emplace_back(with.name);
    auto node = actors::node::start(
      std::make_shared<site::config>(std::move(config)), {}, {}, replicated_);
    if (!node)
      throw std::runtime_error(to_string(node.error()));
    node_ = std::move(*node);
    delay_ = with.delay;
    fault(false);
  }

  ports::replication& replicated() { return *replicated_; }

  [[nodiscard]] ports::write_request create(std::string name) const {
    ports::write_request x;
    x.on = ports::creation{sites_, {}, {}, {}};
    x.what.does = replicant::change::create;
    x.what.what.method = "POST";
    x.what.what.target = "/things";
    x.what.what.body = std::move(name);
    describe(x.what);
    x.until = replicant::wait_for::all;
    x.patience = 30s;
    return x;
  }

  [[nodiscard]] static ports::write_request
  replace(const replicant::meta_id& meta, std::string body, bool decided) {
    ports::write_request x;
    x.on = meta;
    x.what.does = replicant::change::replace;
    x.what.what.method = "PUT";
    x.what.what.target = "/things/x";
    x.what.what.slots.push_back({replicant::slot::place::segment, 1, {}, meta});
    x.what.what.body = std::move(body);
    describe(x.what);
    x.until =
      decided ? replicant::wait_for::decided : replicant::wait_for::here;
    x.patience = 30s;
    return x;
  }

  void fault(bool cut) {
    mesh::fault_table all;
    for (const auto& x : sites_) {
      auto& f = all[x];
      f.in.cut = f.out.cut = cut;
      f.out.delay = delay_;
    }
    node_->publish(std::move(all));
  }

  /// How many peers are linked.
  [[nodiscard]] std::size_t linked() const {
    std::size_t n = 0;
    for (const auto& x : node_->view()->sites)
      n += x.state == mesh::reach::up && !x.store.empty() ? 1 : 0;
    return n;
  }

  /// Frames to and from peers.
  [[nodiscard]] std::uint64_t frames() const {
    std::uint64_t n = 0;
    for (const auto& x : node_->view()->sites)
      n += x.stats.frames_sent + x.stats.frames_received;
    return n;
  }

  void stop() { node_->stop(); }

private:
  static void describe(replicant::operation& x) {
    x.service = things;
    x.kind = kind;
    x.settle = replicant::settling::repeat;
    x.settles_after_ms = settles_after_ms;
  }

  std::string name_;
  std::vector<site_id> sites_;
  std::chrono::microseconds delay_{0};
  std::shared_ptr<actors::replicants> replicated_;
  std::unique_ptr<actors::node> node_;
};

std::string counters_of(bench_node& of) {
  auto x = of.replicated().counters();
  std::string out;
  auto line = [&](std::string_view key, std::uint64_t value) {
    out += std::string{key} + " " + std::to_string(value) + "\n";
  };
  line("linked", of.linked());
  line("frames", of.frames());
  line("replicants", x.replicants);
  line("awake", x.awake);
  line("pending", x.pending);
  line("elections", x.elections);
  line("decided", x.decided);
  line("done", x.done);
  line("batches", x.batches);
  line("commits", x.commits);
  line("commit_us", x.commit_us);
  line("open", x.open);
  line("refused", x.refused);
  line("dropped", x.dropped);
  line("apply_lag", x.apply_lag);
  std::uint64_t behind = 0;
  for (const auto& [site, n] : x.behind)
    behind += n;
  line("behind", behind);
  return out;
}

/// One connection of the load: a request at a time.
class session : public std::enable_shared_from_this<session> {
public:
  session(tcp::socket socket, bench_node& node)
    : socket_(std::move(socket)), node_(node) {
    socket_.set_option(tcp::no_delay{true});
  }

  void read() {
    in_ = {};
    http::async_read(socket_, buffer_, in_,
                     [self = shared_from_this()](auto failed, std::size_t) {
                       if (!failed)
                         self->run();
                     });
  }

private:
  void answer(http::status status, std::string body) {
    out_ = {status, in_.version()};
    out_.body() = std::move(body);
    out_.prepare_payload();
    http::async_write(socket_, out_,
                      [self = shared_from_this()](auto failed, std::size_t) {
                        if (!failed)
                          self->read();
                      });
  }

  void submit(ports::write_request what) {
    node_.replicated().submit(
      std::move(what), [self = shared_from_this()](auto x) {
        asio::post(self->socket_.get_executor(),
                   [self, x = std::move(x)] { self->answered(x); });
      });
  }

  void answered(const result<ports::write_answer>& x) {
    using replicant::ending;
    auto good =
      x && x->how.how != ending::refused && x->how.how != ending::open;
    if (!good)
      answer(http::status::service_unavailable,
             x ? "not done\n" : to_string(x.error()) + "\n");
    else
      answer(http::status::ok, replicant::to_string(x->meta));
  }

  void run() {
    std::string target{in_.target().substr(1)};
    if (in_.method() == http::verb::get) {
      answer(http::status::ok, counters_of(node_));
    } else if (in_.method() == http::verb::post) {
      submit(node_.create(target));
    } else if (target == "cut" || target == "heal") {
      node_.fault(target == "cut");
      answer(http::status::ok, {});
    } else {
      auto question = target.find('?');
      auto meta =
        replicant::parse_meta(std::string_view{target}.substr(0, question));
      if (!meta)
        answer(http::status::not_found, {});
      else
        submit(bench_node::replace(*meta, std::move(in_.body()),
                                   question != std::string::npos));
    }
  }

  tcp::socket socket_;
  bench_node& node_;
  boost::beast::flat_buffer buffer_;
  request in_;
  response out_;
};

void accept(tcp::acceptor& at, bench_node& node) {
  at.async_accept([&](auto failed, tcp::socket socket) {
    if (failed)
      return;
    std::make_shared<session>(std::move(socket), node)->read();
    accept(at, node);
  });
}

} // namespace

int run_node(const node_settings& with) {
  bench_node node{with};
  asio::io_context loop{1};
  tcp::acceptor at{loop, {asio::ip::make_address("127.0.0.1"), with.front}};
  accept(at, node);
  asio::signal_set signals{loop, SIGTERM, SIGINT};
  signals.async_wait([&](auto, int) { loop.stop(); });
  loop.run();
  node.stop();
  return 0;
}

} // namespace cheops::bench
