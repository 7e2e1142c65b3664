#include "cheops/traffic/carriers.hpp"
#include "cheops/traffic/decide.hpp"
#include "support/boost_test.hpp"

#include <algorithm>

using namespace cheops;
using namespace cheops::traffic;
using namespace std::chrono_literals;

namespace {

constexpr auto trace = "0af7651916cd43dd8448eb211c80319c";
constexpr auto parent = "00-0af7651916cd43dd8448eb211c80319c-"
                        "b7ad6b7169203331-01";

application::description shop() {
  application::description app;
  app.name = "shop";
  app.services.resize(2);
  auto& a = app.services[0];
  a.name = service_id{"A"};
  a.aliases = {"orders"};
  a.calls = {service_id{"B"}};
  application::resource foo;
  foo.kind = "foo";
  foo.operations = {{"POST", "/foos", application::verb::create},
                    {"GET", "/foos/{id}", application::verb::read}};
  a.resources = {foo};
  app.services[1].name = service_id{"B"};
  app.carry = {true, true, true};
  return app;
}

mesh::view three_sites() {
  mesh::view out;
  out.self = site_id{"S1"};
  out.version = 1;
  for (auto name : {"S1", "S2", "S3"}) {
    mesh::site x;
    x.name = site_id{name};
    x.state = x.name == out.self ? mesh::reach::self : mesh::reach::up;
    x.services = {service_id{"A"}, service_id{"B"}};
    out.sites.push_back(x);
  }
  return out;
}

/// Site S1, asked by users at the front of A unless told otherwise.
struct site_fixture {
  std::shared_ptr<site::config> config = std::make_shared<site::config>();
  std::shared_ptr<application::description> app =
    std::make_shared<application::description>(shop());
  std::shared_ptr<correlation> traces =
    std::make_shared<correlation>(1600, 60s, 7);
  mesh::view view = three_sites();
  std::unique_ptr<decider> d;
  clock::time_point now{};

  site_fixture() {
    config->name = site_id{"S1"};
    d = std::make_unique<decider>(config, app, traces, 42);
  }

  decision ask(std::vector<field> fields, std::string_view method = "GET",
               std::string_view target = "/foos/1", std::size_t front = 0) {
    return d->decide({method, target, fields},
                     {&app->services[front], site_id{}, {}}, view, now);
  }

  decision ask_as_peer(std::vector<field> fields,
                       std::string_view method = "GET") {
    return d->decide({method, "/foos/1", fields}, {nullptr, site_id{"S2"}, {}},
                     view, now);
  }

  void allow_everything() {
    config->default_allow = {{service_id{"A"}, {}}, {service_id{"B"}, {}}};
  }
};

std::string value_of(const std::vector<header>& in, std::string_view name) {
  auto i = std::ranges::find(in, name, &header::name);
  return i == in.end() ? "" : i->value;
}

std::vector<std::string> names(const decision& x) {
  std::vector<std::string> out;
  for (const auto& site : x.candidates)
    out.push_back(site.value);
  return out;
}

using strings = std::vector<std::string>;

} // namespace

BOOST_FIXTURE_TEST_SUITE(decisions, site_fixture)

BOOST_AUTO_TEST_CASE(without_a_scope_nothing_leaves_the_site) {
  auto x = ask({{"Host", "a"}, {"traceparent", parent}});
  BOOST_TEST((x.what == verdict::local));
  BOOST_TEST(x.service->name.value == "A");
  BOOST_TEST(x.set.empty());
  BOOST_TEST(traces->size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_scope_sends_the_request_to_its_site) {
  auto x = ask({{"Scope", "{A: s2, B: S3}"}});
  BOOST_TEST_REQUIRE((x.what == verdict::run));
  BOOST_TEST(names(x) == strings{"S2"}, boost::test_tools::per_element());
  BOOST_TEST(x.plan == "share");
  BOOST_TEST(value_of(x.set_for_peer, "Cheops-Service") == "A");
  BOOST_TEST(value_of(x.set_for_peer, "Cheops-From") == "S1");
  BOOST_TEST(value_of(x.set_for_peer, "Cheops-Hops") == "1");
  BOOST_TEST(value_of(x.set_for_peer, "Cheops-Path") == "S1/A");
  BOOST_TEST(value_of(x.set_for_peer, "Cheops-Scope") == x.scope);
}

BOOST_AUTO_TEST_CASE(what_there_is_is_told_here_where_the_scope_cannot_be_run) {
  application::resource catalogue;
  catalogue.kind = "catalogue";
  catalogue.discovery = true;
  catalogue.operations = {{"GET", "/apis", application::verb::list}};
  app->services[0].resources.push_back(catalogue);
  // A site that can be asked comes first.
  auto x = ask({{"Scope", "{A: S2}"}}, "GET", "/apis");
  BOOST_TEST(names(x) == (strings{"S2", "S1"}),
             boost::test_tools::per_element());
  x = ask({{"Scope", "{A: S1 || S2}"}}, "GET", "/apis");
  BOOST_TEST(names(x) == (strings{"S1", "S2"}),
             boost::test_tools::per_element());
  for (const auto* scope : {"{A: S9}", "{A: S2", "{A: S2 % S3}"}) {
    x = ask({}, "GET", make_prefix(scope) + "/apis");
    BOOST_TEST_REQUIRE((x.what == verdict::run));
    BOOST_TEST(names(x) == strings{"S1"}, boost::test_tools::per_element());
    BOOST_TEST(x.target == "/apis");
    // All else with that scope is refused.
    BOOST_TEST((ask({{"Scope", scope}}).what == verdict::refuse));
    BOOST_TEST(
      (ask({{"Scope", scope}}, "POST", "/apis").what == verdict::refuse));
  }
}

BOOST_AUTO_TEST_CASE(a_service_that_is_not_named_stays_here) {
  auto x = ask({{"Scope", "{B: S2}"}});
  BOOST_TEST_REQUIRE((x.what == verdict::run));
  BOOST_TEST(names(x) == strings{"S1"}, boost::test_tools::per_element());
  BOOST_TEST(x.plan == "local");
}

BOOST_AUTO_TEST_CASE(the_calls_of_a_scoped_request_inherit_its_scope) {
  auto outer = ask({{"Scope", "{B: S2}"}, {"traceparent", parent}});
  BOOST_TEST_REQUIRE(static_cast<bool>(outer.ticket));
  BOOST_TEST(value_of(outer.set, "traceparent").empty()); // Kept as it was.
  auto inner = ask({{"traceparent", parent}}, "GET", "/bars", 1);
  BOOST_TEST_REQUIRE((inner.what == verdict::run));
  BOOST_TEST(names(inner) == strings{"S2"}, boost::test_tools::per_element());
  BOOST_TEST(value_of(inner.set_for_peer, "Cheops-Path") == "S1/A > S1/B");
  BOOST_TEST_REQUIRE(inner.blame.has_value());
  BOOST_TEST((*inner.blame == outer.ticket.key()));
}

BOOST_AUTO_TEST_CASE(a_request_without_a_trace_gets_one) {
  auto x = ask({{"Scope", "{B: S2}"}});
  auto made = value_of(x.set, "traceparent");
  BOOST_TEST_REQUIRE(!trace_id(made).empty());
  auto inner = ask({{"traceparent", made}}, "GET", "/bars", 1);
  BOOST_TEST(names(inner) == strings{"S2"}, boost::test_tools::per_element());
  auto other = ask({{"Scope", "{B: S2}"}});
  BOOST_TEST(value_of(other.set, "traceparent") != made);
}

BOOST_AUTO_TEST_CASE(another_user_of_the_same_trace_inherits_nothing) {
  auto outer = ask({{"Scope", "{B: S2}"},
                    {"traceparent", parent},
                    {"Authorization", "Bearer andy"}});
  auto inner = ask({{"traceparent", parent}, {"Authorization", "Bearer bo"}},
                   "GET", "/bars", 1);
  BOOST_TEST((inner.what == verdict::local));
}

BOOST_AUTO_TEST_CASE(a_second_scope_in_one_trace_gets_a_trace_of_its_own) {
  auto first = ask({{"Scope", "{B: S2}"}, {"traceparent", parent}});
  auto second =
    ask({{"Scope", "{B: S3}"}, {"traceparent", parent}, {"tracestate", "v=1"}});
  auto made = value_of(second.set, "traceparent");
  BOOST_TEST(!made.empty());
  BOOST_TEST(trace_id(made) != trace);
  BOOST_TEST(value_of(second.set, "tracestate")
             == std::string{"cheops="} + trace + ",v=1");
  auto of_first = ask({{"traceparent", parent}}, "GET", "/bars", 1);
  auto of_second = ask({{"traceparent", made}}, "GET", "/bars", 1);
  BOOST_TEST(names(of_first) == strings{"S2"},
             boost::test_tools::per_element());
  BOOST_TEST(names(of_second) == strings{"S3"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_prefix_carries_a_scope_and_is_taken_off) {
  auto target = make_prefix("{A: S2}") + "/foos/1?x=y";
  auto x = ask({}, "GET", target);
  BOOST_TEST_REQUIRE((x.what == verdict::run));
  BOOST_TEST(x.target == "/foos/1?x=y");
  BOOST_TEST(names(x) == strings{"S2"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_header_wins_over_a_prefix_which_still_goes) {
  auto target = make_prefix("{A: S2}") + "/foos/1";
  auto x = ask({{"scope", "{A: S3}"}}, "GET", target);
  BOOST_TEST(x.target == "/foos/1");
  BOOST_TEST(names(x) == strings{"S3"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(baggage_carries_a_scope_and_is_written_for_the_service) {
  auto outer = ask({{"Scope", "{B: S2}"}, {"baggage", "k=v"}});
  auto baggage = value_of(outer.set, "baggage");
  BOOST_TEST(baggage_scope(baggage) == outer.scope);
  auto inner = ask({{"baggage", baggage}}, "GET", "/bars", 1);
  BOOST_TEST_REQUIRE((inner.what == verdict::run));
  BOOST_TEST(names(inner) == strings{"S2"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_an_application_does_not_carry_is_not_looked_at) {
  app->carry = {false, false, false};
  auto prefix = make_prefix("{A: S2}") + "/foos/1";
  BOOST_TEST((ask({}, "GET", prefix).what == verdict::local));
  BOOST_TEST(
    (ask({{"baggage", "cheops.scope=%7BA%3AS2%7D"}}).what == verdict::local));
  auto outer = ask({{"Scope", "{B: S2}"}, {"traceparent", parent}});
  BOOST_TEST(!outer.ticket);
  BOOST_TEST(
    (ask({{"traceparent", parent}}, "GET", "/bars", 1).what == verdict::local));
}

BOOST_AUTO_TEST_CASE(a_wrong_scope_is_refused_and_opens_nothing) {
  struct {
    const char* scope;
    errc code;
  } table[] = {
    {"{A: }", errc::bad_scope},         {"{A: Nowhere}", errc::unknown_site},
    {"{C: S1}", errc::unknown_service}, {"{A: S1 & S2}", errc::not_built},
    {"{A: S1 % S2}", errc::not_built},  {"{set: 2@S1}", errc::not_built}};
  for (const auto& row : table) {
    auto x = ask({{"Scope", row.scope}}, "POST", "/foos");
    BOOST_TEST((x.what == verdict::refuse), row.scope);
    BOOST_TEST((x.refusal.code == row.code),
               row.scope << ": " << to_string(x.refusal));
    BOOST_TEST(x.refusal.site == "S1");
  }
  BOOST_TEST((ask({{"Scope", "{A: S2}"}, {"Scope", "{A: S3}"}}).refusal.code
              == errc::bad_scope));
  BOOST_TEST(traces->size() == 0U);
}

BOOST_AUTO_TEST_CASE(a_service_out_of_reach_is_refused_unless_inherited) {
  auto x = ask({{"Scope", "{A: S2, B: S2}"}}, "GET", "/bars", 1);
  BOOST_TEST((x.refusal.code == errc::unknown_service));
  auto y = ask({{"baggage", with_baggage_scope("", "{A: S2, B: S2}")}}, "GET",
               "/bars", 1);
  BOOST_TEST((y.what == verdict::run));
}

BOOST_AUTO_TEST_CASE(a_full_table_refuses_rather_than_forgets) {
  config->bounds.correlations = 16;
  traces = std::make_shared<correlation>(16, 60s, 7);
  d = std::make_unique<decider>(config, app, traces, 42);
  std::vector<decision> held;
  errc last = errc::none;
  for (int i = 0; i < 200 && last == errc::none; ++i) {
    held.push_back(ask({{"Scope", "{B: S2}"}}));
    last = held.back().refusal.code;
  }
  BOOST_TEST((last == errc::overloaded));
}

BOOST_AUTO_TEST_CASE(a_changed_view_changes_the_plan) {
  auto scope = std::vector<field>{{"Scope", "{A: S4}"}};
  BOOST_TEST((ask(scope).refusal.code == errc::unknown_site));
  mesh::site x;
  x.name = site_id{"S4"};
  x.state = mesh::reach::up;
  view.sites.push_back(x);
  view.version = 2;
  BOOST_TEST(names(ask(scope)) == strings{"S4"},
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_peer_runs_what_it_is_asked_and_forwards_nothing) {
  allow_everything();
  auto x = ask_as_peer({{"Cheops-Service", "orders"},
                        {"Cheops-Scope", "{A: S3, B: S2}"},
                        {"Cheops-Path", "S2/A"},
                        {"Cheops-Hops", "1"},
                        {"Cheops-Deadline", "1500ms"},
                        {"Scope", "{A: S3}"},
                        {"traceparent", parent}});
  BOOST_TEST_REQUIRE((x.what == verdict::run), to_string(x.refusal));
  BOOST_TEST(names(x) == strings{"S1"}, boost::test_tools::per_element());
  BOOST_TEST(x.service->name.value == "A");
  BOOST_TEST((x.answer_within == 1500ms));
  auto inner = ask({{"traceparent", parent}}, "GET", "/bars", 1);
  BOOST_TEST(names(inner) == strings{"S2"}, boost::test_tools::per_element());
  BOOST_TEST(value_of(inner.set_for_peer, "Cheops-Hops") == "2");
  BOOST_TEST(value_of(inner.set_for_peer, "Cheops-Path")
             == "S2/A > S1/A > S1/B");
}

BOOST_AUTO_TEST_CASE(what_a_peer_may_use_is_an_allow_list) {
  auto fields =
    std::vector<field>{{"Cheops-Service", "A"}, {"Cheops-Hops", "1"}};
  BOOST_TEST((ask_as_peer(fields).refusal.code == errc::forbidden));
  config->default_allow = {{service_id{"A"}, {application::verb::read}}};
  BOOST_TEST((ask_as_peer(fields).what == verdict::run));
  BOOST_TEST((ask_as_peer(fields, "DELETE").refusal.code == errc::forbidden));
  app->services[0].authenticates = true;
  config->default_allow.reset();
  BOOST_TEST((ask_as_peer(fields).what == verdict::run));
}

BOOST_AUTO_TEST_CASE(a_peer_with_the_name_of_this_site_is_an_impostor) {
  allow_everything();
  for (auto name : {"S1", "s1"}) {
    std::vector<field> fields{{"Cheops-Service", "A"}, {"Cheops-Hops", "1"}};
    auto x = d->decide({"GET", "/foos/1", fields}, {nullptr, site_id{name}, {}},
                       view, now);
    BOOST_TEST((x.refusal.code == errc::forbidden), name);
  }
}

BOOST_AUTO_TEST_CASE(a_site_that_the_view_lacks_is_who_its_certificate_says) {
  allow_everything();
  std::vector<field> fields{{"Cheops-Service", "A"}, {"Cheops-Hops", "1"}};
  auto x = d->decide({"GET", "/foos/1", fields}, {nullptr, site_id{"S9"}, {}},
                     view, now);
  BOOST_TEST((x.what == verdict::run), to_string(x.refusal));
  site::peer nine;
  nine.name = site_id{"S9"};
  nine.allow.emplace(); // An empty list of its own.
  config->peers.push_back(nine);
  x = d->decide({"GET", "/foos/1", fields}, {nullptr, site_id{"S9"}, {}}, view,
                now);
  BOOST_TEST((x.refusal.code == errc::forbidden));
}

BOOST_AUTO_TEST_CASE(a_full_cache_of_plans_begins_anew_and_says_so) {
  int anew = 0;
  for (int i = 0; i < 2100; ++i) {
    auto x = ask({{"Scope", "{A: S2, B: X" + std::to_string(i) + "}"}});
    BOOST_TEST_REQUIRE((x.refusal.code == errc::unknown_site));
    anew += x.plans_full ? 1 : 0;
  }
  BOOST_TEST(anew == 2);
  // Long ones are planned each time, and push none out.
  const std::string pad(2000, ' ');
  for (int i = 0; i < 2100; ++i) {
    auto x =
      ask({{"Scope", "{A: S2 " + pad + ", B: X" + std::to_string(i) + "}"}});
    BOOST_TEST_REQUIRE((x.refusal.code == errc::unknown_site));
    BOOST_TEST_REQUIRE(!x.plans_full);
  }
}

BOOST_AUTO_TEST_CASE(what_a_peer_says_is_checked) {
  allow_everything();
  BOOST_TEST((ask_as_peer({{"Cheops-Hops", "1"}}).refusal.code
              == errc::unknown_service));
  BOOST_TEST(
    (ask_as_peer({{"Cheops-Service", "A"}}).refusal.code == errc::bad_request));
  BOOST_TEST(
    (ask_as_peer(
       {{"Cheops-Service", "A"}, {"Cheops-Hops", "1"}, {"Cheops-Scope", "{A"}})
       .refusal.code
     == errc::bad_scope));
}

BOOST_AUTO_TEST_CASE(a_trace_that_goes_round_is_cut_and_names_its_way) {
  allow_everything();
  auto x = ask_as_peer({{"Cheops-Service", "A"},
                        {"Cheops-Path", "S2/A > S1/A"},
                        {"Cheops-Hops", "9"}});
  BOOST_TEST((x.refusal.code == errc::loop));
  BOOST_TEST(x.refusal.what.find("S2/A > S1/A") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(cheops_fields_of_users_are_not_believed) {
  auto x = ask({{"Cheops-Scope", "{A: S2}"},
                {"Cheops-Service", "B"},
                {"Cheops-Hops", "0"}});
  BOOST_TEST((x.what == verdict::local));
  for (auto name : {"Scope", "scope", "Cheops-Hops", "cheops-anything"})
    BOOST_TEST(is_ours(name), name);
  for (auto name : {"Scopes", "X-Scope", "Cheops", "Cheopsx-y", "Host"})
    BOOST_TEST(!is_ours(name), name);
}

BOOST_AUTO_TEST_CASE(otherwise_moves_on_only_when_nothing_can_run_twice) {
  using enum failure;
  struct {
    failure what;
    unsigned status;
    bool safe, next;
  } table[] = {
    {not_sent, 0, false, true},       {not_sent, 0, true, true},
    {no_answer, 0, false, false},     {no_answer, 0, true, true},
    {status, 200, true, false},       {status, 404, true, false},
    {status, 409, false, false},      {status, 429, false, true},
    {status, 503, true, true},        {status, 503, false, false},
    {node_refused, 503, false, true}, {node_refused, 403, true, false},
  };
  for (const auto& row : table)
    BOOST_TEST(may_try_next(row.what, row.status, row.safe) == row.next,
               static_cast<int>(row.what) << " " << row.status);
}

BOOST_AUTO_TEST_SUITE_END()
