#define BOOST_TEST_MODULE replication
#include "actors/replicating_site.hpp"
#include "actors/site_under_test.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::support;
using namespace std::chrono_literals;
using mesh::reach;
using replicant::change;
using replicant::ending;
using replicant::refusal;
using replicant::wait_for;

namespace {

constexpr std::uint32_t settles_after_ms = 200;

/// Three linked sites that replicate.
struct three_sites {
  replicating_site a{"A"}, b{"B"}, c{"C"};
  std::vector<replicating_site*> all{&a, &b, &c};
  std::uint64_t next_tag = 1;

  three_sites() {
    declare(b.config, a.config);
    declare(c.config, a.config);
    declare(c.config, b.config);
  }

  void start() {
    for (auto* x : all)
      x->start();
    link();
  }

  void link() {
    for (auto* x : all)
      for (auto* y : all)
        if (x != y)
          BOOST_REQUIRE(x->until(y->config.name.value, reach::up));
  }

  ports::creation everywhere() {
    ports::creation x;
    for (auto* s : all)
      x.sites.push_back(s->config.name);
    return x;
  }

  ports::write_request create(const std::string& name,
                              wait_for until = wait_for::all) {
    ports::write_request x;
    x.on = everywhere();
    x.what = sim::operation_for(change::create, {next_tag++, name, {}, {}}, {},
                                ports::own_meta, {}, sim::enforcement::names,
                                settles_after_ms);
    x.until = until;
    return x;
  }

  ports::write_request change_of(const ports::write_answer& made,
                                 const std::string& local_id, change does,
                                 wait_for until = wait_for::all) {
    ports::write_request x;
    x.on = made.meta;
    x.what =
      sim::operation_for(does, {next_tag++, {}, {}, {}}, local_id, made.meta,
                         {}, sim::enforcement::names, settles_after_ms);
    x.until = until;
    return x;
  }

  ports::write_answer made(replicating_site& at, const std::string& name) {
    auto x = ask(at, create(name));
    BOOST_REQUIRE(x.has_value());
    BOOST_REQUIRE(x->how.how == ending::application);
    BOOST_REQUIRE(x->how.status == 201);
    return *x;
  }

  /// Under which id that site has it.
  std::string id_at(replicating_site& at, const ports::write_answer& made) {
    auto x = describe(at, made.meta).value();
    BOOST_REQUIRE(x.has_value());
    return x->members.front().local_id;
  }
};

std::string line_of(const replicant::answer& x) {
  std::string out;
  for (const auto& s : x.sites)
    out += s.site.value + "=" + std::string{to_string(s.state)} + " ";
  return out;
}

mesh::fault_table cut_from(std::initializer_list<std::string> peers) {
  mesh::peer_faults f;
  f.in.cut = f.out.cut = true;
  mesh::fault_table out;
  for (const auto& p : peers)
    out[site_id{p}] = f;
  return out;
}

} // namespace

BOOST_FIXTURE_TEST_CASE(what_is_created_changed_and_removed_is_so_everywhere,
                        three_sites) {
  start();
  BOOST_TEST(!a.find("A1").has_value());
  auto x = made(a, "lamp");
  BOOST_TEST(line_of(x.how) == "A=ok B=ok C=ok ");
  BOOST_REQUIRE(x.application != nullptr);
  BOOST_TEST(x.application->body == "of the application, id A1");
  for (auto* s : all) {
    auto id = id_at(*s, x);
    auto found = s->find(id);
    BOOST_REQUIRE(found.has_value());
    BOOST_TEST((found->meta == x.meta));
    BOOST_TEST((found->state == replicant::site_state::ok));
  }
  // From another site, by that site's id.
  auto y = ask(b, change_of(x, id_at(b, x), change::patch));
  BOOST_REQUIRE(y.has_value());
  BOOST_TEST(y->how.status == 200);
  for (auto* s : all)
    BOOST_TEST(s->app->tags_of("lamp").value().size() == 2U);
  auto z = ask(c, change_of(x, id_at(c, x), change::remove));
  BOOST_REQUIRE(z.has_value());
  BOOST_TEST(z->how.status == 204);
  for (auto* s : all) {
    BOOST_TEST(!s->app->tags_of("lamp").has_value());
    // The tombstone goes, too, once all have it.
    BOOST_TEST(until([&] {
      return s->replicated->counters().replicants == 0
             && s->store->count(ports::family::log) == 0;
    }));
    BOOST_TEST(s->store->count(ports::family::group) == 0U);
    BOOST_TEST(s->store->count(ports::family::local) == 0U);
    // That it is over, and that this goes again some day.
    BOOST_TEST(s->store->count(ports::family::over) == 2U);
  }
}

BOOST_FIXTURE_TEST_CASE(what_a_site_missed_it_gets_when_it_is_back,
                        three_sites) {
  start();
  auto x = made(a, "lamp");
  c.stop();
  auto id = id_at(a, x);
  for (int i = 0; i < 20; ++i) {
    auto y = ask(a, change_of(x, id, change::patch, wait_for::here));
    BOOST_REQUIRE(y.has_value());
    BOOST_TEST(y->how.status == 200);
  }
  c.start();
  BOOST_TEST(c.find("C1").has_value());
  BOOST_TEST(
    until([&] { return c.app->tags_of("lamp").value().size() == 21U; }));
  BOOST_TEST((c.app->tags_of("lamp") == a.app->tags_of("lamp")));
}

BOOST_FIXTURE_TEST_CASE(an_owner_that_sleeps_wakes_where_it_is_needed,
                        three_sites) {
  for (auto* s : all)
    s->plan.idle = 50ms;
  start();
  auto x = made(a, "lamp");
  auto asleep = [&] {
    return until([&] {
      return std::ranges::all_of(
        all, [](auto* s) { return s->replicated->counters().awake == 0; });
    });
  };
  for (int i = 0; i < 3; ++i) {
    BOOST_REQUIRE(asleep());
    for (auto* s : all)
      BOOST_TEST(
        until([&] { return s->store->count(ports::family::awake) == 0U; }));
    // Looking wakes nobody.
    auto seen = describe(b, x.meta).value();
    BOOST_REQUIRE(seen.has_value());
    BOOST_TEST(seen->members.size() == 3U);
    BOOST_TEST(b.replicated->counters().awake == 0U);
    auto y = ask(b, change_of(x, id_at(b, x), change::patch));
    BOOST_REQUIRE(y.has_value());
    BOOST_TEST(y->how.status == 200);
  }
  for (auto* s : all)
    BOOST_TEST(s->app->tags_of("lamp").value().size() == 4U);
}

BOOST_FIXTURE_TEST_CASE(who_slept_through_a_cut_is_woken_for_what_a_site_lacks,
                        three_sites) {
  for (auto* s : all) {
    s->plan.idle = 50ms;
    s->plan.rules.report_ticks_max = 4;
  }
  start();
  auto x = made(a, "lamp");
  auto other = made(a, "desk");
  c.node->publish(cut_from({"A", "B"}));
  BOOST_REQUIRE(a.until("C", reach::down));
  BOOST_REQUIRE(b.until("C", reach::down));
  auto y = ask(a, change_of(x, id_at(a, x), change::patch, wait_for::here));
  BOOST_REQUIRE(y.has_value());
  BOOST_TEST(y->how.status == 200);
  for (auto* s : {&a, &b})
    BOOST_REQUIRE(until([&] { return s->replicated->counters().awake == 0; }));
  auto behind = [&] {
    for (const auto& [site, n] : a.replicated->counters().behind)
      if (site == c.config.name)
        return n;
    return std::uint64_t{0};
  };
  BOOST_TEST(behind() == 1U);
  c.node->publish({});
  BOOST_TEST(
    until([&] { return c.app->tags_of("lamp").value().size() == 2U; }));
  BOOST_TEST(until([&] { return behind() == 0; }));
  // The desk was not woken.
  auto desk = describe(a, other.meta).value();
  BOOST_REQUIRE(desk.has_value());
  BOOST_TEST(desk->term == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_store_that_fails_stops_changes_here_and_no_more,
                        three_sites) {
  start();
  auto x = made(a, "lamp");
  b.store->fails = true;
  // Told honestly, whichever way: it may be decided by the others.
  auto y = ask(b, change_of(x, id_at(b, x), change::patch, wait_for::here));
  BOOST_TEST((!y.has_value() || y->how.how == ending::open));
  BOOST_TEST(until([&] { return !b.replicated->health().has_value(); }));
  auto z = ask(b, create("desk"));
  BOOST_REQUIRE(!z.has_value());
  BOOST_TEST((z.error().code == errc::io));
  // What is here can be found, and seen.
  BOOST_TEST(b.find(id_at(b, x)).has_value());
  // The others go on, once they have overruled it where it owes its word.
  auto patient = change_of(x, id_at(a, x), change::patch, wait_for::here);
  patient.patience = 60s;
  auto w = ask(a, patient);
  BOOST_REQUIRE(w.has_value());
  BOOST_TEST(w->how.status == 200);
  // Started anew on a disk that works, it is what it was.
  b.stop();
  b.store->fails = false;
  b.start();
  BOOST_TEST(
    until([&] { return b.app->tags_of("lamp") == a.app->tags_of("lamp"); }));
}

BOOST_FIXTURE_TEST_CASE(an_owner_that_dies_leaves_no_client_without_an_answer,
                        three_sites) {
  start();
  auto x = made(a, "lamp");
  auto id = id_at(a, x);
  a.app->throws = true;
  auto y = ask(a, change_of(x, id, change::patch, wait_for::here));
  BOOST_REQUIRE(y.has_value());
  BOOST_TEST((y->how.how == ending::open));
  BOOST_TEST((y->how.operation != replicant::operation_id{}));
  a.app->throws = false;
  // A new owner goes on with what was stored. (Who comes while it is not
  // there yet is refused.)
  BOOST_TEST(until([&] {
    auto z = ask(a, change_of(x, id, change::patch, wait_for::here));
    return z.has_value() && z->how.status == 200;
  }));
}

BOOST_FIXTURE_TEST_CASE(a_site_does_only_what_all_members_may_have_done_there,
                        three_sites) {
  b.plan.allows = [](const site_id& who, const service_id&, change does) {
    return who != site_id{"C"} || does == change::create;
  };
  start();
  auto x = made(a, "lamp");
  BOOST_TEST(line_of(x.how) == "A=ok B=ok C=ok ");
  auto y = ask(a, change_of(x, id_at(a, x), change::patch));
  BOOST_REQUIRE(y.has_value());
  BOOST_TEST(line_of(y->how) == "A=ok B=diverged C=ok ");
  BOOST_TEST(b.app->tags_of("lamp").value().size() == 1U);
  BOOST_TEST(until([&] { return b.replicated->counters().diverged == 1U; }));
}

BOOST_FIXTURE_TEST_CASE(a_node_that_stops_answers_who_waits, three_sites) {
  start();
  auto x = made(a, "lamp");
  a.app->hold(true);
  auto calls = a.app->calls();
  std::atomic<int> answers{0};
  ending how = ending::application;
  a.replicated->submit(change_of(x, id_at(a, x), change::patch),
                       [&](result<ports::write_answer> y) {
                         how = y ? y->how.how : ending::refused;
                         ++answers;
                       });
  BOOST_REQUIRE(until([&] { return a.app->calls() > calls; }));
  a.stop();
  BOOST_TEST(answers == 1);
  BOOST_TEST((how == ending::open));
  // What comes after is refused at once.
  auto z = ask(a, create("desk"));
  BOOST_REQUIRE(!z.has_value());
  BOOST_TEST((z.error().code == errc::overloaded));
  a.app->hold(false);
  BOOST_TEST(answers == 1);
}

BOOST_FIXTURE_TEST_CASE(two_sites_that_create_one_name_meet_in_one_group,
                        three_sites) {
  start();
  auto named = [&](const std::string& name) {
    auto x = create(name);
    std::get<ports::creation>(x.on).key =
      replicant::natural_key{service_id{"Things"}, "thing", {name}};
    return x;
  };
  auto x = ask(a, named("lamp"));
  BOOST_REQUIRE(x.has_value());
  BOOST_TEST(x->how.status == 201);
  BOOST_TEST(x->meta.generation == 1U);
  auto y = ask(b, named("lamp"));
  BOOST_REQUIRE(y.has_value());
  BOOST_TEST(y->how.status == 409);
  BOOST_TEST((y->meta == x->meta));
  // Removed, it may be created anew, as another generation.
  auto z = ask(c, change_of(*x, id_at(c, *x), change::remove, wait_for::here));
  BOOST_REQUIRE(z.has_value());
  BOOST_TEST(z->how.status == 204);
  auto w = ask(b, named("lamp"));
  BOOST_REQUIRE(w.has_value());
  BOOST_TEST(w->how.status == 201);
  BOOST_TEST(w->meta.generation == 2U);
}

BOOST_FIXTURE_TEST_CASE(what_refers_to_another_is_made_behind_it, three_sites) {
  start();
  auto x = made(a, "rack");
  auto y = create("disk");
  y.what = sim::operation_for(
    change::create, {next_tag++, "disk", {}, id_at(a, x)}, {}, ports::own_meta,
    replicant::dependency{x.meta, x.how.index}, sim::enforcement::names,
    settles_after_ms);
  auto z = ask(a, y);
  BOOST_REQUIRE(z.has_value());
  BOOST_TEST(z->how.status == 201);
  BOOST_TEST(line_of(z->how) == "A=ok B=ok C=ok ");
}

BOOST_FIXTURE_TEST_CASE(who_is_unknown_or_left_out_is_refused_in_words,
                        three_sites) {
  start();
  auto x = create("lamp");
  std::get<ports::creation>(x.on).sites = {site_id{"B"}, site_id{"C"}};
  auto y = ask(a, x);
  BOOST_REQUIRE(!y.has_value());
  BOOST_TEST((y.error().code == errc::bad_request));
  x = create("lamp");
  std::get<ports::creation>(x.on).sites = {site_id{"A"}, site_id{"Z"}};
  y = ask(a, x);
  BOOST_REQUIRE(!y.has_value());
  BOOST_TEST((y.error().code == errc::unknown_site));
  x = create("lamp");
  x.on = replicant::random_meta(1, 2);
  y = ask(a, x);
  BOOST_REQUIRE(y.has_value());
  BOOST_TEST((y->how.how == ending::refused));
  BOOST_TEST((y->how.why == refusal::absent));
}

BOOST_FIXTURE_TEST_CASE(sleeping_groups_stay_asleep_when_a_link_returns,
                        three_sites) {
  for (auto* s : all)
    s->plan.idle = 50ms;
  start();
  constexpr std::size_t groups = 100;
  std::atomic<std::size_t> done{0};
  for (std::size_t i = 0; i < groups; ++i)
    a.replicated->submit(create("thing" + std::to_string(i)),
                         [&](auto x) { done += x.has_value() ? 1 : 0; });
  BOOST_REQUIRE(until([&] { return done == groups; }));
  // All at once: what one says last wakes another.
  BOOST_REQUIRE(until([&] {
    return std::ranges::all_of(all, [&](auto* s) {
      auto n = s->replicated->counters();
      return n.awake == 0 && n.replicants == groups;
    });
  }));
  auto batches = a.replicated->counters().batches;
  c.node->publish(cut_from({"A", "B"}));
  BOOST_REQUIRE(a.until("C", reach::down));
  c.node->publish({});
  BOOST_REQUIRE(a.until("C", reach::up));
  BOOST_REQUIRE(c.until("A", reach::up));
  // A change of one of them goes through all that came before it.
  auto x = ask(c, create("last"));
  BOOST_REQUIRE(x.has_value());
  BOOST_TEST(a.replicated->counters().awake <= 1U);
  BOOST_TEST(a.replicated->counters().batches - batches < 20U);
}
