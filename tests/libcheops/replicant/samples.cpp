#include "samples.hpp"

namespace cheops::replicant::testing {

member_id member(int i) {
  return {site_id{"S" + std::to_string(i)}, "store" + std::to_string(i)};
}

raft::configuration voters(int n) {
  raft::configuration out;
  for (int i = 1; i <= n; ++i)
    out.push_back({member(i), raft::member_role::voter});
  return out;
}

birth sample_birth() {
  birth x;
  x.members = voters(3);
  x.founder = member(1);
  x.key = natural_key{service_id{"ServiceB"}, "bar", {"", "one"}};
  return x;
}

operation sample_operation() {
  operation x;
  x.does = change::patch;
  x.what = {"PATCH",
            "/bars/77/parts/5",
            {{"Content-Type", "application/json"}, {"X-Colour", "blue"}},
            R"({"foo":"12","n":1})",
            {{slot::place::segment, 1, "", random_meta(1, 2)},
             {slot::place::body, 0, "/foo", random_meta(3, 4)}}};
  x.principal = "ann of project 1";
  x.service = service_id{"ServiceB"};
  x.kind = "bar";
  x.after = {{random_meta(3, 4), 17}};
  x.read_at = 5;
  x.stale_status = 409;
  x.key = client_key{digest_of("key"), digest_of("request")};
  x.settle = settling::probe;
  x.settles_after_ms = 30'000;
  x.probe = templated{"GET", "/bars?name=one", {}, "", {}};
  x.on_refusal = refusal_rule::compensate;
  x.undo = templated{"DELETE",
                     "/bars/77",
                     {},
                     "",
                     {{slot::place::segment, 1, "", random_meta(1, 2)}}};
  return x;
}

submission sample_submission(change does, std::uint64_t sequence) {
  submission x;
  x.id = {7, 1, sequence};
  x.does = does;
  auto what = sample_operation();
  what.does = does;
  x.content = encode(what);
  return x;
}

raft::entry as_entry(index_id index, const log_entry& x) {
  raft::entry e;
  e.term = 1;
  e.index = index;
  e.kind = raft::entry_kind::operation;
  e.payload = encode(x);
  return e;
}

record sample_record() {
  auto x = empty_record(voters(3));
  x.at = 30;
  x.created_at = 2;
  x.changed_at = 9;
  x.ended_at = 30;
  x.open.push_back({20, sample_submission(change::patch, 3), std::nullopt});
  x.open.push_back(
    {21, sample_submission(change::remove, 4), verdict{21, false, 404}});
  x.build.push_back({2, sample_submission(change::create, 1), 0});
  x.build.push_back({9, sample_submission(change::patch, 2), 8});
  x.notes.push_back({{7, 1, 1}, 2, change::create, fate::stands, 201, 0});
  x.notes.push_back({{7, 1, 2}, 9, change::patch, fate::repeated, 200, 8});
  x.sessions[7] = {1, 3, {4, 6}, 21};
  x.keys.push_back({{digest_of("key"), digest_of("request")}, 2});
  x.goal = membership_goal{{7, 1, 5}, 2, voters(4), false};
  x.departed.push_back({member(9), 12, false});
  return x;
}

summary sample_summary() {
  summary x;
  x.session = 4;
  x.version = 300;
  x.done = 21;
  x.ended = true;
  x.gone = true;
  x.state = site_state::diverged;
  x.local_id = "77";
  x.last.push_back({21, 409, site_state::diverged, digest_of("body")});
  return x;
}

site_record sample_site() {
  site_record x;
  x.members = {{member(1), raft::member_role::voter},
               {member(2), raft::member_role::learner}};
  x.known = 30;
  x.done = 21;
  x.exists = true;
  x.local_id = "77";
  x.service = service_id{"ServiceB"};
  x.kind = "bar";
  x.doing = intent{22, {7, 1, 9}, sample_operation()};
  x.refused = outcome{22, 404, site_state::diverged, {}};
  x.last.push_back({21, 409, site_state::diverged, digest_of("body")});
  x.troubles.push_back(
    {21, change::patch, site_state::diverged, 409, true, true});
  x.others[member(2)] = sample_summary();
  return x;
}

} // namespace cheops::replicant::testing
