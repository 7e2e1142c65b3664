// Clients at three real sites read strictly and write while nodes are cut off,
// killed and paused; what they saw must have one order.
//
//   CHEOPS_TEST_SEED=N    other faults, and other choices of the clients
#define BOOST_TEST_MODULE linearizable
#include "http/client.hpp"
#include "support/boost_test.hpp"
#include "support/folder_fixture.hpp"
#include "support/linearizability.hpp"
#include "tools/scenario/poll.hpp"
#include "tools/scenario/read.hpp"
#include "tools/scenario/schedule.hpp"
#include "tools/scenario/sites.hpp"

#include <boost/json.hpp>

#include <atomic>
#include <exception>
#include <map>
#include <thread>

using namespace cheops;
using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

using scenario::fault_kind;
using scenario::live_site;
using steady = std::chrono::steady_clock;
using kind = test::register_operation::kind;

constexpr std::size_t registers = 4;
constexpr unsigned clients_at_each = 2;
constexpr unsigned operations_max = 3000; ///< Of one client.
constexpr auto healed_within = 60s;
const std::string initial = "0";
const std::string everywhere = "{ServiceB: Site1 & Site2 & Site3}";

std::uint64_t chosen_seed() {
  const auto* text = std::getenv("CHEOPS_TEST_SEED");
  return text ? std::strtoull(text, nullptr, 10) : 1;
}

scenario::random_faults some_faults() {
  scenario::random_faults out;
  out.events = 10;
  out.every = {500ms, 2500ms};
  out.lasts = {300ms, 3000ms};
  return out;
}

std::string name_of(std::size_t number) {
  return "register" + std::to_string(number);
}

std::string body_of(std::size_t number, const std::string& value) {
  return json::serialize(
    json::object{{"name", name_of(number)}, {"value", value}});
}

/// A member of a JSON answer, as text.
std::string member(const std::string& body, const char* pointer) {
  boost::system::error_code failed;
  auto all = json::parse(body, failed);
  const auto* found = failed ? nullptr : all.find_pointer(pointer, failed);
  return found && found->is_string() ? std::string{found->get_string()} : "";
}

/// A site as clients reach it, and its ids of the registers.
struct target {
  live_site* site = nullptr;
  std::string url;
  std::vector<std::string> ids;
};

http::client_request request_to(const target& at, std::size_t number) {
  http::client_request out;
  out.url = at.url + '/' + at.ids[number];
  out.timeout = 4s;
  return out;
}

/// How often what was answered, for people and against empty runs.
struct tally {
  std::atomic<unsigned> read{0}, written{0}, refused{0}, open{0}, unread{0};
};

/// Nothing was done, says the node. Then nobody may ever see it.
bool surely_not_done(const http::client_response& x) {
  return x.status == 503 && !x.get("Cheops-Error").empty();
}

bool read_one(http::connection& on, const target& at, std::size_t number,
              unsigned client, test::recorder& seen) {
  auto ask = request_to(at, number);
  ask.fields.emplace_back("Cheops-Consistency", "linearizable");
  auto it = seen.begin({name_of(number), kind::read, {}, 0, 0, client});
  auto got = on.fetch(ask);
  if (!got || got->status != 200) {
    seen.drop(it);
    return false;
  }
  seen.done(it, member(got->body, "/value"));
  return true;
}

/// On a connection of its own: one that is kept would send it a second time
/// when it turns out to be closed, and these are two operations then.
bool write_one(const target& at, std::size_t number, const std::string& value,
               unsigned client, test::recorder& seen, tally& count) {
  auto ask = request_to(at, number);
  ask.method = "PUT";
  ask.fields.emplace_back("Content-Type", "application/json");
  ask.body = body_of(number, value);
  auto it = seen.begin({name_of(number), kind::write, value, 0, 0, client});
  auto got = http::fetch(ask);
  if (got && got->status == 200) {
    seen.done(it);
    ++count.written;
  } else if (got && surely_not_done(*got)) {
    seen.drop(it);
    ++count.refused;
  } else {
    ++count.open;
  }
  return got && got->status == 200;
}

/// Reads and writes at its site until it is told to stop.
void run_client(const target& at, unsigned client, std::uint64_t seed,
                const std::atomic<bool>& over, test::recorder& seen,
                tally& count) {
  scenario::seeded dice(seed * 1000 + client);
  http::connection on;
  for (unsigned i = 0; i < operations_max && !over; ++i) {
    auto number = dice.below(registers);
    bool good = false;
    if (dice.below(2) == 0) {
      good = read_one(on, at, number, client, seen);
      ++(good ? count.read : count.unread);
    } else {
      good =
        write_one(at, number, std::to_string(client) + '-' + std::to_string(i),
                  client, seen, count);
    }
    // Who is refused at once would only make noise until the site is back.
    if (!good)
      (void) scenario::poll_until(100ms, [&] { return over.load(); });
  }
}

struct three_sites : folder_fixture {
  scenario::scenario what;
  std::unique_ptr<scenario::sites> all;
  std::vector<target> targets;

  three_sites() {
    auto read =
      scenario::read_file(CHEOPS_SOURCE_DIR "/tests/e2e/linearizable.yaml");
    BOOST_REQUIRE_MESSAGE(read.has_value(), to_string(read.error()));
    what = *std::move(read);
    auto started =
      scenario::sites::start(what, {folder.string(), CHEOPS_BIN_DIR, false});
    BOOST_REQUIRE_MESSAGE(started.has_value(), to_string(started.error()));
    all = *std::move(started);
    for (auto& x : all->all())
      targets.push_back(
        {x.get(),
         "http://" + mesh::to_string(x->at.fronts.at("ServiceB")) + "/bars",
         {}});
  }

  void make_registers() {
    for (std::size_t i = 0; i < registers; ++i) {
      http::client_request ask;
      ask.method = "POST";
      ask.url = targets.front().url;
      ask.fields = {{"Scope", everywhere},
                    {"Cheops-Wait", "all"},
                    {"Content-Type", "application/json"}};
      ask.body = body_of(i, initial);
      auto made = http::fetch(ask);
      BOOST_REQUIRE(made.has_value());
      BOOST_REQUIRE_EQUAL(made->status, 201U);
      for (auto& x : targets) {
        http::client_request look;
        look.url = x.url + "?name=" + name_of(i);
        auto found = http::fetch(look);
        BOOST_REQUIRE(found.has_value());
        x.ids.push_back(member(found->body, "/bars/0/id"));
        BOOST_REQUIRE(!x.ids.back().empty());
      }
    }
  }

  void change(const scenario::fault_event& x, bool begins) {
    using action = scenario::process_action::what;
    auto& site = *all->all()[x.site];
    result<void> done;
    if (x.kind == fault_kind::cut)
      done = all->isolate(site, begins);
    else if (x.kind == fault_kind::kill)
      done = all->act(begins ? action::kill : action::start, site, false);
    else
      done = all->act(begins ? action::pause : action::resume, site, false);
    BOOST_TEST_MESSAGE("  " << site.name << ' '
                            << std::string{to_string(x.kind)}
                            << (begins ? " begins" : " ends"));
    BOOST_REQUIRE_MESSAGE(done.has_value(), to_string(done.error()));
  }

  /// From this thread, for a child lives as long as who started it.
  void run_faults(std::uint64_t seed) {
    auto begin = steady::now();
    std::multimap<std::chrono::milliseconds,
                  std::pair<scenario::fault_event, bool>>
      moments;
    for (const auto& x :
         scenario::make_schedule(some_faults(), targets.size(), seed)) {
      moments.emplace(x.at, std::pair{x, true});
      moments.emplace(x.at + x.lasts, std::pair{x, false});
    }
    for (const auto& [at, x] : moments) {
      // Until its time comes, or nothing can come of it any more.
      auto left = begin + at - steady::now();
      auto ended = scenario::poll_until(
        std::chrono::duration_cast<std::chrono::milliseconds>(left),
        [&] { return !all->unexpected_ends().empty(); });
      BOOST_REQUIRE(!ended);
      change(x.first, x.second);
    }
  }

  /// Each register, at each site, once all is mended.
  void read_all(test::recorder& seen) {
    auto client = static_cast<unsigned>(targets.size()) * clients_at_each;
    for (const auto& x : targets)
      for (std::size_t i = 0; i < registers; ++i) {
        auto good = scenario::poll_until(healed_within, [&] {
          http::connection on;
          return read_one(on, x, i, client, seen);
        });
        BOOST_TEST(good, x.site->name << " does not read " << name_of(i));
      }
  }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(what_clients_see_under_faults_has_one_order,
                        three_sites) {
  auto seed = chosen_seed();
  BOOST_TEST_MESSAGE("CHEOPS_TEST_SEED=" << seed);
  make_registers();

  test::recorder seen;
  std::vector<tally> counts(targets.size());
  std::atomic<bool> over{false};
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < targets.size(); ++i)
    for (unsigned j = 0; j < clients_at_each; ++j)
      clients.emplace_back(
        [&, i, client = static_cast<unsigned>(i * clients_at_each + j)] {
          run_client(targets[i], client, seed, over, seen, counts[i]);
        });
  std::exception_ptr wrong;
  try {
    run_faults(seed);
  } catch (...) {
    wrong = std::current_exception();
  }
  over = true;
  for (auto& x : clients)
    x.join();
  if (wrong)
    std::rethrow_exception(wrong);
  read_all(seen);

  for (std::size_t i = 0; i < targets.size(); ++i) {
    const auto& x = counts[i];
    BOOST_TEST_MESSAGE("  " << targets[i].site->name << ": " << x.written
                            << " writes, " << x.refused << " refused, "
                            << x.open << " open; " << x.read << " reads, "
                            << x.unread << " without an answer");
    // A site that served nothing proves nothing.
    BOOST_TEST(x.read > 0U);
    BOOST_TEST(x.written > 0U);
  }
  auto got = test::judge(seen.take(), initial);
  BOOST_TEST((got.what == test::verdict::linearizable),
             "with CHEOPS_TEST_SEED=" << seed << ": " << got.key << ": "
                                      << got.story);
  for (const auto& x : all->unexpected_ends())
    BOOST_ERROR(x);
  for (const auto& x : all->stop())
    BOOST_ERROR(x);
}
