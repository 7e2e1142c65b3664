#include "glue/call_pool.hpp"
#include "support/boost_test.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <thread>
#include <vector>

using cheops::glue::call_pool;

BOOST_AUTO_TEST_SUITE(call_pool_of_threads)

BOOST_AUTO_TEST_CASE(so_many_run_at_once_and_no_more) {
  std::promise<void> opened;
  auto open = opened.get_future().share();
  std::atomic<int> running{0}, most{0};
  std::vector<std::promise<void>> began(3);
  std::promise<void> last;
  {
    call_pool pool{2, 10};
    for (std::size_t i = 0; i < 3; ++i)
      BOOST_TEST(pool.run([&, i] {
        most = std::max(most.load(), ++running);
        began[i].set_value();
        open.wait();
        --running;
        if (i == 2)
          last.set_value();
      }));
    began[0].get_future().wait();
    began[1].get_future().wait();
    opened.set_value();
    last.get_future().wait();
  }
  BOOST_TEST(most == 2);
}

BOOST_AUTO_TEST_CASE(the_queue_has_its_bound) {
  std::promise<void> opened, began;
  auto open = opened.get_future().share();
  call_pool pool{1, 2};
  BOOST_TEST(pool.run([&] {
    began.set_value();
    open.wait();
  }));
  began.get_future().wait();
  BOOST_TEST(pool.run([] {}));
  BOOST_TEST(pool.run([] {}));
  BOOST_TEST(!pool.run([] {}));
  opened.set_value();
}

BOOST_AUTO_TEST_CASE(what_waits_at_the_end_is_dropped) {
  std::promise<void> began, opened;
  auto open = opened.get_future().share();
  auto kept = std::make_shared<int>(0);
  std::weak_ptr<int> seen = kept;
  {
    call_pool pool{1, 2};
    (void) pool.run([&] {
      began.set_value();
      open.wait();
    });
    began.get_future().wait();
    (void) pool.run([kept = std::move(kept)] { ++*kept; });
    BOOST_TEST(!seen.expired());
    // It is dropped before the end waits for what runs.
    std::thread{[&] {
      while (!seen.expired())
        std::this_thread::yield();
      opened.set_value();
    }}.detach();
  }
  BOOST_TEST(seen.expired());
  open.wait();
}

BOOST_AUTO_TEST_SUITE_END()
