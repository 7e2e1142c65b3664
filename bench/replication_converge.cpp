#include "bench/replication_converge.hpp"

#include "bench/replication_client.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <unistd.h>
#include <vector>

namespace cheops::bench {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::size_t value_bytes = 1024;

/// One request, and its answer's body.
std::string ask_once(std::uint16_t front, http::verb method,
                     const std::string& target) {
  asio::io_context loop{1};
  client c{loop, front};
  std::string out;
  c.ask(method, target, {}, [&](unsigned status, const std::string& body) {
    if (status != 200)
      throw std::runtime_error(target + ": " + body);
    out = body;
  });
  loop.run();
  return out;
}

std::uint64_t counter(std::uint16_t front, const std::string& name) {
  std::istringstream in{ask_once(front, http::verb::get, "/counters")};
  std::string key;
  for (std::uint64_t value = 0; in >> key >> value;)
    if (key == name)
      return value;
  throw std::runtime_error("no counter " + name);
}

/// Waits until it holds, and goes on to for some ticks: counters may be a tick
/// late. Gives when that began, in seconds.
template <class Condition>
double await(clock::time_point since, std::chrono::seconds at_most,
             const std::string& what, Condition holds) {
  constexpr std::chrono::milliseconds settled{500}, pause{10};
  std::optional<clock::time_point> held;
  while (!held || clock::now() - *held < settled) {
    if (clock::now() - since > at_most)
      throw std::runtime_error("not in time: " + what);
    if (!holds())
      held.reset();
    else if (!held)
      held = clock::now();
    std::this_thread::sleep_for(pause);
  }
  return std::chrono::duration<double>(*held - since).count();
}

/// Asks for things one after the other; several share the counter.
class worker {
public:
  using target = std::function<std::string(unsigned)>;
  worker(asio::io_context& loop, std::uint16_t front, http::verb method,
         target of, std::string body, unsigned& left,
         std::vector<std::string>* answers)
    : client_(loop, front),
      method_(method),
      of_(std::move(of)),
      body_(std::move(body)),
      left_(left),
      answers_(answers) {}

  void go_on() {
    if (left_ == 0)
      return;
    auto number = --left_;
    client_.ask(method_, of_(number), body_,
                [this, number](unsigned status, const std::string& body) {
                  if (status != 200)
                    throw std::runtime_error(of_(number) + ": " + body);
                  if (answers_)
                    (*answers_)[number] = body;
                  go_on();
                });
  }

private:
  client client_;
  http::verb method_;
  target of_;
  std::string body_;
  unsigned& left_;
  std::vector<std::string>* answers_;
};

void run_workers(const converge_settings& with, http::verb method,
                 const worker::target& of, const std::string& body,
                 unsigned count, std::vector<std::string>* answers) {
  asio::io_context loop{1};
  std::vector<std::unique_ptr<worker>> all;
  for (unsigned i = 0; i < with.at_once; ++i)
    all.push_back(std::make_unique<worker>(loop,
                                           i % 2 == 0 ? with.one : with.other,
                                           method, of, body, count, answers));
  for (auto& x : all)
    x->go_on();
  loop.run();
}

} // namespace

converge_figure run_converge(const converge_settings& with) {
  std::vector<std::string> ids(with.resources);
  run_workers(
    with, http::verb::post,
    [](unsigned i) { return "/away" + std::to_string(i); }, {}, with.resources,
    &ids);
  ask_once(with.away, http::verb::put, "/cut");
  await(clock::now(), with.patience, "the cut is seen",
        [&] { return counter(with.one, "linked") == 1; });
  auto before = counter(with.away, "decided");
  run_workers(
    with, http::verb::put,
    [&](unsigned i) { return '/' + ids[i % ids.size()] + "?decided"; },
    std::string(value_bytes, 'x'), with.operations, nullptr);
  if (counter(with.away, "decided") != before)
    throw std::runtime_error("the site is not cut off");
  auto healed = clock::now();
  ask_once(with.away, http::verb::put, "/heal");
  converge_figure out;
  out.linked_s = await(healed, with.patience, "the site is linked",
                       [&] { return counter(with.away, "linked") == 2; });
  // Of changes that a later one replaces whole, the application sees only the
  // last; so `done` says less than what was dealt with.
  out.done_s = await(healed, with.patience, "all is done", [&] {
    return counter(with.away, "decided") - before >= with.operations
           && counter(with.away, "apply_lag") == 0
           && counter(with.away, "pending") == 0;
  });
  return out;
}

double sync_ms(const std::string& folder) {
  constexpr std::size_t times = 200;
  auto file = folder + "/sync-XXXXXX";
  auto fd = ::mkstemp(file.data());
  if (fd < 0)
    throw std::runtime_error("cannot write in " + folder);
  const std::string value(value_bytes, 'x');
  std::vector<double> took;
  for (std::size_t i = 0; i < times; ++i) {
    auto since = clock::now();
    if (::write(fd, value.data(), value.size())
          != static_cast<ssize_t>(value.size())
        || ::fdatasync(fd) != 0)
      throw std::runtime_error("cannot sync " + file);
    took.push_back(
      std::chrono::duration<double, std::milli>(clock::now() - since).count());
  }
  ::close(fd);
  ::unlink(file.c_str());
  std::ranges::nth_element(took, took.begin() + times / 2);
  return took[times / 2];
}

} // namespace cheops::bench
