#include "bench/replication_load.hpp"

#include "bench/replication_client.hpp"

#include <boost/beast/core/detail/base64.hpp>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace cheops::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t value_bytes = 1024;

std::string base64(const std::string& x) {
  namespace b64 = boost::beast::detail::base64;
  std::string out(b64::encoded_size(x.size()), '\0');
  out.resize(b64::encode(out.data(), x.data(), x.size()));
  return out;
}

/// What all clients add to.
struct tally {
  clock::time_point from, until;
  std::vector<std::uint32_t> took_us;
  std::uint64_t failed = 0;
};

class writer {
public:
  writer(asio::io_context& loop, const load_settings& with, unsigned number,
         tally& to)
    : with_(with),
      to_(to),
      name_("bench" + std::to_string(number)),
      value_(value_bytes, static_cast<char>('a' + number % 26)),
      client_(loop, with.fronts[number % with.fronts.size()]) {}

  /// Makes what it will write, then calls `ready`.
  template <class Ready>
  void begin(Ready ready) {
    if (with_.etcd) {
      target_ = "/v3/kv/put";
      body_ = R"({"key":")" + base64(name_) + R"(","value":")" + base64(value_)
              + R"("})";
      ready();
      return;
    }
    client_.ask(http::verb::post, "/" + name_, {},
                [this, ready](unsigned status, const std::string& id) mutable {
                  if (status != 200)
                    throw std::runtime_error("cannot make " + name_ + ": "
                                             + id);
                  target_ = "/" + id + (with_.decided ? "?decided" : "");
                  body_ = value_;
                  ready();
                });
  }

  void write() {
    auto since = clock::now();
    if (since >= to_.until)
      return;
    client_.ask(with_.etcd ? http::verb::post : http::verb::put, target_, body_,
                [this, since](unsigned status, const std::string&) {
                  auto now = clock::now();
                  if (since >= to_.from && now < to_.until) {
                    if (status == 200)
                      to_.took_us.push_back(static_cast<std::uint32_t>(
                        (now - since) / std::chrono::microseconds{1}));
                    else
                      ++to_.failed;
                  }
                  write();
                });
  }

private:
  const load_settings& with_;
  tally& to_;
  std::string name_;
  std::string value_;
  std::string target_;
  std::string body_;
  client client_;
};

double at_share(const std::vector<std::uint32_t>& sorted, double share) {
  if (sorted.empty())
    return 0;
  auto i = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(i, sorted.size() - 1)] / 1000.0;
}

} // namespace

load_figure run_load(const load_settings& with) {
  asio::io_context loop{1};
  tally all;
  std::vector<std::unique_ptr<writer>> writers;
  for (unsigned i = 0; i < with.clients; ++i)
    writers.push_back(std::make_unique<writer>(loop, with, i, all));
  unsigned ready = 0;
  auto one_more = [&] {
    if (++ready < with.clients)
      return;
    all.from = clock::now() + with.warm_up;
    all.until = all.from + with.time;
    for (auto& w : writers)
      w->write();
  };
  for (auto& w : writers)
    w->begin(one_more);
  loop.run();
  std::ranges::sort(all.took_us);
  load_figure out;
  out.per_second = static_cast<double>(all.took_us.size())
                   / std::chrono::duration<double>(with.time).count();
  out.p50_ms = at_share(all.took_us, 0.5);
  out.p99_ms = at_share(all.took_us, 0.99);
  out.failed = all.failed;
  return out;
}

namespace {

class maker {
public:
  maker(asio::io_context& loop, std::uint16_t front, unsigned& left)
    : left_(left), client_(loop, front) {}

  void make() {
    if (left_ == 0)
      return;
    client_.ask(http::verb::post, "/idle" + std::to_string(left_--), {},
                [this](unsigned status, const std::string& why) {
                  if (status != 200)
                    throw std::runtime_error("cannot make one: " + why);
                  make();
                });
  }

private:
  unsigned& left_;
  client client_;
};

} // namespace

void make_resources(const std::vector<std::uint16_t>& fronts, unsigned count,
                    unsigned at_once) {
  asio::io_context loop{1};
  std::vector<std::unique_ptr<maker>> makers;
  for (unsigned i = 0; i < at_once; ++i)
    makers.push_back(
      std::make_unique<maker>(loop, fronts[i % fronts.size()], count));
  for (auto& m : makers)
    m->make();
  loop.run();
}

} // namespace cheops::bench
