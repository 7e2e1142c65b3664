#include "glue/openstack/memory.hpp"

#include "glue/openstack/catalogue.hpp"
#include "glue/openstack/head.hpp"

#include <algorithm>

namespace cheops::glue::openstack {

namespace {

using traffic::clock;

/// A failure is kept only so long that one request can be told of it, and
/// that a storm of requests is not one of questions.
constexpr std::chrono::seconds failure_kept{1};
constexpr std::size_t base_bytes_max = 64;

constexpr char credential_memo = 'c';
constexpr char validation_memo = 'v';

std::string pair_of(std::string_view issuer, std::string_view bare) {
  return std::string{issuer} + "\n" + std::string{bare};
}

/// Until when what is known of a token may be used: within the bound, and
/// not beyond its own life.
clock::time_point good_until(const identity& x, const site::config& config,
                             const traffic::moment& now) {
  auto left = std::chrono::duration_cast<clock::duration>(x.expires - now.wall);
  return now.steady + std::min<clock::duration>(left, config.times.validation);
}

/// Takes what a Keystone told of a token; until when it may be used.
/// `expired`: the status of a token whose life is over by the time it is read.
clock::time_point form(opinion& out, const result<traffic::small_answer>& told,
                       unsigned expired, const site::config& config,
                       const traffic::moment& now) {
  auto failure_until = now.steady + failure_kept;
  if (!told) {
    out.why = told.error();
    return failure_until;
  }
  out.status = told->status;
  if (out.status != 200)
    return failure_until;
  auto who = read_identity(told->body);
  if (!who) {
    out.status = 0;
    out.why = who.error();
    return failure_until;
  }
  out.who = std::move(*who);
  auto until = good_until(out.who, config, now);
  if (until > now.steady)
    return until;
  out.status = expired;
  return failure_until;
}

} // namespace

memory::memory(const site::limits& most, marker marks)
  : marks_(std::move(marks)),
    credentials_(most.tokens),
    validations_(most.tokens),
    causes_(most.tokens),
    servers_(most.scoped_resources) {}

// -- tokens ------------------------------------------------------------------

std::shared_ptr<const credential> memory::who_is(std::string_view bare,
                                                 clock::time_point now) {
  return credentials_.find(marks_.key_of(bare), now).value_or(nullptr);
}

std::shared_ptr<const validation> memory::valid(std::string_view bare,
                                                std::string_view issuer,
                                                clock::time_point now) {
  return validations_.find(marks_.key_of(pair_of(issuer, bare)), now)
    .value_or(nullptr);
}

/// A token may always ask about itself, so no credential of ours is needed.
traffic::aside memory::about_credential(std::string_view bare,
                                        std::string_view base,
                                        const site_id& here,
                                        const service_id& keystone) {
  std::string token{bare};
  return {
    here,
    keystone,
    std::string{base} + "/v3/auth/tokens",
    {{std::string{auth_field}, token}, {std::string{subject_field}, token}},
    credential_memo + marks_.key_of(bare)};
}

traffic::aside memory::about_foreign(std::string_view bare,
                                     std::string_view base,
                                     const site_id& issuer,
                                     const service_id& keystone) {
  std::string token{bare};
  return {
    issuer,
    keystone,
    std::string{base} + "/v3/auth/tokens?nocatalog",
    {{std::string{auth_field}, token}, {std::string{subject_field}, token}},
    validation_memo + marks_.key_of(pair_of(issuer.value, bare))};
}

void memory::learn(const traffic::aside& asked,
                   const result<traffic::small_answer>& told,
                   const site::config& config, const traffic::moment& now) {
  auto key = asked.memo.substr(1);
  if (asked.memo.front() == credential_memo)
    learn_credential(key, told, config, now);
  else
    learn_validation(key, told, config, now);
}

void memory::learn_credential(const std::string& key,
                              const result<traffic::small_answer>& told,
                              const site::config& config,
                              const traffic::moment& now) {
  auto out = std::make_shared<credential>();
  auto until = form(*out, told, 401, config, now);
  if (out->status == 200 && may_validate(out->who, config)) {
    auto all = read_catalogue(told->body);
    out->catalogue = all ? std::move(*all) : "[]";
    std::lock_guard lock{guard_};
    last_service_ = out;
  }
  credentials_.put(key, std::move(out), until);
}

void memory::learn_validation(const std::string& key,
                              const result<traffic::small_answer>& told,
                              const site::config& config,
                              const traffic::moment& now) {
  auto out = std::make_shared<validation>();
  auto until = form(*out, told, 404, config, now);
  if (out->status == 200)
    out->body = told->body;
  validations_.put(key, std::move(out), until);
}

// -- causes ------------------------------------------------------------------

void memory::blame(std::string_view bare, const error& why,
                   clock::time_point until) {
  causes_.put(marks_.key_of(bare), why, until);
}

void memory::forgive(std::string_view bare) {
  if (!causes_.empty())
    causes_.forget(marks_.key_of(bare));
}

std::optional<error> memory::cause(std::string_view bare,
                                   clock::time_point now) {
  if (causes_.empty())
    return std::nullopt;
  return causes_.find(marks_.key_of(bare), now);
}

// -- servers -----------------------------------------------------------------

void memory::keep(std::string_view server, std::string scope,
                  clock::time_point until) {
  servers_.put(std::string{server}, std::move(scope), until);
}

std::string memory::kept(std::string_view server, clock::time_point now,
                         clock::time_point until) {
  if (server.empty() || servers_.empty())
    return {};
  return servers_.find(std::string{server}, now, until).value_or("");
}

// -- this site's Keystone ----------------------------------------------------

void memory::base(std::string_view x) {
  if (x.size() > base_bytes_max)
    return;
  std::lock_guard lock{guard_};
  base_ = x;
}

std::optional<std::string> memory::base() const {
  std::lock_guard lock{guard_};
  return base_;
}

std::string memory::catalogue(const credential* asker,
                              std::string_view project) const {
  std::shared_ptr<const credential> last;
  if (asker == nullptr || asker->catalogue.empty()) {
    std::lock_guard lock{guard_};
    last = last_service_;
    asker = last.get();
  }
  if (asker == nullptr)
    return "[]";
  return for_project(asker->catalogue, asker->who.project, project);
}

} // namespace cheops::glue::openstack
