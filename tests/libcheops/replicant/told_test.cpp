#include "cheops/replicant/show.hpp"
#include "cheops/replicant/told.hpp"
#include "support/boost_test.hpp"

#include <boost/json.hpp>

using namespace cheops;
using namespace cheops::replicant;

namespace {

const auto meta = meta_of({service_id{"B"}, "bar", {"x"}}, 2);
const operation_id id{0xab, 2, 0x10};

} // namespace

BOOST_AUTO_TEST_SUITE(what_clients_are_told)

BOOST_AUTO_TEST_CASE(an_operation_has_a_name_and_a_path) {
  operation_name x{meta, id};
  auto name = to_string(x);
  BOOST_TEST(name == to_string(meta) + "_00000000000000ab-2-10");
  BOOST_REQUIRE(parse_operation_name(name));
  BOOST_TEST((*parse_operation_name(name) == x));
  for (auto bad : {"", "_", "x_y", "ab-2-10"})
    BOOST_TEST(!parse_operation_name(bad), bad);
  auto path = path_of(site_id{"New York"}, x);
  BOOST_TEST(path == "/.well-known/cheops/operations/New%20York/" + name);
  auto back = parse_operation_path(path + "?q");
  BOOST_REQUIRE(back);
  BOOST_TEST(back->site.value == "New York");
  BOOST_TEST((back->what == x));
  BOOST_TEST(!parse_operation_path(path + "/more"));
  BOOST_TEST(!parse_operation_path(std::string{operations_path} + name));
}

BOOST_AUTO_TEST_CASE(sites_are_told_this_one_first) {
  std::vector<site_line> sites{{site_id{"Oslo"}, site_state::pending, 0},
                               {site_id{"New York"}, site_state::ok, 0},
                               {site_id{"Paris"}, site_state::ok, 201},
                               {site_id{"Rome"}, site_state::diverged, 409}};
  BOOST_TEST(sites_text(sites, site_id{"Paris"})
             == "Paris=201, Oslo=pending, \"New York\"=ok, Rome=diverged");
}

BOOST_AUTO_TEST_CASE(an_answer_says_what_is_known) {
  ports::write_answer x;
  BOOST_TEST(fields_of(x, site_id{"Paris"}).empty());
  x.meta = meta;
  x.how.operation = id;
  x.how.index = 7;
  x.how.sites = {{site_id{"Paris"}, site_state::ok, 201}};
  std::string all;
  for (const auto& f : fields_of(x, site_id{"Paris"}))
    all += f.name + ": " + f.value + "\n";
  BOOST_TEST(all
             == "Cheops-Sites: Paris=201\nCheops-Replicant: " + to_string(meta)
                  + "\nCheops-Replicant-Index: 7\nCheops-Operation: "
                  + to_string(meta) + "_00000000000000ab-2-10\n");
}

BOOST_AUTO_TEST_CASE(a_read_says_how_far_the_copy_is) {
  BOOST_TEST(fields_of({meta, 7, site_state::ok}).size() == 2U);
  auto x = fields_of({meta, 7, site_state::diverged});
  BOOST_REQUIRE(x.size() == 3U);
  BOOST_TEST(x[2].name == "Cheops-Replicant-State");
  BOOST_TEST(x[2].value == "diverged");
}

BOOST_AUTO_TEST_CASE(each_refusal_has_the_status_that_the_rules_name) {
  const std::pair<refusal, unsigned> all[] = {{refusal::no_quorum, 503},
                                              {refusal::busy, 503},
                                              {refusal::witness_full, 503},
                                              {refusal::not_member, 421},
                                              {refusal::too_large, 413},
                                              {refusal::stale, 412},
                                              {refusal::key_reused, 422},
                                              {refusal::absent, 404},
                                              {refusal::over, 404},
                                              {refusal::foreign, 409},
                                              {refusal::application_down, 503},
                                              {refusal::bad_request, 400},
                                              {refusal::bad_change, 400},
                                              {refusal::halted, 500},
                                              {refusal::no_key, 409}};
  for (auto [why, status] : all) {
    auto x = explain(why, meta);
    BOOST_TEST(x.status == status);
    BOOST_TEST(!x.why.what.empty());
    BOOST_TEST(x.why.step == "replicate");
  }
  BOOST_TEST(explain(refusal::stale, meta, 409).status == 409U);
  BOOST_TEST(
    explain(refusal::no_quorum, meta)
      .why.what.starts_with("replicant " + to_string(meta) + ": too few"));
  BOOST_TEST(
    explain(refusal::busy, {}).why.what.starts_with("too many requests"));
}

BOOST_AUTO_TEST_CASE(a_strict_read_of_a_false_copy_is_refused) {
  read_answer x;
  x.state = site_state::uncertain;
  auto told = explain(x, meta);
  BOOST_TEST(told.status == 409U);
  BOOST_TEST(told.why.what.find("uncertain") != std::string::npos);
  x.why = refusal::no_quorum;
  BOOST_TEST(explain(x, meta).status == 503U);
}

BOOST_AUTO_TEST_CASE(a_replicant_is_shown_as_json) {
  ports::replicant_view x;
  x.meta = meta;
  x.key = natural_key{service_id{"B"}, "bar", {"x"}};
  x.service = service_id{"B"};
  x.kind = "bar";
  x.term = 3;
  x.leader = site_id{"Paris"};
  x.last = x.commit = x.applied = 9;
  x.created_at = 2;
  x.changed_at = 8;
  x.members = {{{site_id{"Paris"}, "s"},
                raft::member_role::voter,
                site_state::diverged,
                9,
                "41",
                {{8, 409, site_state::diverged, {}}}}};
  x.troubles = {{8, change::replace, site_state::diverged, 409, false}};
  x.operations = {{id, 8, change::replace, fate::stands, 200, 0}};
  auto shown = boost::json::serialize(to_json(x));
  auto of = to_string(meta);
  BOOST_TEST(
    shown
    == R"({"replicant":")" + of
         + R"(","service":"B","kind":"bar","name":["x"],"state":"diverged",)"
           R"("sites":[{"site":"Paris","store":"s","role":"voter",)"
           R"("state":"diverged","index":9,"local_id":"41","outcomes":)"
           R"([{"index":8,"state":"diverged","status":409}]}],"term":3,)"
           R"("leader":"Paris","last_index":9,"commit_index":9,)"
           R"("applied_index":9,"created_at":2,"changed_at":8,)"
           R"("deleted_at":null,"goal":null,"troubles":[{"index":8,)"
           R"("change":"replace","state":"diverged","status":409}],)"
           R"("operations":[{"operation":")"
         + of
         + R"(_00000000000000ab-2-10","index":8,"change":"replace",)"
           R"("fate":"stands",)"
           R"("status":200}],"halted":null})");
}

BOOST_AUTO_TEST_CASE(an_operation_that_nobody_knows_is_shown_so) {
  ports::operation_view x;
  x.id = id;
  auto shown = to_json(x, meta);
  BOOST_TEST(shown.at("fate") == "unknown");
  BOOST_TEST(shown.at("index").is_null());
  BOOST_TEST(shown.at("operation").as_string()
             == std::string{to_string(meta) + "_00000000000000ab-2-10"});
}

BOOST_AUTO_TEST_SUITE_END()
