#pragma once

#include "cheops/names.hpp"
#include "cheops/scope/parse.hpp"
#include "cheops/traffic/carriers.hpp"
#include "cheops/traffic/combine.hpp"
#include "cheops/traffic/decide.hpp"
#include "cheops/traffic/ids.hpp"
#include "cheops/traffic/peer_fields.hpp"
#include "cheops/traffic/plans.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

/// The inside of `decider`: decide.cpp has what comes to a user front,
/// decide_peer.cpp what comes from a peer.
namespace cheops::traffic {

/// A scope, and how it came.
struct found_scope {
  std::string text;
  bool inherited = false; ///< By trace or baggage.
  std::uint32_t hops = 0;
  std::string path; ///< The way of the trace so far; empty at its start.
  std::optional<correlation_key> outer; ///< The entry it was found in.
};

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
                     const mesh::view& mesh, const moment& now,
                     const std::optional<std::string_view>& body);
  result<void> route(decision& out, const request_view& in, const caller& from,
                     const found_scope& scope, const reading& read,
                     const mesh::view& mesh, const moment& now);
  decision from_peer(const request_view& in, const caller& from,
                     const mesh::view& mesh, const moment& now);
  result<void> look_for_copies(decision& out, const request_view& in,
                               const application::service& of,
                               const std::vector<site_id>* sites) const;
  bool can_act(const service_id& service) const;
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

} // namespace cheops::traffic
