#include "http/stream.hpp"
#include "support/boost_test.hpp"
#include "support/tls_fixture.hpp"

#include <chrono>
#include <thread>

using namespace cheops;
using namespace std::chrono_literals;

namespace {

/// Reads a connection by hand, and counts how often it is woken.
struct reader : http::counted {
  explicit reader(boost::asio::ip::tcp::socket&& from) : io(std::move(from)) {}

  void wait() { io.when_readable(*this, &reader::wake); }
  static void wake(http::counted& x) { ++static_cast<reader&>(x).wakes; }
  std::string read(std::size_t most) {
    std::string out(most, '\0');
    auto r = io.try_read(out);
    out.resize(r.what == http::io::done ? r.bytes : 0);
    return out;
  }

  http::stream io;
  int wakes = 0;
};

struct two_ends : tls_fixture {
  two_ends() {
    raw_listener at;
    boost::asio::ip::tcp::socket called{loop};
    called.connect({boost::asio::ip::address_v4::loopback(), at.port()});
    here = http::ref<reader>{new reader{std::move(called)}};
    poller.start(loop);
    auto as = anybody();
    auto shows = http::front_context(identity(mesh.issue("Site1")));
    BOOST_REQUIRE(shows);
    BOOST_REQUIRE(here->io.watch(poller));
    BOOST_REQUIRE(here->io.secure(as.get(), false));
    std::thread other{[&] {
      there = std::make_unique<tls_socket>(at.accept(), *shows,
                                           tls_socket::end::server);
    }};
    while (here->io.try_handshake() == http::io::again)
      std::this_thread::yield();
    other.join();
    BOOST_REQUIRE(there->up());
  }
  ~two_ends() {
    here->io.close();
    poller.stop();
    loop.restart();
    loop.poll();
  }

  /// Until nothing more is to be read, so that no edge is left over.
  void drain() {
    while (!here->read(1).empty()) {
    }
  }
  /// Runs the loop until it was woken so often, or for long enough.
  bool woken(int times) {
    for (int i = 0; i < 200 && here->wakes < times; ++i) {
      loop.restart();
      loop.run_for(10ms);
    }
    return here->wakes >= times;
  }

  boost::asio::io_context loop;
  http::poller poller;
  http::ref<reader> here;
  std::unique_ptr<tls_socket> there;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(streams, two_ends)

BOOST_AUTO_TEST_CASE(bytes_that_openssl_holds_wake_a_wait_that_began_before) {
  drain();
  loop.poll(); // Edges of the handshake.
  here->wait();
  loop.restart();
  loop.poll();
  auto before = here->wakes;
  if (before > 0)
    here->wait();
  drain();
  // Two records come at once, and are read beside the wait: the second is
  // then in OpenSSL, and the socket has nothing more to tell.
  BOOST_REQUIRE(there->write("first"));
  BOOST_REQUIRE(there->write("second"));
  std::string got;
  auto patience = std::chrono::steady_clock::now() + 10s;
  while (got.size() < 5 && std::chrono::steady_clock::now() < patience) {
    std::this_thread::yield();
    got += here->read(5 - got.size());
  }
  BOOST_TEST_REQUIRE(got == "first");
  here->wait();
  BOOST_TEST(woken(before + 1));
  BOOST_TEST(here->read(6) == "second");
}

BOOST_AUTO_TEST_SUITE_END()
