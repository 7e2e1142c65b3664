// What a change of a resource on several sites asks of this site's own
// application: the entity tag before it, and what there is after it.
#include "cheops/names.hpp"
#include "http/exchange.hpp"
#include "http/session.hpp"
#include "http/worker.hpp"

#include <algorithm>
#include <cassert>

namespace cheops::http {

namespace {

/// Whom the user acts for (Kubernetes).
constexpr std::string_view impersonate = "Impersonate-";

/// The site's own application is asked in the name of who asked us.
std::vector<traffic::header> credentials_of(const head& in) {
  std::vector<traffic::header> out;
  for (auto name : {"Authorization", "X-Auth-Token", "Cookie"})
    if (auto value = in.get(name); !value.empty())
      out.push_back({name, std::string{value}});
  for (const auto& f : in.fields)
    if (f.name.size() > impersonate.size()
        && begins_with_name(f.name, impersonate))
      out.push_back({std::string{f.name}, std::string{f.value}});
  return out;
}

std::string field_of(const traffic::small_answer& x, std::string_view name) {
  for (const auto& f : x.fields)
    if (same_name(f.name, name))
      return f.value;
  return {};
}

bool is_read(const application::service& of, std::string_view target) {
  auto what = application::classify(of, "GET", target);
  return what.about != nullptr && what.does == application::verb::read;
}

unsigned usual_status(replicant::change does) noexcept {
  return does == replicant::change::create   ? 201
         : does == replicant::change::remove ? 204
                                             : 200;
}

} // namespace

// -- before ------------------------------------------------------------------

/// Entity tags differ from site to site: what this one says of the tag is
/// turned into the index that the copy here had before it was asked.
void exchange::judge_match() {
  const auto& copies = *decision_.copies;
  if (!copies.found || !is_read(*decision_.service, seen_target())) {
    refuse_change({errc::not_built,
                   "If-Match cannot be judged: nothing is read at this path",
                   "", "read the request",
                   "send Cheops-Replicant-Index back instead"});
    return;
  }
  ask_backend(std::string{seen_target()}, [](void* self, auto told) {
    static_cast<exchange*>(self)->on_match_told(told);
  });
}

void exchange::ask_backend(std::string target,
                           void (*then)(void*, result<traffic::small_answer>)) {
  const auto* front = with().front_of(decision_.service->name);
  assert(front != nullptr); // A copy is here, or is to be.
  stage_ = stage::aside;
  limit_.disarm();
  traffic::aside what{w_.site(),
                      decision_.service->name,
                      std::move(target),
                      credentials_of(*in_),
                      {}};
  aside_ = std::make_unique<aside_call>(
    w_, w_.backend_pool(*front), what, with().config->times.answer, then, this);
  aside_->start();
}

void exchange::on_match_told(const result<traffic::small_answer>& told) {
  ref<session> hold{&s_};
  auto call = std::move(aside_); // It may be what calls.
  if (!told) {
    refuse_change(told.error());
    return;
  }
  auto& asks = replicated_->asks;
  auto there = told->status / 100 == 2;
  if (!there && told->status != 404) {
    refuse_change({errc::broken,
                   "the application answered " + std::to_string(told->status)
                     + " when it was asked for the entity tag",
                   "", "judge If-Match",
                   "send Cheops-Replicant-Index back instead"});
    return;
  }
  auto tag = field_of(*told, "ETag");
  if (!there || !replicant::matches_etag(asks.if_match, tag)) {
    auto stale = replicant::explain(replicant::refusal::stale,
                                    decision_.copies->found->meta);
    refuse_change(std::move(stale.why), stale.status);
    return;
  }
  auto seen = decision_.copies->found->done;
  if (asks.if_match != "*")
    asks.read_at = std::min(asks.read_at.value_or(seen), seen);
  gather_change();
}

// -- after -------------------------------------------------------------------

/// What the application said is no longer at hand: what it would say of the
/// resource now is asked for.
void exchange::answer_settled(const ports::write_answer& x) {
  const auto& copies = *decision_.copies;
  auto does = in_->method == "DELETE" ? replicant::change::remove
              : copies.found          ? replicant::change::replace
                                      : replicant::change::create;
  auto status = x.how.status != 0 ? x.how.status : usual_status(does);
  if (status >= 400) {
    refuse_change({errc::conflict,
                   "the application refused it with " + std::to_string(status)
                     + "; its answer is no longer at hand",
                   "", "replicate", ""},
                  status);
    return;
  }
  replicated_->settled_as = status;
  std::optional<std::string> target;
  if (does == replicant::change::create && !replicated_->read_target.empty())
    target = replicated_->read_target;
  else if (does == replicant::change::create)
    target = replicant::read_target(copies.match, x.how.local_id);
  else if (is_read(*decision_.service, seen_target()))
    target = std::string{seen_target()};
  if (target && does == replicant::change::create)
    replicated_->fields.push_back({"Location", *target});
  if (!target || does == replicant::change::remove) {
    answer_whole({status, {}, {}, {}});
    return;
  }
  ask_backend(std::move(*target), [](void* self, auto told) {
    static_cast<exchange*>(self)->on_settled_read(told);
  });
}

void exchange::on_settled_read(const result<traffic::small_answer>& told) {
  ref<session> hold{&s_};
  auto call = std::move(aside_); // It may be what calls.
  problem out;
  out.status = replicated_->settled_as;
  if (told && told->status == 200) {
    out.type = field_of(*told, "Content-Type");
    out.body = told->body;
    if (auto tag = field_of(*told, "ETag"); !tag.empty())
      out.fields.emplace_back("ETag", tag);
  }
  answer_whole(std::move(out));
}

} // namespace cheops::http
