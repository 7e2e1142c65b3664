#include "stage.hpp"

#include "words.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace cheops::raft::testing {

namespace {

/// More than any transcript needs: a script must end.
constexpr unsigned deliveries_max = 1000;
constexpr int ticks_max = 1000;

[[noreturn]] void wrong(const std::string& what) {
  throw std::invalid_argument(what);
}

unsigned count_of(const std::string& x) {
  if (x.empty() || x.find_first_not_of("0123456789") != x.npos || x.size() > 9)
    wrong("no number: " + x);
  return static_cast<unsigned>(std::stoul(x));
}

/// "3:witness", "4:learner", "1".
member configured(const std::string& text) {
  auto colon = text.find(':');
  auto id = member_of(text.substr(0, colon));
  if (colon == text.npos)
    return {id, member_role::voter};
  auto kind = text.substr(colon + 1);
  if (kind == "witness")
    return {id, member_role::witness};
  if (kind == "learner")
    return {id, member_role::learner};
  wrong("no role: " + kind);
}

void need(const std::vector<std::string>& x, std::size_t least,
          std::size_t most) {
  if (x.size() < least || x.size() > most)
    wrong("a wrong number of words");
}

/// Paths are "all", "1->2", "1->*", "*->2", and "1" for both ways.
bool on_path(const message& m, const std::string& path) {
  auto arrow = path.find("->");
  if (path == "all")
    return true;
  if (arrow == path.npos)
    return words(m.from) == path || words(m.to) == path;
  auto is = [](const std::string& text, const member_id& x) {
    return text == "*" || text == words(x);
  };
  return is(path.substr(0, arrow), m.from) && is(path.substr(arrow + 2), m.to);
}

} // namespace

const std::map<std::string, stage::command>& stage::commands() {
  static const std::map<std::string, command> all = {
    {"set", &stage::set},
    {"members", &stage::members},
    {"join", &stage::join},
    {"disks", &stage::disks},
    {"propose", &stage::propose},
    {"read", &stage::read},
    {"tick", &stage::tick},
    {"campaign", &stage::campaign},
    {"deliver", &stage::deliver},
    {"drop", &stage::drop},
    {"twice", &stage::twice},
    {"cut", &stage::cut},
    {"heal", &stage::heal},
    {"store", &stage::store},
    {"crash", &stage::crash},
    {"fold", &stage::fold},
    {"change", &stage::change},
    {"transfer", &stage::transfer},
    {"reachable", &stage::reachable},
    {"show", &stage::show},
    {"log", &stage::show_log},
    {"wire", &stage::show_wire},
  };
  return all;
}

std::vector<std::string> stage::run(const std::string& line) {
  std::istringstream in{line};
  std::string name;
  in >> name;
  auto quietly = name == "quietly";
  if (quietly)
    in >> name;
  arguments rest;
  for (std::string x; in >> x;)
    rest.push_back(x);
  auto i = commands().find(name);
  if (i == commands().end())
    wrong("no command: " + name);
  said_.clear();
  (this->*i->second)(rest);
  if (quietly)
    said_.clear();
  return std::exchange(said_, {});
}

// -- the group --------------------------------------------------------------

void stage::set(const arguments& x) {
  need(x, 2, 2);
  auto n = count_of(x[1]);
  if (x[0] == "follow_writer_after")
    set_.follow_writer_after = n;
  else if (x[0] == "hold_ticks")
    set_.hold_ticks = n;
  else if (x[0] == "append_entries_max")
    set_.append_entries_max = n;
  else if (x[0] == "in_flight_max")
    set_.in_flight_max = n;
  else if (x[0] == "waiting_max")
    set_.waiting_max = n;
  else if (x[0] == "witness_bytes_max")
    set_.witness_bytes_max = n;
  else if (x[0] == "uncommitted_bytes_max")
    set_.uncommitted_bytes_max = n;
  else
    wrong("no setting: " + x[0]);
}

void stage::add(const member_id& who, configuration in) {
  node x;
  x.now = make_member(who, std::move(in), set_, nodes_.size() + 1);
  x.kept = x.now.log;
  if (!nodes_.emplace(who, std::move(x)).second)
    wrong(words(who) + " is there");
}

void stage::members(const arguments& x) {
  need(x, 1, 9);
  configuration all;
  for (const auto& text : x)
    all.push_back(configured(text));
  for (const auto& one : all)
    add(one.id, all);
}

void stage::join(const arguments& x) {
  need(x, 1, 1);
  add(member_of(x[0]), {});
}

stage::node& stage::at(const std::string& name) {
  auto i = nodes_.find(member_of(name));
  if (i == nodes_.end())
    wrong("no member " + name);
  return i->second;
}

std::vector<stage::node*> stage::those(const std::string& name) {
  if (name != "all")
    return {&at(name)};
  std::vector<node*> out;
  for (auto& [id, n] : nodes_)
    out.push_back(&n);
  return out;
}

// -- steps ------------------------------------------------------------------

void stage::give(node& to, const input& in) {
  perform(to, step(to.now, in));
  while (!slow_ && !to.to_store.empty())
    store_one(to);
}

void stage::perform(node& by, std::vector<effect> effects) {
  auto done = by.applied;
  for (auto& e : effects) {
    auto text = words(e);
    if (!text.empty() && (slow_ || !std::holds_alternative<persist>(e)))
      say("  " + words(by.now.self) + " " + text);
    if (auto* p = std::get_if<persist>(&e))
      by.to_store.push_back(std::move(*p));
    else if (auto* s = std::get_if<send>(&e))
      wire_.push_back(std::move(s->what));
    else if (auto* a = std::get_if<apply>(&e)) {
      for (const auto& x : a->entries)
        check_applied(x);
      done = a->entries.back().index;
    } else if (auto* r = std::get_if<restore>(&e))
      done = r->whole.index;
  }
  check(by);
  if (done <= by.applied)
    return;
  by.applied = done;
  give(by, applied{done});
}

void stage::store_one(node& of) {
  auto p = std::move(of.to_store.front());
  of.to_store.pop_front();
  of.term = p.term;
  of.voted_for = p.voted_for;
  if (p.whole)
    of.kept.compact(*p.whole);
  if (p.from <= of.kept.last_index())
    of.kept.truncate(p.from);
  for (auto& x : p.entries)
    of.kept.append(std::move(x));
  perform(of, step(of.now, stored{p.sequence}));
}

void stage::check(const node& x) {
  if (x.now.now != role::leader)
    return;
  auto leader = leaders_.emplace(x.now.term, x.now.self).first->second;
  if (leader != x.now.self)
    throw std::runtime_error("two leaders in term "
                             + std::to_string(x.now.term));
  // Leader completeness: what was decided is in every later leader's log.
  for (const auto& [index, e] : decided_)
    if (index > x.now.log.base().index && e.term < x.now.term
        && x.now.log.term_at(index) != e.term)
      throw std::runtime_error("leader " + words(x.now.self)
                               + " lacks the decided " + words(e));
}

void stage::check_applied(const entry& x) {
  if (decided_.emplace(x.index, x).first->second != x)
    throw std::runtime_error("another entry was applied at "
                             + std::to_string(x.index));
}

// -- clients, time, disks ---------------------------------------------------

void stage::disks(const arguments& x) {
  need(x, 1, 1);
  if (x[0] != "slow" && x[0] != "fast")
    wrong("disks are slow or fast");
  slow_ = x[0] == "slow";
  if (!slow_)
    for (auto& [id, n] : nodes_)
      while (!n.to_store.empty())
        store_one(n);
}

void stage::propose(const arguments& x) {
  need(x, 2, 4);
  // "propose 1 x * 64": a payload of that many bytes.
  auto payload = x[1];
  if (x.size() == 4 && x[2] == "*")
    payload = std::string(count_of(x[3]), payload.front());
  else
    need(x, 2, 2);
  give(at(x[0]), proposed{next_id_++, payload});
}

void stage::read(const arguments& x) {
  need(x, 1, 1);
  give(at(x[0]), read_asked{next_id_++});
}

void stage::tick(const arguments& x) {
  need(x, 1, 2);
  auto n = x.size() == 2 ? count_of(x[1]) : 1;
  for (unsigned i = 0; i < n; ++i)
    for (auto* who : those(x[0]))
      give(*who, ticked{});
}

void stage::campaign(const arguments& x) {
  need(x, 1, 1);
  auto& n = at(x[0]);
  for (int i = 0; i < ticks_max && n.now.now == role::follower; ++i) {
    if (!n.now.awake)
      wrong(x[0] + " sleeps: nothing makes it campaign");
    give(n, ticked{});
  }
}

void stage::store(const arguments& x) {
  need(x, 1, 2);
  for (auto* n : those(x[0])) {
    auto count = x.size() == 2 ? count_of(x[1]) : n->to_store.size();
    for (; count > 0 && !n->to_store.empty(); --count)
      store_one(*n);
  }
}

void stage::crash(const arguments& x) {
  need(x, 1, 1);
  auto& n = at(x[0]);
  n.to_store.clear();
  n.now = recovered(n.now.self, n.term, n.voted_for, n.kept, n.applied, set_,
                    n.now.random);
}

void stage::fold(const arguments& x) {
  need(x, 3, 3);
  give(at(x[0]), folded{count_of(x[1]), x[2]});
}

void stage::change(const arguments& x) {
  need(x, 3, 3);
  change_asked out{next_id_++, {}, std::nullopt};
  if (x[1] == "add") {
    auto who = configured(x[2]);
    out.who = who.id;
    out.role = who.role;
  } else if (x[1] == "promote" || x[1] == "remove") {
    out.who = member_of(x[2]);
    if (x[1] == "promote")
      out.role = member_role::voter;
  } else {
    wrong("changes are add, promote and remove");
  }
  give(at(x[0]), out);
}

void stage::transfer(const arguments& x) {
  need(x, 2, 2);
  give(at(x[0]), transfer_asked{member_of(x[1])});
}

void stage::reachable(const arguments& x) {
  need(x, 2, 2);
  give(at(x[0]), raft::reachable{member_of(x[1])});
}

// -- the network ------------------------------------------------------------

void stage::hand_over(message m) {
  auto line = words(m.from) + "->" + words(m.to) + " " + words(m);
  auto to = nodes_.find(m.to);
  if (to == nodes_.end() || cut_.contains({m.from, m.to})) {
    say(line + " (lost)");
    return;
  }
  say(line);
  give(to->second, received{std::move(m)});
}

void stage::deliver(const arguments& x) {
  need(x, 1, 2);
  auto most = x.size() == 2 ? count_of(x[1]) : deliveries_max;
  for (unsigned i = 0; i < most; ++i) {
    auto m = std::ranges::find_if(
      wire_, [&](const message& y) { return on_path(y, x[0]); });
    if (m == wire_.end())
      return;
    auto taken = std::move(*m);
    wire_.erase(m);
    hand_over(std::move(taken));
  }
  if (most == deliveries_max)
    throw std::runtime_error("the group does not come to rest");
}

void stage::drop(const arguments& x) {
  need(x, 1, 2);
  auto left = x.size() == 2 ? count_of(x[1]) : deliveries_max;
  std::erase_if(wire_, [&](const message& m) {
    if (left == 0 || !on_path(m, x[0]))
      return false;
    say(words(m.from) + "->" + words(m.to) + " " + words(m) + " (lost)");
    --left;
    return true;
  });
}

void stage::twice(const arguments& x) {
  need(x, 1, 1);
  auto all = wire_;
  for (const auto& m : all)
    if (on_path(m, x[0]))
      wire_.push_back(m);
}

void stage::cut(const arguments& x) {
  need(x, 1, 1);
  for (const auto& [a, one] : nodes_)
    for (const auto& [b, other] : nodes_)
      if (a != b && on_path({a, b, 0, {}}, x[0]))
        cut_.emplace(a, b);
}

void stage::heal(const arguments& x) {
  need(x, 0, 0);
  cut_.clear();
}

// -- looking ----------------------------------------------------------------

void stage::show(const arguments& x) {
  need(x, 1, 1);
  for (const auto* n : those(x[0]))
    say(words(n->now.self) + " is " + words(n->now));
}

void stage::show_log(const arguments& x) {
  need(x, 1, 1);
  for (const auto* n : those(x[0])) {
    const auto& l = n->now.log;
    auto base = l.base().index == 0 ? "" : words(l.base()) + ", ";
    say(words(n->now.self) + " has " + base
        + words(l.slice(l.first_index(), 1 << 20, 1000)));
  }
}

void stage::show_wire(const arguments& x) {
  need(x, 0, 0);
  for (const auto& m : wire_)
    say(words(m.from) + "->" + words(m.to) + " " + words(m));
}

} // namespace cheops::raft::testing
