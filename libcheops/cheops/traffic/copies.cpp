#include "cheops/traffic/copies.hpp"

#include "cheops/replicant/wishes.hpp"
#include "cheops/scope/lexer.hpp"
#include "cheops/traffic/adapter.hpp"
#include "cheops/traffic/decide.hpp"

#include <algorithm>

namespace cheops::traffic {

namespace {

using application::verb;

bool contains(const std::vector<site_id>& all, const site_id& x) {
  return std::ranges::find(all, x) != all.end();
}

class considering {
public:
  considering(decision& out, const copy_question& ask,
              const ports::replication& at)
    : out_(out),
      ask_(ask),
      at_(at),
      about_(ask.plug != nullptr
               ? ask.plug->about(ask.of, ask.in, ask.target)
               : subject{application::match(ask.of, ask.in.method, ask.target),
                         false,
                         false,
                         {}}),
      safe_(is_safe(ask.in.method)) {}

  result<void> operator()() {
    return ask_.sites == nullptr ? without_scope() : with_scope();
  }

private:
  const application::request_class& what() const { return about_.match.what; }

  bool creates() const {
    return what().about != nullptr && what().does == verb::create;
  }

  /// The copy here that the request is about.
  std::optional<ports::local_replica> look() const {
    if (what().about == nullptr || what().id.empty())
      return std::nullopt;
    return at_.find(ask_.of.name, what().about->kind, what().id);
  }

  /// The id may be of a copy that the application has made, and of which
  /// nothing is known here yet: then a change of it would be this site's alone.
  void look_for_creates() {
    if (safe_ || creates() || what().about == nullptr || what().id.empty())
      return;
    const auto& about = *what().about;
    auto named = about.unique_name && about.id_pointer == about.name_pointer;
    out_.unsettled = at_.creating(ask_.of.name, about.kind,
                                  named ? std::string_view{what().id} : "");
  }

  result<void> without_scope() {
    auto first =
      out_.what == verdict::local || out_.candidates.front() == ask_.self;
    if (!first && !contains(out_.candidates, ask_.self))
      return {};
    if (!safe_ && about_.here_only)
      return {};
    if (!safe_ && first && about_.of_many && ask_.acts) {
      attach(std::nullopt);
      out_.what = verdict::replicate;
      return {};
    }
    auto found = look();
    if (!found) {
      look_for_creates();
      return {};
    }
    if (first || safe_)
      return serve(*found, first);
    // A change that another site failed to run is not for the copy here
    // alone, and the id may well be another resource's there.
    std::erase(out_.candidates, ask_.self);
    return {};
  }

  result<void> with_scope() {
    if (!safe_ && about_.here_only) {
      out_.candidates = {
        contains(*ask_.sites, ask_.self) ? ask_.self : ask_.sites->front()};
      return {};
    }
    if (!safe_)
      if (auto ok = is_for_several(); !ok)
        return ok;
    if (!contains(*ask_.sites, ask_.self))
      return pass_on();
    if (!safe_)
      if (auto ok = can_act(); !ok)
        return ok;
    out_.candidates = {ask_.self};
    auto found = look();
    if (found)
      return serve(*found, true);
    if (safe_)
      return {};
    if (!creates())
      look_for_creates();
    if (out_.unsettled)
      return {};
    if (!creates())
      return error{errc::not_found,
                   "no " + what().about->kind + " " + what().id
                     + " is replicated here",
                   {},
                   "plan",
                   "leave the scope out to change the one of this site alone"};
    out_.what = verdict::replicate;
    attach(std::nullopt);
    return {};
  }

  result<void> is_for_several() const {
    if (!about_.never.empty())
      return error{
        errc::bad_request, about_.never, {}, "plan", "name one site"};
    auto takes = ask_.plug != nullptr && ask_.plug->takes();
    if (!creates() && (what().about == nullptr || what().id.empty()))
      return error{errc::not_built,
                   "a scope with \"&\" is for requests about one resource; the "
                   "description of "
                     + ask_.of.name.value + " has none for "
                     + method_and_path(),
                   {},
                   "plan",
                   "name one site, or describe the resource"};
    if (!takes && (ask_.of.authenticates || ask_.plug != nullptr))
      return error{errc::not_built,
                   ask_.of.name.value
                     + " checks its users itself, and nothing can act in a "
                       "user's name at another site yet",
                   {},
                   "plan",
                   "create it at one site"};
    return {};
  }

  /// Changes on several sites are made in the name of who asked.
  result<void> can_act() const {
    if (ask_.plug == nullptr || !ask_.plug->takes() || ask_.acts)
      return {};
    return error{errc::not_built,
                 "the node has no identity of its own at " + ask_.of.name.value
                   + ", and so cannot act there in a user's name",
                 {},
                 "plan",
                 "the site's operator sets backend.identity"};
  }

  /// This site has no part in it: one that has does it all. What has an id
  /// has that of the site named first.
  result<void> pass_on() {
    out_.candidates = *ask_.sites;
    if (!what().id.empty() && !creates())
      out_.candidates = {ask_.sites->front()};
    out_.set_for_peer.push_back(
      {"Cheops-Replicate", listed_sites(*ask_.sites)});
    return {};
  }

  result<void> serve(const ports::local_replica& found, bool first) {
    if (!safe_)
      if (auto ok = can_act(); !ok)
        return ok;
    attach(found);
    if (!safe_) {
      out_.what = verdict::replicate;
      return {};
    }
    auto strict = replicant::wants_linearizable(ask_.in);
    if (!strict)
      return strict.error();
    out_.copies->linearizable = *strict;
    if (*strict && first)
      out_.what = verdict::replicate;
    return {};
  }

  void attach(const std::optional<ports::local_replica>& found) {
    out_.copies = std::make_unique<copies>();
    out_.copies->match = std::move(about_.match);
    out_.copies->found = found;
    if (ask_.sites != nullptr)
      out_.copies->sites = *ask_.sites;
    if (!safe_)
      out_.plan = "replicate";
  }

  std::string method_and_path() const {
    constexpr std::size_t shown_bytes_max = 100;
    return std::string{ask_.in.method} + " "
           + std::string{ask_.target.substr(0, shown_bytes_max)};
  }

  decision& out_;
  const copy_question& ask_;
  const ports::replication& at_;
  subject about_;
  bool safe_;
};

} // namespace

result<void> consider_copies(decision& out, const copy_question& ask,
                             const ports::replication& at) {
  return considering{out, ask, at}();
}

std::string listed_sites(const std::vector<site_id>& sites) {
  std::string out;
  for (const auto& x : sites)
    out += (out.empty() ? "" : " & ") + scope::as_written(x.value);
  return out;
}

} // namespace cheops::traffic
