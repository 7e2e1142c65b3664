#define BOOST_TEST_MODULE router
#include "actors/box.hpp"
#include "actors/router.hpp"
#include "support/boost_test.hpp"

#include <caf/all.hpp>

using namespace cheops;
using namespace cheops::actors;
using cheops::support::box;
using wire::delivery;

namespace {

struct site_fixture {
  caf::actor_system_config options;
  caf::actor_system sys{options};
  std::shared_ptr<actors::router> routes = router::make(site_id{"Here"});

  ~site_fixture() { routes->close(); }
};

/// Stands for a link: keeps what it shall send.
class fake_link {
public:
  explicit fake_link(caf::actor_system& sys) {
    // An actor without arguments is undefined behaviour inside CAF 0.17.
    auto behave = [](caf::event_based_actor*,
                     const decltype(sent_)& keep) -> caf::behavior {
      return {
        [keep](atom::submit, wire::envelope& x) {
          std::lock_guard lock{keep->guard};
          keep->all.push_back(std::move(x));
          keep->changed.notify_all();
        },
      };
    };
    actor = sys.spawn(behave, sent_);
  }

  ~fake_link() { caf::anon_send_exit(actor, caf::exit_reason::kill); }

  std::optional<wire::envelope> take() {
    std::unique_lock lock{sent_->guard};
    if (!sent_->changed.wait_for(lock, std::chrono::seconds{30},
                                 [this] { return !sent_->all.empty(); }))
      return std::nullopt;
    auto x = std::move(sent_->all.front());
    sent_->all.pop_front();
    return x;
  }

  std::size_t size() const {
    std::lock_guard lock{sent_->guard};
    return sent_->all.size();
  }

  caf::actor actor;

private:
  struct shared {
    std::mutex guard;
    std::condition_variable changed;
    std::deque<wire::envelope> all;
  };
  std::shared_ptr<shared> sent_ = std::make_shared<shared>();
};

delivered from(const std::string& origin, wire::envelope x) {
  return {site_id{origin}, std::move(x), nullptr};
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(the_router, site_fixture)

BOOST_AUTO_TEST_CASE(an_envelope_goes_to_its_kind_or_to_the_resources_own) {
  box asks{sys, *routes, "asker"}, any{sys, *routes, "foo"};
  box one{sys, *routes, "foo", "1"}, other{sys, *routes, "bar"};
  routes->post(asks.to("Here", "foo", "1", "own"));
  routes->post(asks.to("Here", "foo", "2", "kind's"));
  routes->deliver(from("There", asks.to("Here", "bar", "", "bar's")));
  auto x = one.take();
  BOOST_REQUIRE(x);
  BOOST_TEST(x->envelope.payload == "own");
  BOOST_TEST(x->origin.value == "Here");
  BOOST_TEST(x->envelope.from_kind == "asker");
  BOOST_TEST(any.take()->envelope.payload == "kind's");
  x = other.take();
  BOOST_REQUIRE(x);
  BOOST_TEST(x->envelope.payload == "bar's");
  BOOST_TEST(x->origin.value == "There");
  BOOST_TEST(asks.size() == 0U);
}

BOOST_AUTO_TEST_CASE(an_unknown_kind_is_said_to_the_sender_here) {
  box asks{sys, *routes, "asker", "me"};
  routes->post(asks.to("Here", "nobody", "1", "payload"));
  auto x = asks.take();
  BOOST_REQUIRE(x);
  BOOST_TEST((x->envelope.how == delivery::no_target));
  BOOST_TEST(x->origin.value == "Here");
  BOOST_TEST(x->envelope.from_kind == "nobody");
  BOOST_TEST(x->envelope.from_resource == "1");
  BOOST_TEST(x->envelope.id == 7U);
  BOOST_TEST(x->envelope.payload.empty());
}

BOOST_AUTO_TEST_CASE(an_unknown_kind_is_said_to_the_sender_elsewhere) {
  fake_link link{sys};
  routes->linked(site_id{"There"}, link.actor);
  wire::envelope e;
  e.to = {site_id{"Here"}, "nobody", "1"};
  e.from_kind = "asker";
  e.from_resource = "me";
  e.id = 9;
  routes->deliver(from("There", e));
  auto x = link.take();
  BOOST_REQUIRE(x);
  BOOST_TEST((x->how == delivery::no_target));
  BOOST_TEST((x->to == wire::target{site_id{"There"}, "asker", "me"}));
  BOOST_TEST(x->from_kind == "nobody");
  BOOST_TEST(x->from_resource == "1");
  BOOST_TEST(x->id == 9U);
}

BOOST_AUTO_TEST_CASE(what_came_back_never_comes_back_again) {
  fake_link link{sys};
  box here{sys, *routes, "here"};
  routes->linked(site_id{"There"}, link.actor);
  for (auto how : {delivery::no_target, delivery::unreachable}) {
    auto e = here.to("Here", "nobody", "");
    e.how = how;
    routes->deliver(from("There", e));
    routes->post(e);
    e.to.site = site_id{"Elsewhere"};
    routes->post(e);
    routes->give_back(e, delivery::full);
  }
  routes->post(here.to("Here", "here", "", "last"));
  BOOST_TEST(here.take()->envelope.payload == "last");
  BOOST_TEST(link.size() == 0U);
}

BOOST_AUTO_TEST_CASE(an_envelope_for_a_third_site_is_not_passed_on) {
  fake_link to_third{sys}, to_there{sys};
  routes->linked(site_id{"Third"}, to_third.actor);
  routes->linked(site_id{"There"}, to_there.actor);
  wire::envelope e;
  e.to = {site_id{"Third"}, "foo", "1"};
  e.from_kind = "asker";
  routes->deliver(from("There", e));
  auto x = to_there.take();
  BOOST_REQUIRE(x);
  BOOST_TEST((x->how == delivery::no_target));
  BOOST_TEST(to_third.size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_site_is_reached_over_its_newest_link_alone) {
  box asks{sys, *routes, "asker"};
  fake_link first{sys}, second{sys};
  routes->post(asks.to("There", "foo", "1"));
  BOOST_TEST((asks.take()->envelope.how == delivery::unreachable));
  routes->linked(site_id{"There"}, first.actor);
  routes->linked(site_id{"There"}, second.actor);
  routes->unlinked(site_id{"There"}, first.actor.address()); // Late.
  routes->post(asks.to("There", "foo", "1"));
  BOOST_TEST(second.take().has_value());
  BOOST_TEST(first.size() == 0U);
  routes->unlinked(site_id{"There"}, second.actor.address());
  routes->post(asks.to("There", "foo", "1"));
  auto x = asks.take();
  BOOST_TEST((x->envelope.how == delivery::unreachable));
  BOOST_TEST(x->origin.value == "There");
}

BOOST_AUTO_TEST_CASE(a_target_that_ended_is_forgotten) {
  box asks{sys, *routes, "asker"};
  {
    box gone{sys, *routes, "foo"};
    box own{sys, *routes, "foo", "1"};
  }
  for (const auto* resource : {"1", "2"}) {
    routes->post(asks.to("Here", "foo", resource));
    BOOST_TEST((asks.take()->envelope.how == delivery::no_target));
  }
}

BOOST_AUTO_TEST_CASE(the_end_of_one_that_was_replaced_changes_nothing) {
  box asks{sys, *routes, "asker"};
  auto first = std::make_unique<box>(sys, *routes, "foo");
  auto own = std::make_unique<box>(sys, *routes, "foo", "1");
  box second{sys, *routes, "foo"}, again{sys, *routes, "foo", "1"};
  auto old = first->actor().address();
  first.reset();
  own.reset();
  routes->detach("foo", "1", old); // Neither does a detach of its.
  routes->post(asks.to("Here", "foo", "2", "kind's"));
  routes->post(asks.to("Here", "foo", "1", "own"));
  BOOST_TEST(second.take()->envelope.payload == "kind's");
  BOOST_TEST(again.take()->envelope.payload == "own");
}

BOOST_AUTO_TEST_CASE(a_resource_that_detaches_leaves_it_to_its_kind) {
  box asks{sys, *routes, "asker"}, kind{sys, *routes, "foo"};
  box own{sys, *routes, "foo", "1"};
  routes->detach("foo", "1", own.actor().address());
  routes->post(asks.to("Here", "foo", "1"));
  BOOST_TEST(kind.take().has_value());
  BOOST_TEST(own.size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_target_that_is_dead_already_takes_nothing) {
  box asks{sys, *routes, "asker"};
  caf::actor dead;
  {
    box gone{sys, *routes, "elsewhere"};
    dead = gone.actor();
  }
  routes->attach("foo", dead);
  routes->post(asks.to("Here", "foo", "1"));
  BOOST_TEST((asks.take()->envelope.how == delivery::no_target));
}

// Letting go of the last handle ends an actor, and its end calls the router.
BOOST_AUTO_TEST_CASE(a_target_that_only_the_router_knew_can_be_replaced) {
  auto silent = [](caf::event_based_actor*, int) -> caf::behavior {
    return {[](const delivered&) {}};
  };
  for (int i = 0; i < 3; ++i) {
    routes->attach("foo", sys.spawn(silent, 0));
    routes->attach("foo", "1", sys.spawn(silent, 0));
  }
  routes->close();
  sys.await_all_actors_done();
  BOOST_TEST(sys.registry().running() == 0U);
}

BOOST_AUTO_TEST_CASE(a_closed_router_takes_nothing) {
  box foo{sys, *routes, "foo"};
  fake_link link{sys};
  routes->close();
  routes->linked(site_id{"There"}, link.actor);
  routes->post(foo.to("Here", "foo", ""));
  routes->post(foo.to("There", "foo", ""));
  BOOST_TEST(foo.size() == 0U);
  BOOST_TEST(link.size() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
