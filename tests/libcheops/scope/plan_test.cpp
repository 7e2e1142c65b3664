#define BOOST_TEST_MODULE scope_plan
#include "cheops/application/description.hpp"
#include "cheops/scope/parse.hpp"
#include "cheops/scope/plan.hpp"
#include "support/boost_test.hpp"

#include <boost/json.hpp>

using namespace cheops;
using namespace std::chrono_literals;

namespace {

// ServiceA calls ServiceB; nobody calls Other.
application::description the_app() {
  application::description out;
  out.name = "demo";
  out.services.resize(3);
  out.services[0].name = service_id{"ServiceA"};
  out.services[0].aliases = {"alpha"};
  out.services[0].calls = {service_id{"ServiceB"}};
  out.services[1].name = service_id{"ServiceB"};
  out.services[2].name = service_id{"Other"};
  return out;
}

// Site1 (here) -10ms- Site2 -20ms- Site3; 30 ms from Site1 to Site3. Site4 is
// not measured.
mesh::view the_mesh() {
  mesh::view out;
  out.self = site_id{"Site1"};
  out.sites.resize(4);
  for (std::size_t i = 0; i < 4; ++i) {
    out.sites[i].name = site_id{"Site" + std::to_string(i + 1)};
    out.sites[i].state = mesh::reach::up;
  }
  out.sites[0].state = mesh::reach::self;
  out.sites[0].round_trips[site_id{"Site2"}] = 10ms;
  out.sites[0].round_trips[site_id{"Site3"}] = 30ms;
  out.sites[1].round_trips[site_id{"Site3"}] = 20ms;
  return out;
}

const scope::question reads{service_id{"ServiceA"}, true, false, false};
const scope::question creates{service_id{"ServiceA"}, false, true, false};
const scope::question updates{service_id{"ServiceA"}, false, false, false};

result<scope::plan> planned(std::string_view text,
                            const scope::question& ask = reads,
                            const mesh::view& mesh = the_mesh()) {
  return scope::make_plan(scope::parse(text).value(), ask, the_app(), mesh);
}

std::string joined(const std::vector<site_id>& sites) {
  std::string out;
  for (const auto& x : sites)
    out += (out.empty() ? "" : " ") + x.value;
  return out;
}

std::string joined(const std::vector<scope::rejected>& sites) {
  std::string out;
  for (const auto& x : sites)
    out += x.site.value + ": " + x.why + "\n";
  return out;
}

// "action: sites", with "(501)" where it is not built.
std::string outline(const result<scope::plan>& x) {
  if (!x)
    return to_string(x.error());
  return std::string{to_string(x->act)} + ": " + joined(x->sites)
         + (x->not_built.empty() ? "" : " (501)");
}

mesh::site& at(mesh::view& x, std::size_t number) {
  return x.sites[number - 1];
}

} // namespace

BOOST_AUTO_TEST_CASE(a_service_that_is_not_named_stays_here) {
  auto x = planned("{ServiceB: Site2}");
  BOOST_TEST(outline(x) == "local: Site1");
  BOOST_TEST(x->summary
             == "the scope does not name ServiceA: it runs here, at Site1");
}

BOOST_AUTO_TEST_CASE(a_named_service_runs_at_its_site) {
  auto x = planned("{ServiceA: Site2, ServiceB: Site3}");
  BOOST_TEST(outline(x) == "share: Site2");
  BOOST_TEST(x->summary == "ServiceA runs at Site2");
  BOOST_TEST(planned("{ServiceA: Site1}")->summary
             == "ServiceA runs here, at Site1");
}

BOOST_AUTO_TEST_CASE(names_match_in_any_case_and_by_alias) {
  BOOST_TEST(outline(planned("{ALPHA: site2}")) == "share: Site2");
}

BOOST_AUTO_TEST_CASE(one_service_by_two_names_is_refused) {
  BOOST_TEST(outline(planned("{ServiceA: Site1, alpha: Site2}"))
             == "site Site1, plan scope: the scope names the service ServiceA "
                "twice, once by another name");
}

BOOST_AUTO_TEST_CASE(a_bare_placement_is_for_every_service) {
  BOOST_TEST(outline(planned("Site2")) == "share: Site2");
  auto ask = reads;
  ask.service = service_id{"Other"};
  BOOST_TEST(outline(planned("Site2", ask)) == "share: Site2");
}

BOOST_AUTO_TEST_CASE(alternatives_are_tried_in_the_order_written) {
  auto x = planned("{ServiceA: Site3 || (Site1 || Site3) || Site2}", updates);
  BOOST_TEST(outline(x) == "share: Site3 Site1 Site2");
  BOOST_TEST(x->summary
             == "ServiceA runs at Site3; if it cannot be reached, "
                "here, at Site1, then at Site2");
  BOOST_TEST(x->passed_over.empty());
}

BOOST_AUTO_TEST_CASE(an_alternative_that_is_cut_off_keeps_its_turn) {
  auto mesh = the_mesh();
  at(mesh, 2).state = mesh::reach::down;
  BOOST_TEST(outline(planned("Site2 || Site3", reads, mesh))
             == "share: Site2 Site3");
}

BOOST_AUTO_TEST_CASE(around_takes_the_nearest_to_here_first) {
  auto x = planned("{ServiceA: around(Site3, 30ms)}");
  BOOST_TEST(outline(x) == "share: Site1 Site2 Site3");
  BOOST_TEST(
    x->summary
    == "ServiceA runs here, at Site1, the nearest of 3 within 30 ms of "
       "Site3; if it cannot be reached, at Site2, then at Site3");
  BOOST_TEST(joined(x->passed_over)
             == "Site4: its round trip to Site3 is not measured\n");
}

BOOST_AUTO_TEST_CASE(around_passes_over_what_is_too_far_with_the_figures) {
  auto x = planned("{ServiceA: around(Site3, 20500us)}");
  BOOST_TEST(outline(x) == "share: Site2 Site3");
  BOOST_TEST(joined(x->passed_over)
             == "Site1: round trip to Site3 is 30 ms, over 20.5 ms\n"
                "Site4: its round trip to Site3 is not measured\n");
  BOOST_TEST(outline(planned("around(Site3, 0ms)")) == "share: Site3");
}

BOOST_AUTO_TEST_CASE(around_passes_over_what_is_cut_off) {
  auto mesh = the_mesh();
  at(mesh, 2).state = mesh::reach::down;
  at(mesh, 2).since = std::chrono::system_clock::time_point{1'700'000'000s};
  auto x = planned("around(Site3, 1s)", reads, mesh);
  BOOST_TEST(outline(x) == "share: Site1 Site3");
  BOOST_TEST(joined(x->passed_over)
             == "Site2: cut off since 2023-11-14T22:13:20Z\n"
                "Site4: its round trip to Site3 is not measured\n");
}

BOOST_AUTO_TEST_CASE(the_site_that_around_names_stays_last_when_cut_off) {
  auto mesh = the_mesh();
  at(mesh, 2).state = mesh::reach::down;
  BOOST_TEST(outline(planned("around(Site2, 1s)", reads, mesh))
             == "share: Site1 Site3 Site2");
}

BOOST_AUTO_TEST_CASE(around_a_site_that_nobody_measured_is_unreachable) {
  auto mesh = the_mesh();
  BOOST_TEST(outline(planned("around(Site4, 1s)", reads, mesh))
             == "share: Site4");
  at(mesh, 4).state = mesh::reach::connecting;
  auto x = planned("around(Site4, 1s)", reads, mesh);
  BOOST_REQUIRE(!x);
  BOOST_TEST((x.error().code == errc::unreachable));
  BOOST_TEST(x.error().site == "Site4");
  BOOST_TEST(x.error().what
             == "no round trip to Site4 is known, so nothing "
                "can be chosen around it");
  // Another alternative makes the scope possible.
  auto y = planned("around(Site4, 1s) || Site2", reads, mesh);
  BOOST_TEST(outline(y) == "share: Site2");
  BOOST_TEST(joined(y->passed_over)
             == "Site4: no round trip to Site4 is known, so nothing can be "
                "chosen around it\n");
}

BOOST_AUTO_TEST_CASE(around_among_alternatives_joins_their_list) {
  auto x = planned("Site3 || around(Site3, 20ms) || Site4");
  BOOST_TEST(outline(x) == "share: Site3 Site2 Site4");
  BOOST_TEST(joined(x->passed_over)
             == "Site1: round trip to Site3 is 30 ms, over 20 ms\n");
}

BOOST_AUTO_TEST_CASE(a_placement_has_at_most_32_times_around) {
  std::string text = "around(Site1, 1ms)";
  for (auto i = 2; i <= 32; ++i)
    text += " || around(Site1, " + std::to_string(i) + "ms)";
  BOOST_TEST(outline(planned(text)) == "share: Site1 Site2 Site3");
  auto x = planned(text + " || around(Site2, 1s)");
  BOOST_REQUIRE(!x);
  BOOST_TEST((x.error().code == errc::bad_scope));
  BOOST_TEST(x.error().what == "more than 32 times around for one service");
}

BOOST_AUTO_TEST_CASE(around_chooses_one_site_unless_it_creates) {
  BOOST_TEST(outline(planned("around(Site3, 20ms)", updates))
             == "share: Site2 Site3");
  auto x = planned("{around: site3, 20ms}", creates);
  BOOST_TEST(outline(x) == "replicate: Site2 Site3 (501)");
  BOOST_TEST(x->not_built
             == "this release does not yet create on every site around Site3; "
                "create at one site with {ServiceA: Site3}; requests that do "
                "not create run with this scope");
  BOOST_TEST(outline(planned("Site1 || around(Site3, 20ms)", creates))
             == "share: Site1 (501)");
}

BOOST_AUTO_TEST_CASE(what_is_not_built_is_planned_in_full) {
  auto x = planned("{ServiceA: Site1 & Site2 & Site3}", creates);
  BOOST_TEST(outline(x) == "replicate: Site1 Site2 Site3 (501)");
  BOOST_TEST(x->summary
             == "ServiceA would make a replica at each of Site1, "
                "Site2 and Site3");
  BOOST_TEST(x->not_built
             == "this release does not yet replicate over sites (\"&\"); what "
                "runs is one site, or alternatives, such as {ServiceA: Site1 "
                "|| Site2 || Site3}");
  BOOST_TEST(planned("Site1 & Site2", reads)->summary
             == "ServiceA would read the replica nearest to here, of Site1 "
                "and Site2");
  BOOST_TEST(planned("Site1 & Site2", updates)->summary
             == "ServiceA would change every replica, at Site1 and Site2");

  x = planned("{ServiceA: Site2 % Site3, prime: site3}");
  BOOST_TEST(outline(x) == "divide: Site2 Site3 (501)");
  BOOST_TEST(x->summary
             == "one resource of ServiceA would span Site2 and "
                "Site3; Site3 arbitrates");
  BOOST_TEST(x->not_built
             == "this release does not yet spread one resource over sites "
                "(\"%\"); what runs is one site, or alternatives, such as "
                "{ServiceA: Site2 || Site3}");

  x = planned("{set: 2@Site1, 3@Site2}");
  BOOST_TEST(outline(x) == "copy: Site1 Site2 (501)");
  BOOST_TEST(x->summary
             == "copies of one resource of ServiceA would be kept: "
                "2@Site1 & 3@Site2");
  BOOST_TEST(outline(planned("1@Site2")) == "copy: Site2 (501)");
}

BOOST_AUTO_TEST_CASE(where_a_node_replicates_and_runs) {
  auto making = creates;
  auto changing = updates;
  auto reading = reads;
  making.replicates = changing.replicates = reading.replicates = true;
  auto x = planned("{ServiceA: Site1 & Site2 & Site3}", making);
  BOOST_TEST(outline(x) == "replicate: Site1 Site2 Site3");
  BOOST_TEST(x->summary
             == "ServiceA makes a replica at each of Site1, Site2 and Site3");
  BOOST_TEST(planned("Site1 & Site2", changing)->summary
             == "ServiceA changes every replica, at Site1 and Site2");
  BOOST_TEST(planned("Site1 & Site2", reading)->summary
             == "ServiceA reads the replica nearest to here, of Site1 and "
                "Site2");
  BOOST_TEST(outline(planned("Site1 & (Site2 || Site3)", making))
             == "replicate: Site1 Site2");
  // Around: there and at every site that is near.
  BOOST_TEST(outline(planned("around(Site3, 20ms)", making))
             == "replicate: Site2 Site3");
  BOOST_TEST(outline(planned("around(Site3, 20ms)", changing))
             == "share: Site2 Site3");
  BOOST_TEST(outline(planned("around(Site3, 1ms)", making)) == "share: Site3");
  // What is no replication alone does not run yet.
  auto mixed = planned("(Site1 & Site2) || Site3", making);
  BOOST_TEST(outline(mixed) == "replicate: Site1 Site2 (501)");
  BOOST_TEST(mixed->not_built
             == "this release does not yet fall back (\"||\") from or to more "
                "than one site; what runs is one site, or alternatives, such "
                "as {ServiceA: Site1 || Site2}");
  BOOST_TEST(outline(planned("Site1 & 2@Site2", making))
             == "replicate: Site1 Site2 (501)");
  BOOST_TEST(outline(planned("(Site1 & Site2) % Site3", making))
             == "divide: Site1 Site2 Site3 (501)");
}

BOOST_AUTO_TEST_CASE(calls_of_what_is_replicated_stay_at_each_site) {
  auto making = creates;
  making.replicates = true;
  auto outline_of = [&](const char* text) {
    return outline(planned(text, making));
  };
  auto runs = "replicate: Site1 Site2";
  BOOST_TEST(outline_of("Site1 & Site2") == runs);
  BOOST_TEST(outline_of("{ServiceA: Site1 & Site2}") == runs);
  BOOST_TEST(outline_of("{ServiceA: Site1 & Site2, ServiceB: Site2 & Site1}")
             == runs);
  auto x = planned("{ServiceA: Site1 & Site2, ServiceB: Site1}", making);
  BOOST_TEST(x->not_built
             == "this release runs the calls that ServiceA makes to ServiceB, "
                "while a replica is made, at that replica's own site; leave "
                "ServiceB out of the scope");
}

BOOST_AUTO_TEST_CASE(mixed_forms_take_one_site_of_each_choice) {
  auto x = planned("Site1 & (Site2 || Site3)");
  BOOST_TEST(outline(x) == "replicate: Site1 Site2 (501)");
  BOOST_TEST(joined(x->passed_over)
             == "Site3: it is an alternative to Site2\n");
  auto mesh = the_mesh();
  at(mesh, 2).state = mesh::reach::down;
  BOOST_TEST(outline(planned("Site1 & (Site2 || Site3)", reads, mesh))
             == "replicate: Site1 Site3 (501)");
  BOOST_TEST(outline(planned("(Site1 || Site2) % Site3"))
             == "divide: Site1 Site3 (501)");
  x = planned("(Site1 & Site2) || (Site3 & Site4)");
  BOOST_TEST(outline(x) == "replicate: Site1 Site2 (501)");
  auto turn = ": its branch of \"||\" has its turn only if those before it "
              "fail\n";
  BOOST_TEST(joined(x->passed_over)
             == std::string{"Site3"} + turn + "Site4" + turn);
  BOOST_TEST(outline(planned("Site4 || (Site2 & Site3)"))
             == "share: Site4 (501)");
}

BOOST_AUTO_TEST_CASE(an_unknown_site_is_refused_with_the_nearest_name) {
  for (auto text : {"{ServiceA: Siet2}", "{ServiceA: Site1, ServiceB: Siet2}",
                    "{ServiceA: Site1 % Site2, prime: Siet2}",
                    "{ServiceA: Site1 || (Site2 & 2@Siet2)}"}) {
    auto x = planned(text);
    BOOST_REQUIRE(!x);
    BOOST_TEST((x.error().code == errc::unknown_site));
    BOOST_TEST(to_string(x.error())
               == "site Site1, plan scope: no site is named \"Siet2\" (did you "
                  "mean \"Site2\"? known sites: Site1, Site2, Site3 and "
                  "Site4)");
  }
}

BOOST_AUTO_TEST_CASE(the_list_of_known_sites_is_bounded) {
  auto mesh = the_mesh();
  mesh.sites.resize(100);
  for (std::size_t i = 4; i < 100; ++i)
    mesh.sites[i].name = site_id{"Other" + std::to_string(i)};
  auto x = planned("Zanzibar", reads, mesh);
  BOOST_REQUIRE(!x);
  BOOST_TEST(x.error().hint
             == "known sites: Site1, Site2, Site3, Site4, "
                "Other4, Other5, Other6 and 93 more");
}

BOOST_AUTO_TEST_CASE(a_service_out_of_reach_is_refused) {
  auto x = planned("{ServiceA: Site1, Other: Site2}");
  BOOST_REQUIRE(!x);
  BOOST_TEST((x.error().code == errc::unknown_service));
  BOOST_TEST(x.error().what == "a request to ServiceA can never reach Other");
  x = planned("{ServiceA: Site1, ServiceC: Site2}");
  BOOST_REQUIRE(!x);
  BOOST_TEST((x.error().code == errc::unknown_service));
  BOOST_TEST(to_string(x.error())
             == "site Site1, plan scope: no service is named \"ServiceC\" (did "
                "you mean \"ServiceA\"? known services: ServiceA, ServiceB "
                "and Other)");
}

BOOST_AUTO_TEST_CASE(an_inherited_scope_may_speak_of_other_calls) {
  auto ask = reads;
  ask.inherited = true;
  BOOST_TEST(outline(planned("{Other: Site2, Nova: Far}", ask))
             == "local: Site1");
  BOOST_TEST(outline(planned("{Other: Far, ServiceA: Site2}", ask))
             == "share: Site2");
  BOOST_TEST(!planned("{ServiceA: Far}", ask));
}

BOOST_AUTO_TEST_CASE(a_site_without_the_service_is_no_candidate) {
  auto mesh = the_mesh();
  at(mesh, 1).services = {service_id{"ServiceA"}, service_id{"ServiceB"}};
  at(mesh, 2).services = {service_id{"ServiceB"}};
  at(mesh, 3).services = {service_id{"ServiceA"}};
  auto refusal = "site Site2, plan scope: Site2 does not offer ServiceA (it is "
                 "offered at Site1 and Site3)";
  BOOST_TEST(outline(planned("Site2", reads, mesh)) == refusal);
  BOOST_TEST(outline(planned("Site2 & Site3", reads, mesh)) == refusal);
  BOOST_TEST(outline(planned("{set: 1@Site1, 1@Site2}", reads, mesh))
             == refusal);
  auto x = planned("Site2 || Site3", reads, mesh);
  BOOST_TEST(outline(x) == "share: Site3");
  BOOST_TEST(joined(x->passed_over)
             == "Site2: Site2 does not offer ServiceA\n");
  x = planned("around(Site2, 10ms)", reads, mesh);
  BOOST_TEST(outline(x) == "share: Site1");
  BOOST_TEST(joined(x->passed_over)
             == "Site2: it does not offer ServiceA\n"
                "Site3: round trip to Site2 is 20 ms, over 10 ms\n"
                "Site4: its round trip to Site2 is not measured\n");
  BOOST_TEST(outline(planned("around(Site2, 1ms)", reads, mesh)) == refusal);
  // A site that tells no services is taken at the scope's word.
  BOOST_TEST(outline(planned("Site4", reads, mesh)) == "share: Site4");
}

BOOST_AUTO_TEST_CASE(json_of_a_plan_has_every_member) {
  auto x = planned("{ServiceA: around(Site3, 20ms)}");
  BOOST_TEST(boost::json::serialize(to_json(*x))
             == R"({"action":"share","sites":["Site2","Site3"],)"
                R"("passed_over":[{"site":"Site1","why":"round trip to Site3 )"
                R"(is 30 ms, over 20 ms"},{"site":"Site4","why":"its round )"
                R"(trip to Site3 is not measured"}],"not_built":null,)"
                R"("summary":"ServiceA runs at Site2, the nearest of 2 within )"
                R"(20 ms of Site3; if it cannot be reached, at Site3"})");
  auto y = to_json(*planned("{ServiceA: Site2 & Site3}"));
  BOOST_TEST(y.at("action").as_string() == "replicate");
  BOOST_TEST(y.at("not_built").is_string());
}
