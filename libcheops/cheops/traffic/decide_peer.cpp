#include "cheops/traffic/decider_impl.hpp"

#include <charconv>

namespace cheops::traffic {

namespace {

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

} // namespace cheops::traffic
