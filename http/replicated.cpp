// Changes of resources on several sites, reads of them that must be strict,
// and what became of a change.
#include "http/replicated.hpp"

#include "cheops/names.hpp"
#include "cheops/replicant/show.hpp"
#include "http/exchange.hpp"
#include "http/session.hpp"
#include "http/worker.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cassert>

namespace cheops::http {

namespace json = boost::json;
using replicant::ending;

namespace {

/// The port answers within the patience that it is given; after so much more
/// it is not waited for.
constexpr std::chrono::milliseconds guard{5'000};

/// A change of an id that is not known is held so long, for creates of its
/// kind; looked at so often; and so many of a thread at once.
constexpr std::chrono::milliseconds hold_max{5'000};
constexpr std::chrono::milliseconds hold_step{10};
constexpr std::size_t held_changes_max = 1'024;

refusal counted_as(errc code) noexcept {
  switch (code) {
  case errc::no_quorum:
  case errc::unsettled:
    return refusal::no_quorum;
  case errc::undecided:
    return refusal::undecided;
  case errc::too_large:
    return refusal::entry_too_large;
  case errc::unreachable:
    return refusal::peer_unreachable;
  case errc::not_built:
    return refusal::not_built;
  case errc::overloaded:
  case errc::io:
    return refusal::no_replication;
  default:
    return refusal::precondition;
  }
}

/// The sites that have a copy, or are to have one.
std::vector<site_id> full_sites(const ports::replicant_view& x) {
  std::vector<site_id> out;
  auto add = [&](const raft::member_id& id, raft::member_role role) {
    if (role != raft::member_role::witness)
      out.push_back(id.site);
  };
  if (x.goal)
    for (const auto& m : *x.goal)
      add(m.id, m.role);
  else
    for (const auto& m : x.members)
      add(m.id, m.role);
  std::ranges::sort(out);
  return out;
}

} // namespace

std::string_view exchange::seen_target() const noexcept {
  return decision_.target.empty() ? in_->target
                                  : std::string_view{decision_.target};
}

void exchange::refuse_change(error why, unsigned status) {
  if (why.site.empty())
    why.site = w_.site().value;
  // A 4xx is an answer: nobody tries another site because of it.
  auto shown = status != 0 ? status : describe(why.code).status;
  ran_ = ran_ || shown < 500;
  auto counted = counted_as(why.code);
  refuse(why, counted, status);
}

// -- before it is known whether it is one ------------------------------------

held_change::held_change(worker& at) : on(at) {
  ++on.held_changes;
}

held_change::~held_change() {
  --on.held_changes;
}

/// The id may be of a copy that a create makes here, and of which nothing is
/// known yet: those that run now are waited for, and the id is looked up again.
/// What begins later cannot have made it. False: the decision may be followed.
bool exchange::awaits_creates(traffic::clock::time_point now) {
  const auto& open = decision_.unsettled;
  if (!open || (held_ && held_->newest < open->oldest)) {
    held_.reset();
    return false;
  }
  auto full = !held_ && w_.held_changes >= held_changes_max;
  if (full || now - began_ >= std::min(hold_max, answer_limit())) {
    held_.reset();
    refuse_change(
      {errc::unsettled,
       "a create of its kind runs here and may have made it, so a "
       "change of it now could be of one copy alone; nothing was "
       "done",
       "", "look for copies",
       "try again in some seconds; cheops get replicants shows what "
       "is pending"});
    return true;
  }
  if (!held_) {
    held_ = std::make_unique<held_change>(w_);
    held_->newest = open->newest;
  }
  stage_ = stage::holding;
  s_.wait_readable(); // To see that the client has gone.
  limit_.arm(w_.clock, hold_step);
  return true;
}

// -- a change ----------------------------------------------------------------

void exchange::replicate() {
  replicated_ = std::make_unique<replicated>(*this);
  if (decision_.copies->linearizable) {
    read_strictly();
    return;
  }
  auto asks = replicant::wishes_of(in_->view());
  if (!asks) {
    refuse_change(asks.error());
    return;
  }
  replicated_->asks = std::move(*asks);
  if (in_->body == framing::length
      && in_->length > with().config->bounds.entry_bytes)
    refuse_change(too_large());
  else if (!replicated_->asks.if_match.empty())
    judge_match();
  else
    gather_change();
}

error exchange::too_large() const {
  return {errc::too_large,
          "the body is over limits.entry_bytes ("
            + std::to_string(with().config->bounds.entry_bytes)
            + "), which bounds what is replicated",
          w_.site().value, "read the body",
          "create it at one site, or have the operator raise the limit"};
}

void exchange::gather_change() {
  if (has_body_)
    take_in_change();
  else
    start_gathering();
}

void exchange::start_gathering() {
  request_.start(in_->body, in_->length, true,
                 with().config->bounds.header_bytes);
  held_body_.clear();
  stage_ = stage::gathering;
  if (in_->expects_continue && in_->version == 11 && !request_.done()
      && s_.in.empty()) {
    to_client_.before += "HTTP/1.1 100 Continue\r\n\r\n";
    continued_ = true;
    if (to_client_.flush(s_.io, s_.in, sent_) == io::again)
      s_.wait_writable();
  }
  gather();
}

void exchange::release_gathered() {
  w_.gathered_bytes -= std::min(w_.gathered_bytes, counted_);
  counted_ = 0;
  held_body_ = {};
}

void exchange::take_in_change() {
  const auto& copies = *decision_.copies;
  auto& port = *w_.shared->replicas;
  auto& at = replicated_->at;
  at.by_id = [&port](const service_id& service, std::string_view kind,
                     std::string_view id) {
    return port.find(service, kind, id);
  };
  at.by_name = [&port](const replicant::natural_key& name) {
    return port.find(name);
  };
  if (w_.shared->adapted && w_.shared->adapted->takes()) {
    take_by_adapter();
    return;
  }
  auto view = in_->view();
  std::optional<replicant::meta_id> on;
  if (copies.found)
    on = copies.found->meta;
  auto taken = replicant::take_in(
    {copies.match, view, seen_target(), held_body_, replicated_->asks, on,
     /*principal=*/{}, with().config->bounds.entry_bytes},
    at);
  release_gathered();
  if (taken)
    taken_in(std::move(*taken));
  else
    refuse_change(taken.error());
}

void exchange::taken_in(replicant::taken taken) {
  const auto& copies = *decision_.copies;
  auto& change = replicated_->change.emplace();
  change.what = std::move(taken.what);
  change.until = replicated_->asks.until;
  auto on = copies.found.has_value();
  if (on) {
    change.on = copies.found->meta;
  } else {
    ports::creation to;
    to.sites = copies.sites;
    to.key = std::move(taken.key);
    to.retry_key = std::move(taken.retry_key);
    change.on = std::move(to);
  }
  stage_ = stage::deciding;
  s_.wait_readable(); // To see that the client has gone.
  replicated_->by_name = std::move(taken.by_name);
  replicated_->read_target = std::move(taken.read_target);
  if (on) {
    auto tell = !copies.sites.empty() || some_are_cut_off()
                || !replicated_->by_name.empty();
    tell ? describe_first() : submit_change();
  } else if (is_alone(voters_of(copies.sites))) {
    refuse_alone();
  } else {
    replicated_->sites = copies.sites;
    check_named();
  }
}

// -- before it is asked for --------------------------------------------------

bool exchange::some_are_cut_off() const noexcept {
  return std::ranges::any_of(w_.mesh->sites, [](const mesh::site& x) {
    return x.state == mesh::reach::down;
  });
}

/// Not one of the other sites can be reached: without them nothing is decided,
/// and there is nothing to wait for.
bool exchange::is_alone(const std::vector<site_id>& sites) const noexcept {
  std::size_t others = 0, away = 0;
  for (const auto& name : sites) {
    if (name == w_.site())
      continue;
    const auto* x = w_.mesh->find(name);
    ++others;
    away += x != nullptr && x->state == mesh::reach::down ? 1U : 0U;
  }
  return others > 0 && away == others;
}

/// Who would decide on a resource of these sites: a witness may, too.
std::vector<site_id>
exchange::voters_of(const std::vector<site_id>& sites) const {
  auto known = [&](const site_id& name) {
    const auto* x = w_.mesh->find(name);
    return x != nullptr && !x->store.empty();
  };
  auto out = sites;
  if (auto witness =
        site::witness_for(with().config->replication.witnesses, sites, known))
    out.push_back(std::move(*witness));
  return out;
}

void exchange::refuse_alone() {
  refuse_change({errc::no_quorum,
                 "no other of its sites can be reached, and nothing was done",
                 "", "replicate",
                 "try again when they are linked (cheops get links); reads go "
                 "on"});
}

void exchange::describe_first() {
  limit_.arm(w_.clock, answer_limit() + guard);
  w_.shared->replicas->describe(
    decision_.copies->found->meta,
    replicated_->waits.into(w_.inbox, &exchange::on_described));
}

/// Its sites are known: a scope does not change where a resource is, and a
/// site that is alone decides nothing.
void exchange::on_described(result<std::optional<ports::replicant_view>> told) {
  ref<session> hold{&s_};
  if (stage_ != stage::deciding)
    return;
  if (!told || !*told) {
    refuse_change(told ? error{errc::not_found, "it is replicated no more", "",
                               "look for its sites", ""}
                       : told.error());
    return;
  }
  std::vector<site_id> all;
  for (const auto& m : (*told)->members)
    all.push_back(m.id.site);
  if (is_alone(all)) {
    refuse_alone();
    return;
  }
  if (!replicated_->change) {
    ask_strict_read();
    return;
  }
  auto is = full_sites(**told);
  auto said = decision_.copies->sites;
  std::ranges::sort(said);
  if (said.empty() || is == said) {
    replicated_->sites = std::move(is);
    check_named();
    return;
  }
  auto name = to_string(decision_.copies->found->meta);
  refuse_change({errc::conflict,
                 "it is at " + traffic::listed_sites(is)
                   + ", and the scope says " + traffic::listed_sites(said),
                 "", "compare the scope",
                 "leave the scope out to change it where it is; cheops scale "
                 "replicant "
                   + name + " --scope '" + traffic::listed_sites(said)
                   + "' moves it"});
}

/// What is named by its name is waited for only where it has a copy: each site
/// of ours must be one of its own.
void exchange::check_named() {
  if (replicated_->by_name.empty()) {
    submit_change();
    return;
  }
  limit_.arm(w_.clock, answer_limit() + guard);
  w_.shared->replicas->describe(
    replicated_->by_name.back(),
    replicated_->waits.into(w_.inbox, &exchange::on_named_described));
}

void exchange::on_named_described(
  result<std::optional<ports::replicant_view>> told) {
  ref<session> hold{&s_};
  if (stage_ != stage::deciding)
    return;
  auto meta = replicated_->by_name.back();
  replicated_->by_name.pop_back();
  auto ours = replicated_->sites;
  std::ranges::sort(ours);
  auto there = told && *told && std::ranges::includes(full_sites(**told), ours);
  if (!there)
    std::erase_if(replicated_->change->what.after,
                  [&](const auto& x) { return x.on == meta; });
  check_named();
}

void exchange::submit_change() {
  auto& change = *replicated_->change;
  auto most = answer_limit();
  auto asked = replicated_->asks.patience;
  change.patience = asked.count() > 0 ? std::min(asked, most) : most;
  limit_.arm(w_.clock, change.patience + guard);
  w_.shared->replicas->submit(
    std::move(change),
    replicated_->waits.into(w_.inbox, &exchange::on_changed));
}

void exchange::on_changed(result<ports::write_answer> told) {
  ref<session> hold{&s_};
  if (stage_ != stage::deciding)
    return;
  limit_.disarm();
  if (!told) {
    refuse_change(told.error());
    return;
  }
  auto& x = *told;
  replicated_->fields = replicant::fields_of(x, w_.site());
  ran_ = x.how.how != ending::refused;
  switch (x.how.how) {
  case ending::application:
    if (x.application) {
      answer_of_application(*x.application);
      return;
    }
    [[fallthrough]];
  case ending::settled:
    answer_settled(x);
    return;
  case ending::accepted:
    answer_accepted(x);
    return;
  case ending::refused: {
    auto why = replicant::explain(x.how.why, x.meta, x.how.status);
    refuse_change(std::move(why.why), why.status);
    return;
  }
  case ending::open:
    if (replicated_->asks.respond_async)
      answer_accepted(x);
    else
      answer_open(x);
    return;
  }
}

void exchange::change_took_too_long() {
  ran_ = true;
  refuse_change({errc::undecided,
                 "nobody said in time what became of it: its fate is open", "",
                 "replicate", "look at the resource before you try again"});
}

// -- answers to a change -----------------------------------------------------

/// An answer that is whole in memory, with what is told beside it.
void exchange::answer_whole(problem x) {
  status_ = x.status;
  for (auto& f : replicated_->fields)
    x.fields.emplace_back(std::move(f.name), std::move(f.value));
  skip_request();
  keep_client_ = keep_client_ && request_.done() && !w_.draining;
  write_problem(to_client_.before, x, in_->method == "HEAD", !keep_client_,
                keep_client_ && in_->version == 10);
  stage_ = stage::refusing;
  push_refusal();
}

void exchange::answer_of_application(const ports::application_answer& x) {
  problem out;
  out.status = x.status;
  for (const auto& f : x.fields)
    if (same_name(f.name, "Content-Type"))
      out.type = f.value;
    else if (!traffic::is_ours(f.name))
      out.fields.emplace_back(f.name, f.value);
  out.body = x.body;
  // Done all the same: better without its answer than not told.
  if (!x.whole)
    out.fields.emplace_back("Cheops-Answer", "left out: too large");
  answer_whole(std::move(out));
}

void exchange::answer_accepted(const ports::write_answer& x) {
  replicant::operation_name name{x.meta, x.how.operation};
  problem out;
  out.status = 202;
  out.type = "application/json";
  json::object body;
  body["operation"] = to_string(name);
  body["replicant"] = to_string(x.meta);
  body["sites"] = replicant::to_json(x.how.sites);
  out.body = json::serialize(body) + "\n";
  out.fields.emplace_back("Location", replicant::path_of(w_.site(), name));
  if (replicated_->asks.respond_async)
    out.fields.emplace_back("Preference-Applied", "respond-async");
  answer_whole(std::move(out));
}

void exchange::answer_open(const ports::write_answer& x) {
  replicant::operation_name name{x.meta, x.how.operation};
  replicated_->fields.push_back(
    {"Location", replicant::path_of(w_.site(), name)});
  refuse_change(replicant::undecided(name, w_.site()));
}

// -- strict reads ------------------------------------------------------------

void exchange::read_strictly() {
  stage_ = stage::deciding;
  s_.wait_readable();
  if (some_are_cut_off())
    describe_first();
  else
    ask_strict_read();
}

void exchange::ask_strict_read() {
  limit_.arm(w_.clock, answer_limit() + guard);
  w_.shared->replicas->read_linearizable(
    decision_.copies->found->meta,
    replicated_->waits.into(w_.inbox, &exchange::on_read_granted));
}

void exchange::on_read_granted(result<replicant::read_answer> told) {
  ref<session> hold{&s_};
  if (stage_ != stage::deciding)
    return;
  auto& found = *decision_.copies->found;
  if (!told) {
    refuse_change(told.error());
    return;
  }
  if (!told->granted) {
    auto why = replicant::explain(*told, found.meta);
    refuse_change(std::move(why.why), why.status);
    return;
  }
  found.done = told->index;
  found.state = told->state;
  decision_.what = decision_.candidates.empty() ? traffic::verdict::local
                                                : traffic::verdict::run;
  next_leg();
}

// -- what became of a change -------------------------------------------------

void exchange::look_at_operation() {
  replicated_ = std::make_unique<replicated>(*this);
  stage_ = stage::deciding;
  s_.wait_readable();
  limit_.arm(w_.clock, answer_limit() + guard);
  w_.shared->replicas->operation(
    decision_.look->meta, decision_.look->id,
    replicated_->waits.into(w_.inbox, &exchange::on_looked));
}

void exchange::on_looked(result<std::optional<ports::operation_view>> told) {
  ref<session> hold{&s_};
  if (stage_ != stage::deciding)
    return;
  if (!told) {
    refuse_change(told.error());
    return;
  }
  if (!*told) {
    refuse_change({errc::not_found, "there is no such replicant here", "",
                   "look", "it may be deleted, or have left this site"});
    return;
  }
  problem out;
  out.status = 200;
  out.type = "application/json";
  out.body =
    json::serialize(replicant::to_json(**told, decision_.look->meta)) + "\n";
  out.fields.emplace_back("Cache-Control", "no-store");
  answer_whole(std::move(out));
}

} // namespace cheops::http
