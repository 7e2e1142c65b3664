#include "tools/scenario/steps.hpp"

#include "cheops/names.hpp"
#include "tools/scenario/admin.hpp"
#include "tools/scenario/look.hpp"
#include "tools/scenario/poll.hpp"
#include "tools/scenario/send.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace cheops::scenario {

namespace json = boost::json;

namespace {

constexpr std::size_t answer_shown_max = 160;

/// One line of an answer, for people.
std::string shown(const observation& x) {
  if (x.failure)
    return "no answer: " + cheops::to_string(*x.failure);
  auto body = x.body;
  std::replace(body.begin(), body.end(), '\n', ' ');
  // An error's sentence says more than its whole body.
  boost::system::error_code wrong;
  auto parsed = json::parse(x.body, wrong);
  if (!wrong && x.status >= 400)
    if (const auto* detail = parsed.find_pointer("/detail", wrong);
        detail && detail->is_string()) {
      body =
        std::string{detail->get_string().data(), detail->get_string().size()};
      if (const auto* site = parsed.find_pointer("/site", wrong);
          site && site->is_string())
        body +=
          " ["
          + std::string{site->get_string().data(), site->get_string().size()}
          + ']';
    }
  if (body.size() > answer_shown_max)
    body = body.substr(0, answer_shown_max) + "…";
  auto out = std::to_string(x.status) + ' ' + body;
  auto slug = field_of(x.fields, "Cheops-Error");
  return slug.empty() ? out : out + " (Cheops-Error: " + slug + ')';
}

void failed(step_outcome& to, const error& x) {
  to.wrong.push_back({"step", "to be done", cheops::to_string(x)});
}

/// Variables in what is expected, so that it may name what was captured.
result<expectation> expanded(expectation x, const variables& known) {
  for (auto* rules : {&x.body, &x.headers})
    for (auto& [where, rule] : *rules) {
      auto value = expand_all(rule.value, known);
      if (!value)
        return value.error();
      rule.value = *std::move(value);
    }
  for (auto* calls : {&x.calls, &x.no_calls})
    for (auto& call : *calls)
      for (auto* text : {&call.site, &call.service, &call.path}) {
        auto value = expand(*text, known);
        if (!value)
          return value.error();
        *text = *std::move(value);
      }
  auto sum = expand(x.checksum, known);
  if (!sum)
    return sum.error();
  x.checksum = *std::move(sum);
  return x;
}

std::string absence(const call_spec& x) {
  std::string out;
  for (const auto& part : {x.method, x.path})
    out += part.empty() ? "" : ' ' + part;
  return (x.service.empty() ? "every service" : x.service) + '@'
         + (x.site.empty() ? "every site" : x.site) + ": no"
         + (out.empty() ? " call" : out);
}

class memory_watch {
public:
  explicit memory_watch(sites& all) : all_(all) {
    for (auto& x : all_.all()) {
      if (x->node)
        reset_peak(x->node->pid());
      before_.push_back(x->node ? resident_bytes(x->node->pid()).value_or(0)
                                : 0);
    }
  }
  std::vector<std::pair<std::string, std::uint64_t>> growth() {
    std::vector<std::pair<std::string, std::uint64_t>> out;
    for (auto& x : all_.all()) {
      auto peak = x->node ? peak_resident_bytes(x->node->pid()).value_or(0) : 0;
      auto before = before_[x->index];
      out.emplace_back(x->name, peak > before ? peak - before : 0);
    }
    return out;
  }

private:
  sites& all_;
  std::vector<std::uint64_t> before_;
};

/// Sends, looks at the journals and compares.
observation exchange(sites& all, const prepared& request,
                     const expectation& want) {
  std::vector<std::string> ignored;
  static_cast<void>(read_journals(all, ignored)); // What was before this.
  std::optional<memory_watch> memory;
  if (want.memory_growth_at_most)
    memory.emplace(all);
  auto seen = send(request);
  if (memory)
    seen.memory_growth = memory->growth();
  seen.calls = read_journals(all, seen.unread);
  return seen;
}

void play_request(sites& all, const request_action& x, variables& known,
                  step_outcome& to) {
  auto request = prepare(all, x.request, known);
  if (!request)
    return failed(to, request.error());
  auto want = expanded(x.expect, known);
  if (!want)
    return failed(to, want.error());
  to.command = command_of(*request);
  auto seen = exchange(all, *request, *want);
  to.took = seen.took;
  to.answer = shown(seen);
  to.body = seen.body;
  for (const auto& call : seen.calls)
    to.proof.push_back(to_string(call));
  to.wrong = compare(*want, seen);
  if (to.held())
    for (const auto& call : want->no_calls)
      to.proof.push_back(absence(call));
  for (const auto& [site, bytes] : seen.memory_growth)
    to.proof.push_back("node at " + site + ": " + std::to_string(bytes / 1024)
                       + " KiB above what it had");
  for (const auto& [name, from] : x.capture) {
    auto value = captured(from, seen);
    if (!value)
      return failed(to, value.error());
    known[name] = *std::move(value);
  }
}

void play_explain(sites& all, const explain_action& x, const variables& known,
                  step_outcome& to) {
  auto scope = expand(x.request.scope, known);
  auto site = all.find(x.request.site);
  if (!scope || !site)
    return failed(to, scope ? site.error() : scope.error());
  json::object question{{"scope", *scope},
                        {"service", x.request.service},
                        {"method", x.request.method},
                        {"path", x.request.path}};
  to.command = explain_command(x.request, *scope);
  auto got =
    ask(**site, "POST", "/v1/scope:explain", json::serialize(question));
  if (!got)
    return failed(to, got.error());
  boost::system::error_code absent;
  if (const auto* text = got->find_pointer("/summary", absent);
      text && text->is_string())
    to.answer = {text->get_string().data(), text->get_string().size()};
  if (const auto* passed = got->find_pointer("/passed_over", absent);
      passed && passed->is_array())
    for (const auto& one : passed->get_array())
      to.proof.push_back("passed over: " + json::serialize(one));
  to.wrong = compare(x.expect, json::serialize(*got));
}

std::string told(const fault_change& x) {
  auto names = x.sites.empty() ? std::string{"everything"} : x.sites[0];
  auto both = x.sites.size() == 2 ? x.sites[0] + " and " + x.sites[1] : names;
  switch (x.kind) {
  case fault_change::what::cut:
    return both
           + (x.sites.size() == 2 ? " are cut off from each other"
                                  : " is cut off");
  case fault_change::what::one_way:
    return "nothing comes from " + x.sites[0] + " to " + x.sites[1];
  case fault_change::what::round_trip:
    return both + " are " + duration_text(x.by) + " of round trip apart";
  case fault_change::what::heal:
    break;
  }
  return both + (x.sites.size() == 2 ? " are" : " is") + " healed";
}

/// What is missing for the condition; empty: it holds.
std::string missing(sites& all, const link_condition& x) {
  auto site = all.find(x.at);
  auto seen = site ? link_of(**site, x.to) : result<link_seen>{site.error()};
  if (!seen)
    return cheops::to_string(seen.error());
  auto trip = seen->round_trip;
  auto text = x.at + " to " + x.to + " is " + seen->state
              + (trip ? ", " + duration_text(*trip) : "");
  if (!x.state.empty() && seen->state != x.state)
    return text;
  if ((x.at_least && (!trip || *trip < *x.at_least))
      || (x.at_most && (!trip || *trip > *x.at_most)))
    return text;
  return {};
}

void play_wait(sites& all, const wait_action& x, variables& known,
               step_outcome& to) {
  step_outcome last;
  auto holds = [&] {
    last = {};
    if (x.request) {
      play_request(all, *x.request, known, last);
      return last.held();
    }
    if (x.cheops)
      play_cheops(all, *x.cheops, known, last);
    else if (x.metrics)
      play_metrics(all, *x.metrics, known, last);
    if (x.cheops || x.metrics)
      return last.held();
    std::string why = x.all_links_up ? all.links_missing() : "";
    for (const auto& link : x.links)
      if (auto text = missing(all, link); !text.empty())
        why += (why.empty() ? "" : "; ") + text;
    if (!why.empty())
      last.wrong.push_back({"links", "as the file says", why});
    return why.empty();
  };
  auto begin = std::chrono::steady_clock::now();
  auto done = poll_until(x.within, holds);
  auto after = std::chrono::duration_cast<microseconds>(
    std::chrono::steady_clock::now() - begin);
  to.command = last.command;
  to.answer = last.answer;
  to.proof = last.proof;
  to.took = after;
  to.wrong = last.wrong;
  if (done)
    to.proof.push_back("so it was after " + duration_text(after));
}

void play_process(sites& all, const process_action& x, step_outcome& to) {
  using what = process_action::what;
  auto site = all.find(x.site);
  if (!site)
    return failed(to, site.error());
  static constexpr std::pair<what, const char*> words[] = {
    {what::kill, "killed (-9)"}, {what::pause, "stopped (SIGSTOP)"},
    {what::resume, "continued"}, {what::stop, "ended (SIGTERM)"},
    {what::start, "started"},    {what::restart, "restarted"},
    {what::let_end, "let go"},   {what::lose_disk, "killed, its disk lost"}};
  for (const auto& [kind, text] : words)
    if (kind == x.kind)
      to.answer = std::string{x.application ? "the application" : "the node"}
                  + " at " + x.site + " is " + text;
  if (auto done = all.act(x.kind, **site, x.application); !done)
    failed(to, done.error());
}

} // namespace

step_outcome play(sites& all, const step& x, variables& known) {
  step_outcome out;
  out.title = x.title;
  out.who = x.who;
  out.story = x.story;
  out.line = x.line;
  auto begin = std::chrono::steady_clock::now();
  if (const auto* request = std::get_if<request_action>(&x.run)) {
    play_request(all, *request, known, out);
  } else if (const auto* explain = std::get_if<explain_action>(&x.run)) {
    play_explain(all, *explain, known, out);
  } else if (const auto* faults = std::get_if<faults_action>(&x.run)) {
    for (const auto& change : faults->changes) {
      out.proof.push_back(told(change));
      if (auto done = all.change(change); !done)
        failed(out, done.error());
    }
  } else if (const auto* wait = std::get_if<wait_action>(&x.run)) {
    play_wait(all, *wait, known, out);
  } else if (const auto* process = std::get_if<process_action>(&x.run)) {
    play_process(all, *process, out);
  } else if (const auto* cheops = std::get_if<cheops_action>(&x.run)) {
    play_cheops(all, *cheops, known, out);
  } else if (const auto* metrics = std::get_if<metrics_action>(&x.run)) {
    play_metrics(all, *metrics, known, out);
  } else if (const auto* store = std::get_if<store_action>(&x.run)) {
    play_store(all, *store, known, out);
  }
  if (out.took == microseconds{0})
    out.took = std::chrono::duration_cast<microseconds>(
      std::chrono::steady_clock::now() - begin);
  for (auto& ended : all.unexpected_ends())
    out.wrong.push_back({"processes", "to go on", std::move(ended)});
  return out;
}

} // namespace cheops::scenario
