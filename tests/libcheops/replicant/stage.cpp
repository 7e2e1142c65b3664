#include "stage.hpp"

#include <algorithm>
#include <stdexcept>

namespace cheops::replicant::testing {

settings stage::quick() {
  settings x;
  x.tick_ms = 10;
  x.group.patience_ticks = 40;
  x.patience_ticks = 60;
  x.judge_ticks = 30;
  x.dependency_ticks = 20;
  x.retry_ticks_max = 4;
  x.attempts_max = 3;
  return x;
}

namespace {

/// Not secret, but not in clear either.
class mirror : public ports::vault {
public:
  [[nodiscard]] std::string seal(const meta_id&, const operation_id&,
                                 std::string_view x) const override {
    return {x.rbegin(), x.rend()};
  }
  [[nodiscard]] std::optional<std::string>
  open(const meta_id&, const operation_id&, std::string_view x) const override {
    return std::string{x.rbegin(), x.rend()};
  }
};

birth born_at(int sites) {
  birth out;
  out.members = voters(sites);
  out.founder = member(1);
  return out;
}

} // namespace

stage::stage(int sites, settings with) : stage(born_at(sites), {}, with) {}

stage::stage(birth begun, std::set<int> with_key, settings with)
  : born(std::move(begun)), keyed(std::move(with_key)), set(with) {
  auto who = identity(1, member(1));
  owners_[1] = std::make_unique<state>(make_owner(who, born, set, true));
}

owner_identity stage::identity(int site, const member_id& as) {
  auto keys = keyed.contains(site) ? std::make_shared<const mirror>() : nullptr;
  return {meta, as, next_session_++, static_cast<std::uint64_t>(site), keys};
}

int stage::number(const member_id& x) const {
  return std::stoi(x.site.value.substr(1));
}

void stage::give(int site, const input& in) {
  for (auto& e : step(at(site), in))
    perform(site, e);
}

void stage::perform(int site, effect& e) {
  if (auto* p = std::get_if<persist>(&e))
    to_store_[site].push_back(std::move(*p));
  else if (auto* s = std::get_if<send>(&e)) {
    sent.push_back(s->what);
    wire.push_back(std::move(s->what));
  } else if (auto* c = std::get_if<call>(&e))
    calls_[site].push_back(std::move(*c));
  else if (auto* r = std::get_if<probe>(&e))
    probes_[site].push_back(std::move(*r));
  else if (auto* w = std::get_if<await>(&e))
    awaits_[site].push_back(*w);
  else if (auto* a = std::get_if<answer>(&e))
    answers_.emplace(a->token, *a);
  else if (auto* g = std::get_if<read_answer>(&e))
    reads_.emplace(g->token, *g);
  else if (std::holds_alternative<forget>(e))
    forgotten.insert(site);
  else
    events_.push_back(std::get<event>(e));
}

token_id stage::ask(int site, operation what, wait_for until) {
  asked in;
  in.token = next_token_++;
  in.what = std::move(what);
  in.until = until;
  give(site, in);
  settle();
  return in.token;
}

token_id stage::read(int site, bool linearizable) {
  auto token = next_token_++;
  give(site, read_asked{token, linearizable});
  settle();
  return token;
}

void stage::store(int site) {
  auto& all = to_store_[site];
  if (all.empty())
    return;
  std::uint64_t sequence = 0;
  for (const auto& p : all) {
    (void) stores_[site].commit({&p.what, 1});
    sequence = p.sequence;
  }
  all.clear();
  give(site, stored{sequence});
}

bool stage::deliver() {
  if (wire.empty())
    return false;
  auto m = std::move(wire.front());
  wire.pop_front();
  ++messages_;
  auto to = number(m.to);
  if (cut_.contains(to) || cut_.contains(number(m.from)))
    return true;
  if (!has(to)) {
    if (first_contact(m, meta, generations{}) != contact::spawn)
      return true;
    auto who = identity(to, m.to);
    owners_[to] = std::make_unique<state>(make_owner(who, *m.born, set, false));
  }
  give(to, received{m});
  return true;
}

void stage::settle() {
  for (auto busy = true; busy;) {
    busy = deliver();
    for (auto& [site, all] : to_store_)
      if (!slow.contains(site) && !all.empty()) {
        store(site);
        busy = true;
      }
  }
}

void stage::tick(int ticks, int site) {
  for (int i = 0; i < ticks; ++i) {
    std::vector<int> all;
    for (const auto& [n, s] : owners_)
      if (site == 0 || n == site)
        all.push_back(n);
    for (auto n : all)
      give(n, ticked{});
    settle();
  }
}

void stage::rest() {
  constexpr int ticks_max = 3000;
  for (int i = 0; i < ticks_max; ++i) {
    auto awake = std::ranges::any_of(
      owners_, [](const auto& x) { return is_awake(*x.second); });
    if (!awake && wire.empty())
      return;
    tick(1);
    work();
  }
  throw std::runtime_error("does not come to rest");
}

const call& stage::called(int site) const {
  if (calls_[site].empty())
    throw std::runtime_error("site " + std::to_string(site) + " calls nothing");
  return calls_[site].front();
}

void stage::answer_call(int site, std::uint16_t status, std::string local_id,
                        call_end how) {
  auto id = called(site).id;
  calls_[site].pop_front();
  give(site, replicant::called{id, how, status, std::move(local_id), {}});
  settle();
}

void stage::stay_down(int site, token_id client) {
  for (int i = 0; i < 60 && !answered(client); ++i) {
    if (calls(site))
      answer_call(site, 0, {}, call_end::not_sent);
    tick(1);
  }
}

void stage::answer_probe(int site, finding what, std::string local_id) {
  auto id = probes_[site].front().id;
  probes_[site].pop_front();
  give(site, probed{id, what, 200, std::move(local_id)});
  settle();
}

void stage::work() {
  for (auto busy = true; busy;) {
    busy = false;
    for (const auto& [site, s] : owners_)
      while (calls(site)) {
        auto creates = called(site).request.method == "POST";
        answer_call(site, creates ? 201 : 200,
                    creates ? std::to_string(site) + "-"
                                + std::to_string(++made_[site])
                            : std::string{});
        busy = true;
      }
  }
}

void stage::crash(int site) {
  to_store_[site].clear();
  calls_[site].clear();
  probes_[site].clear();
  auto who = identity(site, member(site));
  auto kept = load(stores_[site], meta).value();
  if (kept)
    owners_[site] =
      std::make_unique<state>(recover_owner(who, std::move(*kept), set));
  else
    owners_.erase(site);
}

void stage::heal() {
  cut_.clear();
  std::vector<int> all;
  for (const auto& [n, s] : owners_)
    all.push_back(n);
  for (auto a : all)
    for (auto b : all)
      if (a != b)
        give(a, reachable{member(b).site, member(b).store});
  settle();
}

std::optional<answer> stage::answered(token_id token) const {
  auto i = answers_.find(token);
  return i == answers_.end() ? std::nullopt : std::optional{i->second};
}

std::optional<read_answer> stage::read_of(token_id token) const {
  auto i = reads_.find(token);
  return i == reads_.end() ? std::nullopt : std::optional{i->second};
}

operation make(change does, const std::string& id) {
  operation x;
  x.does = does;
  x.service = service_id{"ServiceB"};
  x.kind = "bar";
  x.settles_after_ms = 50;
  auto meta = random_meta(1, 2);
  slot own{slot::place::segment, 1, {}, meta};
  switch (does) {
  case change::create:
    x.what = {"POST", "/bars", {}, R"({"name":"one"})", {}};
    x.undo = templated{"DELETE", "/bars/none", {}, {}, {own}};
    break;
  case change::replace:
    x.what = {"PUT", "/bars/" + id, {}, R"({"name":"two"})", {own}};
    break;
  case change::patch:
    x.what = {"PATCH", "/bars/" + id, {}, R"({"size":1})", {own}};
    x.undo = templated{"PATCH", "/bars/" + id, {}, R"({"size":0})", {own}};
    break;
  case change::remove:
    x.what = {"DELETE", "/bars/" + id, {}, {}, {own}};
    break;
  }
  return x;
}

} // namespace cheops::replicant::testing
