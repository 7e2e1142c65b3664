#include "cheops/traffic/decide.hpp"

#include "cheops/traffic/decider_impl.hpp"

#include <algorithm>
#include <cassert>

namespace cheops::traffic {

/// Nearly always there are none, which costs one load.
result<void>
decider::impl::look_for_copies(decision& out, const request_view& in,
                               const application::service& of,
                               const std::vector<site_id>* sites) const {
  if (!replicas || (sites == nullptr && !replicas->any()))
    return {};
  std::string_view target = out.target.empty() ? in.target : out.target;
  return consider_copies(
    out, {in, target, of, config->name, sites, plug.get(), can_act(of.name)},
    *replicas);
}

bool decider::impl::can_act(const service_id& service) const {
  auto i = std::ranges::find(config->fronts, service, &site::front::service);
  return i != config->fronts.end() && !i->to.identity.empty();
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
                                  const mesh::view& mesh, const moment& now,
                                  const std::optional<std::string_view>& body) {
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
  if (found && !*found && plug && plug->may_hold_scope(in)) {
    if (!body) {
      out.what = verdict::gather;
      return out;
    }
    if (auto text = plug->scope_in(in, *body); !text.empty())
      found = found_scope{std::move(text), false, 0, {}, {}};
  }
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
                         std::chrono::system_clock::time_point wall,
                         std::optional<std::string_view> body) {
  const moment when{now, wall};
  if (!from.peer.empty())
    return impl_->from_peer(in, from, mesh, when);
  auto out = impl_->from_user(in, from, mesh, when, body);
  out.plans_full = impl_->plans.began_anew();
  return out;
}

void decider::learn(const aside& asked, const result<small_answer>& told,
                    const mesh::view& mesh, const moment& now) {
  assert(impl_->plug);
  impl_->plug->learn(asked, told, impl_->around(mesh, now));
}

surroundings decider::around(const mesh::view& mesh, const moment& now) const {
  return impl_->around(mesh, now);
}

} // namespace cheops::traffic
