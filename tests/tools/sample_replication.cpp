#include "tools/sample_replication.hpp"

#include "cheops/replicant/told.hpp"

namespace cheops::test {

using namespace replicant;

namespace {

ports::write_answer settled(const meta_id& meta) {
  ports::write_answer out;
  out.meta = meta;
  out.how.how = ending::settled;
  out.how.operation = {0xab, 1, 3};
  out.how.sites = {{site_id{"Site1"}, site_state::ok, 0},
                   {site_id{"Site2"}, site_state::pending, 0}};
  return out;
}

ports::replicant_view sample_view(const natural_key& key) {
  ports::replicant_view out;
  out.meta = meta_of(key, 1);
  out.key = key;
  out.service = key.service;
  out.kind = key.kind;
  out.term = 4;
  out.leader = site_id{"Site2"};
  out.last = out.commit = out.applied = 9;
  out.created_at = 2;
  out.changed_at = 9;
  out.members = {{{site_id{"Site1"}, "s1"},
                  raft::member_role::voter,
                  site_state::diverged,
                  9,
                  "41",
                  {{9, 409, site_state::diverged, {}}}},
                 {{site_id{"Site2"}, "s2"},
                  raft::member_role::voter,
                  site_state::ok,
                  9,
                  "17",
                  {}}};
  out.troubles = {{9, change::replace, site_state::diverged, 409, false}};
  out.operations = {{{0xab, 1, 2}, 9, change::replace, fate::stands, 200, 0}};
  return out;
}

} // namespace

std::shared_ptr<testing::fake_replication> sample_replication() {
  auto out = std::make_shared<testing::fake_replication>();
  auto view = sample_view({service_id{"ServiceB"}, "bar", {"x"}});
  auto meta = view.meta;
  auto other = sample_view({service_id{"ServiceA"}, "foo", {"y"}});
  for (const auto& x : {view, other}) {
    ports::replicant_line line;
    line.meta = x.meta;
    line.key = x.key;
    line.service = x.service;
    line.kind = x.kind;
    line.state = x.kind == "bar" ? site_state::diverged : site_state::ok;
    line.members = x.members;
    out->lines.push_back(line);
  }
  ports::operation_view operation;
  operation.id = {0xab, 1, 2};
  operation.known = true;
  operation.what = view.operations[0];
  operation.sites = {{site_id{"Site1"}, site_state::diverged, 409},
                     {site_id{"Site2"}, site_state::ok, 200}};
  out->operations[to_string(operation_name{meta, operation.id})] = operation;
  auto at = std::chrono::system_clock::from_time_t(1'800'000'000);
  out->feed.events = {{1, at, meta, {event_kind::decided, 9, 200, "stands"}},
                      {2, at, meta, {event_kind::diverged, 9, 409, ""}}};
  out->feed.newest = 2;
  out->views[meta] = std::move(view);
  out->on_scale = [](const meta_id& of, const auto&, bool, auto done) {
    done(settled(of));
  };
  out->on_resolve = [](const meta_id& of, const auto&, auto done) {
    done(settled(of));
  };
  return out;
}

} // namespace cheops::test
