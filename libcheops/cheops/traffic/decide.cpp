#include "cheops/traffic/decide.hpp"

#include "cheops/names.hpp"
#include "cheops/scope/parse.hpp"
#include "cheops/traffic/carriers.hpp"
#include "cheops/traffic/combine.hpp"
#include "cheops/traffic/ids.hpp"
#include "cheops/traffic/peer_fields.hpp"
#include "cheops/traffic/plans.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <utility>

namespace cheops::traffic {

namespace {

/// A scope, and how it came.
struct found_scope {
  std::string text;
  bool inherited = false; ///< By trace or baggage.
  std::uint32_t hops = 0;
  std::string path; ///< The way of the trace so far; empty at its start.
  std::optional<correlation_key> outer; ///< The entry it was found in.
};

template <class T>
std::optional<T> number(std::string_view text) noexcept {
  T out{};
  auto end = text.data() + text.size();
  auto [at, ec] = std::from_chars(text.data(), end, out);
  if (text.empty() || ec != std::errc{} || at != end)
    return std::nullopt;
  return out;
}

} // namespace

struct decider::impl {
  std::shared_ptr<const site::config> config;
  std::shared_ptr<const application::description> app;
  std::shared_ptr<correlation> traces;
  std::shared_ptr<adapter> plug;                      ///< Null: none.
  std::shared_ptr<const ports::replication> replicas; ///< Null: none.
  id_source fresh;
  plan_cache plans{app, plug};

  // -- answers ---------------------------------------------------------------

  decision refused(error why, std::string_view step) const {
    decision out;
    out.what = verdict::refuse;
    if (why.site.empty())
      why.site = config->name.value;
    if (why.step.empty())
      why.step = step;
    out.refusal = std::move(why);
    return out;
  }

  // -- the scope -------------------------------------------------------------

  const scope::known_names& known(const mesh::view& mesh) {
    return plans.known(mesh);
  }

  correlation_key key_of(std::string_view trace, const marks& in,
                         const caller& from) const {
    return {std::string{trace},
            credential_digest(in, from.certificate, traces->secret())};
  }

  /// The carriers of a user front, in their order. `target` is set where a
  /// prefix was taken off, whichever carrier won.
  result<std::optional<found_scope>>
  find_scope(const request_view& in, const marks& has, const caller& from,
             clock::time_point now, const reading& found, std::string& target) {
    std::optional<found_scope> out;
    if (app->carry.prefix)
      if (auto cut = take_prefix(in.target)) {
        if (!*cut)
          return cut->error();
        target = std::move((*cut)->target);
        out =
          found_scope{std::move((*cut)->scope), found.is_session, 0, {}, {}};
      }
    if (has.scope_count > 1)
      return error{errc::bad_scope, "the request has more than one Scope field",
                   "", "read scope", "send one"};
    if (has.scope_count == 1)
      return found_scope{std::string{has.scope}, false, 0, {}, {}};
    if (out)
      return out;
    if (!found.scope.empty())
      return found_scope{found.scope, true, 0, {}, {}};
    if (app->carry.trace && !has.traceparent.empty())
      if (auto id = trace_id(has.traceparent); !id.empty()) {
        auto key = key_of(id, has, from);
        if (auto x = traces->find(key, now))
          return found_scope{x->scope, true, x->hops, x->path, std::move(key)};
      }
    if (app->carry.baggage && !has.baggage.empty())
      if (auto text = baggage_scope(has.baggage); !text.empty())
        return found_scope{std::move(text), true, 0, {}, {}};
    return out;
  }

  // -- the trace -------------------------------------------------------------

  /// Remembers the scope under the request's trace id, so that the calls
  /// that the service makes while serving it are recognised. A trace id that
  /// is live with another scope is exchanged for a fresh one.
  result<void> open_trace(decision& out, const marks& has, const caller& from,
                          const correlated& what, clock::time_point now) {
    if (!app->carry.trace)
      return {};
    std::string id{trace_id(has.traceparent)};
    auto given = id;
    for (int attempt = 0; attempt < 3; ++attempt) {
      if (id.empty())
        id = fresh.trace();
      auto [how, ticket] = traces->open(key_of(id, has, from), what, now);
      if (how == correlation::outcome::full)
        return full();
      if (how == correlation::outcome::opened) {
        out.ticket = std::move(ticket);
        if (id != given) {
          out.set.push_back({"traceparent", fresh.traceparent(id)});
          if (!given.empty())
            out.set.push_back(
              {"tracestate", with_former_trace(has.tracestate, given)});
        }
        return {};
      }
      id.clear();
    }
    return error{errc::overloaded, "no trace id could be had",
                 config->name.value, "correlate", "try again"};
  }

  // -- the adapter -----------------------------------------------------------

  surroundings around(const mesh::view& mesh, const moment& now) const {
    return {config, mesh, *traces, now};
  }

  /// True: `out` is the whole decision.
  bool read_first(decision& out, reading& found, const request_view& in,
                  const caller& from, const application::service& of,
                  const mesh::view& mesh, const moment& now) {
    if (!plug)
      return false;
    found = plug->read(in, from, of, around(mesh, now));
    if (auto* why = std::get_if<error>(&found.then)) {
      out = refused(std::move(*why), "read the request");
      return true;
    }
    if (auto* known = std::get_if<small_answer>(&found.then)) {
      out.what = verdict::answer;
      out.answer = std::make_unique<small_answer>(std::move(*known));
      return true;
    }
    if (auto* unknown = std::get_if<aside>(&found.then)) {
      out.what = verdict::ask;
      out.ask = std::make_unique<aside>(std::move(*unknown));
      // What a peer front reads, as on any leg to one.
      if (out.ask->site != config->name)
        for (auto& x : peer_fields(*config, out.ask->service, {}, {}, 0))
          out.ask->fields.push_back(std::move(x));
      return true;
    }
    return false;
  }

  void shape(decision& out, reading& found, const request_view& in,
             const caller& from, const mesh::view& mesh, const moment& now) {
    if (!plug)
      return;
    out.for_local = std::move(found.for_local);
    out.for_peer = std::move(found.for_peer);
    plug->shape(out, in, from, found, around(mesh, now));
  }

  /// A request that belongs to another by its id runs with that one's scope;
  /// one about a resource with the scope that the resource was made with.
  result<std::optional<found_scope>> complete(std::optional<found_scope> out,
                                              const reading& found,
                                              const application::service& front,
                                              const mesh::view& mesh) {
    if (found.live) {
      const auto& live = *found.live;
      if (out && out->text != live.scope && !agree(out->text, live.scope, mesh))
        return another_scope(std::string{found.id});
      out = found_scope{live.scope, true, live.hops, live.path, {}};
      if (live.held)
        out->outer = correlation_key{std::string{found.id}, 0};
    } else if (!found.kept.empty() && out) {
      out->text = completed_text(out->text, found.kept, front, mesh);
    } else if (!found.kept.empty()) {
      out = found_scope{found.kept, true, 0, {}, {}};
    }
    return out;
  }

  bool agree(const std::string& part, const std::string& whole,
             const mesh::view& mesh) {
    auto a = scope::parse(part, known(mesh));
    auto b = scope::parse(whole, known(mesh));
    return a && b && agrees(*a, *b, *app);
  }

  /// What cannot be read is told by those who plan it.
  std::string completed_text(const std::string& asked, const std::string& kept,
                             const application::service& front,
                             const mesh::view& mesh) {
    auto a = scope::parse(asked, known(mesh));
    auto b = scope::parse(kept, known(mesh));
    if (!a || !b)
      return asked;
    return scope::to_string(completed(std::move(*a), *b, front.name, *app));
  }

  error another_scope(const std::string& id) const {
    return {errc::forbidden,
            "the request id " + id
              + " belongs to another request that is running, of another user "
                "or with another scope",
            config->name.value, "correlate",
            "send a fresh id, or none: the node sets one"};
  }

  // -- the id ----------------------------------------------------------------

  error full() const {
    return {errc::overloaded,
            "as many scoped requests are running as the limit correlations ("
              + std::to_string(config->bounds.correlations) + ") allows",
            config->name.value, "correlate", "try again later"};
  }

  /// Remembers the scope under the request's id. An id that is live with
  /// another scope or owner is refused to a user; what a peer brings gets a
  /// fresh one, since it brings several of one user's.
  result<void> open_id(decision& out, const reading& found, correlated what,
                       bool of_user, clock::time_point now) {
    if (found.id_field.empty() || found.owner == 0)
      return {};
    what.owner = found.live ? found.live->owner : found.owner;
    what.resource = found.resource;
    std::string id{found.id};
    for (int attempt = 0; attempt < 3; ++attempt) {
      if (id.empty())
        id = fresh.uuid(found.id_prefix);
      auto [how, ticket] = traces->open({id, 0}, what, now);
      if (how == correlation::outcome::full)
        return full();
      if (how == correlation::outcome::opened) {
        out.ticket = std::move(ticket);
        if (id != found.id)
          out.set.push_back({std::string{found.id_field}, id});
        return {};
      }
      if (of_user && id == found.id)
        return another_scope(id);
      id.clear();
    }
    return error{errc::overloaded, "no request id could be had",
                 config->name.value, "correlate", "try again"};
  }

  // -- the two kinds of front -------------------------------------------------

  decision from_user(const request_view& in, const caller& from,
                     const mesh::view& mesh, const moment& now);
  result<void> route(decision& out, const request_view& in, const caller& from,
                     const found_scope& scope, const reading& read,
                     const mesh::view& mesh, const moment& now);
  decision from_peer(const request_view& in, const caller& from,
                     const mesh::view& mesh, const moment& now);
  result<void> look_for_copies(decision& out, const request_view& in,
                               const application::service& of,
                               const std::vector<site_id>* sites) const;
  void answer_discovery(result<void>& planned, decision& out,
                        const request_view& in) const;
  bool looks_at_operation(const request_view& in) const noexcept;
  result<void> look_at_operation(decision& out, const request_view& in,
                                 const mesh::view& mesh) const;
  result<std::optional<std::vector<site_id>>>
  sites_from_peer(const request_view& in, const mesh::view& mesh);
  result<void> run_for_peer(decision& out, const request_view& in,
                            const caller& from, const reading& read,
                            const application::request_class& about,
                            std::uint32_t hops, const mesh::view& mesh,
                            const moment& now);
};

/// Nearly always there are none, which costs one load.
result<void>
decider::impl::look_for_copies(decision& out, const request_view& in,
                               const application::service& of,
                               const std::vector<site_id>* sites) const {
  if (!replicas || (sites == nullptr && !replicas->any()))
    return {};
  std::string_view target = out.target.empty() ? in.target : out.target;
  return consider_copies(
    out, {in, target, of, config->name, sites, plug != nullptr}, *replicas);
}

/// Where a peer, which has no part in it, says that copies are to be.
result<std::optional<std::vector<site_id>>>
decider::impl::sites_from_peer(const request_view& in, const mesh::view& mesh) {
  auto text = in.get("Cheops-Replicate");
  if (text.empty())
    return std::optional<std::vector<site_id>>{};
  auto tree = scope::parse(text, known(mesh));
  if (!tree)
    return scope::to_error(text, tree.error());
  scope::question ask;
  ask.safe = false;
  ask.creates = ask.inherited = ask.replicates = true;
  ask.service = app->find(in.get("Cheops-Service"))->name;
  auto plan = scope::make_plan(*tree, ask, *app, mesh);
  if (!plan)
    return plan.error();
  return std::optional{std::move(plan->sites)};
}

/// Clients ask what there is first, and do not show why they were not told. So
/// this site tells it where the scope cannot be run; what they ask for then is
/// refused with the reason.
void decider::impl::answer_discovery(result<void>& planned, decision& out,
                                     const request_view& in) const {
  auto target = out.target.empty() ? std::string{in.target} : out.target;
  const auto* about =
    application::classify(*out.service, in.method, target).about;
  if (about == nullptr || !about->discovery || !is_safe(in.method))
    return;
  if (!planned) {
    const auto* service = out.service;
    out = {};
    out.service = service;
    out.what = verdict::run;
    out.target = std::move(target);
    out.candidates = {config->name};
    planned = {};
  } else if (std::ranges::count(out.candidates, config->name) == 0) {
    out.candidates.push_back(config->name);
  }
}

bool decider::impl::looks_at_operation(const request_view& in) const noexcept {
  return replicas && in.target.starts_with(replicant::operations_path);
}

/// What became of a change, where a front said to look: the site that was
/// asked then knows.
result<void> decider::impl::look_at_operation(decision& out,
                                              const request_view& in,
                                              const mesh::view& mesh) const {
  auto at = replicant::parse_operation_path(in.target);
  const auto* site = at ? mesh.find(at->site) : nullptr;
  if (site == nullptr || !is_safe(in.method))
    return error{errc::not_found, "there is no such operation", "", "look",
                 "GET the Location that a front gave"};
  if (site->name == config->name) {
    out.what = verdict::look;
    out.look = std::make_unique<replicant::operation_name>(at->what);
    return {};
  }
  out.what = verdict::run;
  out.plan = "share";
  out.candidates = {site->name};
  out.set_for_peer = peer_fields(*config, out.service->name, {}, {}, 0);
  return {};
}

decision decider::impl::from_user(const request_view& in, const caller& from,
                                  const mesh::view& mesh, const moment& now) {
  decision out;
  out.service = from.front;
  if (looks_at_operation(in)) {
    if (auto ok = look_at_operation(out, in, mesh); !ok)
      return refused(ok.error(), "look");
    return out;
  }
  reading read;
  if (read_first(out, read, in, from, *from.front, mesh, now))
    return out;
  auto has = find_marks(in);
  auto found = find_scope(in, has, from, now.steady, read, out.target);
  if (found)
    found = complete(std::move(*found), read, *from.front, mesh);
  if (!found)
    return refused(found.error(), "read scope");
  auto ok = *found ? route(out, in, from, **found, read, mesh, now)
                   : look_for_copies(out, in, *from.front, nullptr);
  if (*found)
    answer_discovery(ok, out, in);
  if (!ok)
    return refused(ok.error(), "plan");
  shape(out, read, in, from, mesh, now);
  return out;
}

result<void> decider::impl::route(decision& out, const request_view& in,
                                  const caller& from, const found_scope& scope,
                                  const reading& read, const mesh::view& mesh,
                                  const moment& now) {
  const auto& target = out.target.empty() ? in.target : out.target;
  auto about = application::classify(*from.front, in.method, target);
  scope::question ask{from.front->name, is_safe(in.method),
                      about.does == application::verb::create, scope.inherited,
                      replicas != nullptr};
  const auto& made = plans.of(scope.text, ask, mesh, *config);
  if (!made.plan)
    return made.plan.error();
  const auto& plan = *made.plan;
  if (!plan.not_built.empty())
    return error{errc::not_built, plan.not_built, "", "plan",
                 "cheops explain shows what the scope means"};
  if (scope.hops >= config->bounds.hops)
    return error{errc::loop,
                 "the request has passed between sites "
                   + std::to_string(scope.hops) + " times: " + scope.path,
                 "", "route", "check the scope and what calls what"};
  out.what = verdict::run;
  out.plan = scope::to_string(plan.act);
  out.scope = made.canonical;
  out.candidates = plan.sites;
  if (plan.act == scope::action::local || out.candidates.empty())
    out.candidates = {config->name};
  auto path = path_with(scope.path, config->name, from.front->name);
  // A call that was found by its trace belongs to the exchange that opened
  // the entry: that one holds it, and is told what fails here.
  out.blame = scope.outer;
  auto spread = plan.act == scope::action::replicate;
  out.set_for_peer =
    peer_fields(*config, out.service->name, out.scope, scope.path, scope.hops);
  add_wishes(out.set_for_peer, in);
  if (auto ok =
        look_for_copies(out, in, *from.front, spread ? &plan.sites : nullptr);
      !ok)
    return ok;
  // What is done at each copy leads to no calls that the scope is for.
  if (out.what == verdict::replicate && !out.copies->linearizable)
    return {};
  auto has = find_marks(in);
  if (!out.blame) {
    correlated what{out.scope, path, scope.hops};
    auto opened = read.id_field.empty()
                    ? open_trace(out, has, from, what, now.steady)
                    : open_id(out, read, what, true, now.steady);
    if (!opened)
      return opened;
  }
  if (app->carry.baggage && !scope.inherited)
    out.set.push_back({"baggage", with_baggage_scope(has.baggage, out.scope)});
  return {};
}

decision decider::impl::from_peer(const request_view& in, const caller& from,
                                  const mesh::view& mesh, const moment& now) {
  if (same_name(from.peer.value, config->name.value))
    return refused({errc::forbidden,
                    "the caller has the name of this site itself", "",
                    "peer front", "two sites of a mesh never share a name"},
                   "peer front");
  auto name = in.get("Cheops-Service");
  const auto* service = app->find(name);
  if (service == nullptr)
    return refused({errc::unknown_service,
                    "the peer asks for service \"" + std::string{name}
                      + "\", which this application does not have",
                    "", "peer front",
                    "compare the application files of both sites"},
                   "peer front");
  auto about = application::classify(*service, in.method, in.target);
  if (!site::allowed(*config, *app, from.peer, service->name, about.does))
    return refused({errc::forbidden,
                    "peers/" + from.peer.value + " may not "
                      + std::string{application::to_string(about.does)} + " at "
                      + service->name.value,
                    "", "peer front",
                    "the site's operator can allow it: peers[].allow"},
                   "peer front");
  auto hops = number<std::uint32_t>(in.get("Cheops-Hops"));
  if (!hops)
    return refused({errc::bad_request, "Cheops-Hops is not a number", "",
                    "peer front", "the peer runs another version"},
                   "peer front");
  decision out;
  out.service = service;
  if (looks_at_operation(in)) {
    auto ok = look_at_operation(out, in, mesh);
    if (ok && out.what == verdict::look)
      return out;
    return refused({errc::not_found, "there is no such operation here", "",
                    "peer front", ""},
                   "peer front");
  }
  reading read;
  if (read_first(out, read, in, from, *service, mesh, now))
    return out;
  if (auto ok = run_for_peer(out, in, from, read, about, *hops, mesh, now); !ok)
    return refused(ok.error(), "peer front");
  shape(out, read, in, from, mesh, now);
  return out;
}

result<void> decider::impl::run_for_peer(
  decision& out, const request_view& in, const caller& from,
  const reading& read, const application::request_class& about,
  std::uint32_t hops, const mesh::view& mesh, const moment& now) {
  auto path = std::string{in.get("Cheops-Path").substr(0, path_bytes_max)};
  if (hops > config->bounds.hops)
    return error{errc::loop,
                 "the request has passed between sites " + std::to_string(hops)
                   + " times: " + path,
                 "", "peer front", "check the scope and what calls what"};
  out.what = verdict::run;
  out.candidates = {config->name};
  out.scope = in.get("Cheops-Scope");
  out.plan = "share";
  auto wait = in.get("Cheops-Deadline");
  if (wait.ends_with("ms"))
    if (auto ms = number<std::uint32_t>(wait.substr(0, wait.size() - 2)))
      out.answer_within = std::chrono::milliseconds{*ms};
  auto sites = sites_from_peer(in, mesh);
  if (!sites)
    return sites.error();
  if (auto ok =
        look_for_copies(out, in, *out.service, *sites ? &**sites : nullptr);
      !ok)
    return ok;
  if (*sites && out.candidates != std::vector{config->name})
    return error{errc::loop, "the peer says that this site has a part in it",
                 "", "peer front",
                 "compare the scope with the sites there are"};
  if (out.scope.empty()
      || (out.what == verdict::replicate && !out.copies->linearizable))
    return {};
  if (!read.kept.empty())
    out.scope = completed_text(out.scope, read.kept, *out.service, mesh);
  auto tree = scope::parse(out.scope);
  if (!tree)
    return scope::to_error(out.scope, tree.error());
  if (plug) {
    scope::question ask{out.service->name, is_safe(in.method),
                        about.does == application::verb::create, true};
    if (auto fits = plug->check(*tree, ask, out.candidates, *config); !fits)
      return fits;
  }
  correlated what{out.scope, path_with(path, config->name, out.service->name),
                  hops};
  return read.id_field.empty()
           ? open_trace(out, find_marks(in), from, what, now.steady)
           : open_id(out, read, what, false, now.steady);
}

bool is_safe(std::string_view method) noexcept {
  return method == "GET" || method == "HEAD" || method == "OPTIONS"
         || method == "TRACE";
}

decider::decider(std::shared_ptr<const site::config> config,
                 std::shared_ptr<const application::description> app,
                 std::shared_ptr<correlation> traces, std::uint64_t seed,
                 std::shared_ptr<adapter> plug,
                 std::shared_ptr<const ports::replication> replicas)
  : impl_(new impl{std::move(config), std::move(app), std::move(traces),
                   std::move(plug), std::move(replicas), id_source{seed}}) {}

decider::~decider() = default;

void decider::configure(std::shared_ptr<const site::config> config) {
  impl_->config = std::move(config);
  impl_->plans.clear();
}

decision decider::decide(const request_view& in, const caller& from,
                         const mesh::view& mesh, clock::time_point now,
                         std::chrono::system_clock::time_point wall) {
  const moment when{now, wall};
  if (!from.peer.empty())
    return impl_->from_peer(in, from, mesh, when);
  auto out = impl_->from_user(in, from, mesh, when);
  out.plans_full = impl_->plans.began_anew();
  return out;
}

void decider::learn(const aside& asked, const result<small_answer>& told,
                    const mesh::view& mesh, const moment& now) {
  assert(impl_->plug);
  impl_->plug->learn(asked, told, impl_->around(mesh, now));
}

} // namespace cheops::traffic
