#include "glue/openstack/adapter.hpp"

#include "cheops/traffic/carriers.hpp"
#include "cheops/traffic/decide.hpp"
#include "glue/openstack/answers.hpp"
#include "glue/openstack/fit.hpp"
#include "glue/openstack/head.hpp"
#include "glue/openstack/memory.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace cheops::glue::openstack {

namespace {

using namespace traffic;

/// How long the cause of a refusal is told for a token. Services keep an
/// invalid one for minutes and do not ask again.
constexpr std::chrono::minutes cause_kept{10};

/// Marks end at round times, so that one token has one text for a while:
/// services keep what they know of a token by its text.
std::uint64_t mark_expiry(clock::time_point now,
                          std::chrono::milliseconds good) {
  using std::chrono::duration_cast;
  using std::chrono::seconds;
  auto step =
    std::max<std::int64_t>(1, duration_cast<seconds>(good).count() / 2);
  auto at = duration_cast<seconds>(now.time_since_epoch()).count();
  return static_cast<std::uint64_t>((at / step + 2) * step);
}

std::uint64_t seconds_of(clock::time_point now) {
  return static_cast<std::uint64_t>(
    std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch())
      .count());
}

std::uint64_t owner_of(std::string_view bare, const correlation& ids) {
  marks x;
  x.auth_token = bare;
  return credential_digest(x, {}, ids.secret());
}

/// What the services' middleware and the clients read.
small_answer reply(unsigned status, std::string_view title,
                   std::string_view what) {
  boost::json::object inner;
  inner["code"] = status;
  inner["message"] = what;
  inner["title"] = title;
  boost::json::object out;
  out["error"] = std::move(inner);
  small_answer x{status, {{"Content-Type", "application/json"}}, {}};
  x.body = boost::json::serialize(out);
  return x;
}

/// One request, and what it is looked at with.
struct question {
  const request_view& in;
  const caller& from;
  const application::service& of;
  const surroundings& around;
  seen has;
  token auth;
  std::string target; ///< Without the prefix of a scope.
};

class openstack final : public adapter {
public:
  openstack(std::shared_ptr<const application::description> app,
            const site::limits& most, keyed_digest digest)
    : app_(std::move(app)),
      known_(std::make_shared<memory>(most, marker{std::move(digest)})),
      identity_(app_->find("identity")),
      compute_(app_->find("compute")),
      network_(app_->find("network")),
      placement_(app_->find("placement")) {}

  reading read(const request_view& in, const caller& from,
               const application::service& of,
               const surroundings& around) override;
  void learn(const aside& asked, const result<small_answer>& told,
             const surroundings& around) override {
    known_->learn(asked, told, *around.config, around.now);
  }
  result<void> check(const scope::tree& scope, const scope::question& ask,
                     const std::vector<site_id>& sites,
                     const site::config& config) const override;
  void shape(decision& out, const request_view& in, const caller& from,
             const reading& found, const surroundings& around) override;

private:
  // -- the fronts ------------------------------------------------------------
  reading at_peer_front(question& q);
  reading at_keystone(question& q);
  reading at_service(question& q);

  // -- parts -----------------------------------------------------------------
  result<void> verify(const token& x, const question& q) const;
  void strip(reading& out, const question& q, const token& subject) const;
  result<site_id> issuer_for(const question& q) const;
  void find_server(reading& out, const question& q);
  void correlate(reading& out, const question& q);
  reading validate_foreign(const question& q, const token& subject);
  reading judged(const question& q, const token& subject,
                 const credential* asker, const validation& seen);
  reading not_accepted(const question& q, const token& subject, unsigned status,
                       error why);
  void add_scope(decision& out, const request_view& in,
                 const surroundings& around) const;
  void keystone_tasks(answer_tasks& what, const decision& out,
                      const request_view& in, const seen& has) const;
  void keep_at_front(answer_tasks& what, const decision& out,
                     const request_view& in) const;

  std::shared_ptr<const application::description> app_;
  std::shared_ptr<memory> known_;
  const application::service* identity_;
  const application::service* compute_;   ///< Null: there is none.
  const application::service* network_;   ///< The same.
  const application::service* placement_; ///< The same.
};

reading ended(error why) {
  reading out;
  out.then = std::move(why);
  return out;
}

reading ended(small_answer what) {
  reading out;
  out.then = std::move(what);
  return out;
}

reading ended(aside what) {
  reading out;
  out.then = std::move(what);
  return out;
}

// -- reading -----------------------------------------------------------------

reading openstack::read(const request_view& in, const caller& from,
                        const application::service& of,
                        const surroundings& around) {
  question q{in, from, of, around, look(in), {}, {}};
  if (q.has.twice)
    return ended(error{errc::bad_request,
                       "the request has a token, or a request id, twice", "",
                       "read the request", "send each field once"});
  auto auth = read_token(q.has.auth);
  if (!auth)
    return ended(auth.error());
  q.auth = std::move(*auth);
  if (!from.peer.empty())
    return at_peer_front(q);
  if (q.auth.marked())
    if (auto ours = verify(q.auth, q); !ours)
      return ended(ours.error());
  return &of == identity_ ? at_keystone(q) : at_service(q);
}

result<void> openstack::verify(const token& x, const question& q) const {
  return known_->marks().verify(x, seconds_of(q.around.now.steady));
}

/// Keystone knows bare tokens only; to a Keystone elsewhere a scope may go on,
/// it is taken off there.
void openstack::strip(reading& out, const question& q,
                      const token& subject) const {
  auto both = [&](std::string_view name, std::string_view text,
                  const token& x) {
    if (text.size() != x.bare.size())
      out.for_local.set.push_back({std::string{name}, std::string{x.bare}});
    if (text.size() != x.plain.size())
      out.for_peer.set.push_back({std::string{name}, std::string{x.plain}});
  };
  both(auth_field, q.has.auth, q.auth);
  both(subject_field, q.has.subject, subject);
  if (q.target.find('!') != q.target.npos
      || q.target.find("%21") != q.target.npos)
    if (auto bare = bare_path(q.target); bare != q.target)
      out.for_local.target = std::move(bare);
}

// -- the peer front ----------------------------------------------------------

/// Who issued the token: the peer, or whom it names for one that it was
/// brought itself. That one will be asked, so a lie gains nothing.
result<site_id> openstack::issuer_for(const question& q) const {
  const auto& config = *q.around.config;
  auto named = q.in.get(issuer_field);
  auto issuer = named.empty() ? q.from.peer : site_id{std::string{named}};
  if (issuer == config.name)
    return issuer; // Our own comes home.
  if (q.around.mesh.find(issuer) == nullptr)
    return error{errc::forbidden,
                 "the token is said to be of a site that is not known here: "
                   + issuer.value,
                 "", "read the token", ""};
  if (!site::may_bring(config, q.from.peer, issuer))
    return error{errc::forbidden,
                 "tokens that " + issuer.value + " issued are not accepted"
                   + (issuer == q.from.peer ? std::string{}
                                            : " from " + q.from.peer.value),
                 "", "read the token",
                 "the operator of " + config.name.value
                   + " decides: trust, in its configuration"};
  return issuer;
}

reading openstack::at_peer_front(question& q) {
  reading out;
  if (q.has.has_service)
    out.for_local.drop.emplace_back(service_field);
  auto subject = read_token(q.has.subject);
  if (!subject)
    return ended(subject.error());
  if (q.auth.marked() || subject->marked())
    return ended(error{errc::bad_request,
                       "the peer sent a token with a mark; marks are good at "
                       "one site only",
                       "", "peer front", "the peer runs another version"});
  q.target = q.in.target;
  if (&q.of == identity_) {
    strip(out, q, *subject);
    // The peer may have Keystone below another base.
    if (auto theirs = base_of_tokens(q.target); theirs.data() != nullptr)
      if (auto ours = known_->base(); ours && *ours != theirs)
        out.for_local.target = *ours + q.target.substr(theirs.size());
    return out;
  }
  if (!q.auth.bare.empty()) {
    auto issuer = issuer_for(q);
    if (!issuer)
      return ended(issuer.error());
    if (*issuer != q.around.config->name) {
      const auto& config = *q.around.config;
      auto until = mark_expiry(q.around.now.steady, config.times.token_mark);
      out.for_local.set.push_back(
        {std::string{auth_field},
         known_->marks().mark(q.auth.plain, issuer->value, until)});
    }
  }
  out.id_field = id_field;
  out.id_prefix = "req-";
  out.id = q.has.id;
  out.owner = owner_of(q.auth.bare, q.around.ids);
  find_server(out, q);
  return out;
}

// -- user fronts -------------------------------------------------------------

reading openstack::at_service(question& q) {
  reading out;
  q.target = q.in.target;
  out.scope = q.auth.scope;
  if (q.has.has_service)
    out.for_peer.drop.emplace_back(service_field);
  if (q.auth.marked()) {
    out.for_peer.set = {{std::string{auth_field}, std::string{q.auth.plain}},
                        {std::string{issuer_field}, q.auth.issuer}};
  }
  out.id_field = id_field;
  out.id_prefix = "req-";
  out.id = q.has.id;
  out.owner = owner_of(q.auth.bare, q.around.ids);
  find_server(out, q);
  if (!out.id.empty())
    correlate(out, q);
  return out;
}

/// A server that was made with a scope keeps it: in later requests about it,
/// and in what Nova asks of its ports.
void openstack::find_server(reading& out, const question& q) {
  std::string_view id;
  if (&q.of == compute_)
    id = server_of(q.target);
  else if (&q.of == network_)
    id = device_of(q.target);
  if (id.empty())
    return;
  auto now = q.around.now.steady;
  out.kept =
    known_->kept(id, now, now + q.around.config->times.scoped_resource);
  out.resource = id;
}

/// Whether the request belongs to the scoped one that has its id.
void openstack::correlate(reading& out, const question& q) {
  auto now = q.around.now.steady;
  auto live = q.around.ids.find({std::string{out.id}, 0}, now);
  if (!live)
    return;
  if (!live->resource.empty() && !out.resource.empty()
      && live->resource != out.resource) {
    // A service's round of all its servers has one id: each goes its way.
    out.id_field = {};
    return;
  }
  if (out.owner != 0 && out.owner != live->owner) {
    auto who = known_->who_is(q.auth.bare, now);
    if (!who) {
      out.then =
        known_->about_credential(q.auth.bare, known_->base().value_or(""),
                                 q.around.config->name, identity_->name);
      return;
    }
    if (who->status == 0) {
      auto why = who->why;
      why.step = "ask Keystone whose token it is";
      out.then = std::move(why);
      return;
    }
    if (who->status != 200 || !is_service(who->who, *q.around.config)) {
      out.then =
        error{errc::forbidden,
              "the request id " + std::string{out.id}
                + " belongs to another user's request",
              "", "correlate", "send a fresh id, or none: the node sets one"};
      return;
    }
  }
  out.live = std::move(live);
}

reading openstack::at_keystone(question& q) {
  reading out;
  auto subject = read_token(q.has.subject);
  if (!subject)
    return ended(subject.error());
  q.target = q.in.target;
  if (app_->carry.prefix)
    if (auto cut = take_prefix(q.in.target); cut && *cut)
      q.target = (*cut)->target;
  if (subject->marked())
    if (auto ours = verify(*subject, q); !ours)
      return ended(ours.error());
  if (subject->marked() || q.auth.marked()) {
    auto asks = (q.in.method == "GET" || q.in.method == "HEAD")
                && subject->marked()
                && base_of_tokens(q.target).data() != nullptr;
    auto asks_of_itself = asks && q.auth.bare == subject->bare;
    if (!asks || (q.auth.marked() && !asks_of_itself)) {
      const auto& whose = q.auth.marked() ? q.auth.issuer : subject->issuer;
      return ended(
        error{errc::forbidden,
              "the token was issued by " + whose
                + ": Keystone of this site can only be asked whether it is "
                  "valid",
              "", "read the token", "ask Keystone of " + whose});
    }
    return validate_foreign(q, *subject);
  }
  if (q.has.has_service)
    out.for_peer.drop.emplace_back(service_field);
  strip(out, q, *subject);
  out.scope = q.auth.scope;
  out.is_session = true;
  return out;
}

// -- tokens of other sites ---------------------------------------------------

reading openstack::validate_foreign(const question& q, const token& subject) {
  auto now = q.around.now.steady;
  std::shared_ptr<const credential> asker;
  if (q.auth.bare.empty())
    return ended(reply(401, "Unauthorized", "X-Auth-Token is missing"));
  auto base = base_of_tokens(q.target);
  if (q.auth.bare != subject.bare) {
    asker = known_->who_is(q.auth.bare, now);
    if (!asker)
      return ended(known_->about_credential(
        q.auth.bare, base, q.around.config->name, identity_->name));
    if (asker->status == 0)
      return not_accepted(q, subject, 503, asker->why);
    // A service gets itself a new token and asks again.
    if (asker->status != 200)
      return ended(
        reply(401, "Unauthorized", "the asker's token is not valid"));
    if (!may_validate(asker->who, *q.around.config))
      return ended(reply(403, "Forbidden",
                         "only a service may ask about another's token"));
  }
  auto seen = known_->valid(subject.bare, subject.issuer, now);
  if (!seen)
    return ended(known_->about_foreign(
      subject.bare, base, site_id{subject.issuer}, identity_->name));
  return judged(q, subject, asker.get(), *seen);
}

reading openstack::judged(const question& q, const token& subject,
                          const credential* asker, const validation& seen) {
  const auto& config = *q.around.config;
  site_id issuer{subject.issuer};
  if (seen.status == 0 || seen.status >= 500 || seen.status == 429) {
    error why{errc::unreachable,
              "Keystone of " + issuer.value
                + ", which issued the token, cannot be asked whether it is "
                  "valid: "
                + (seen.status == 0
                     ? seen.why.what
                     : "it answered " + std::to_string(seen.status)),
              issuer.value, "validate a token",
              "wait until the link is up (cheops get links)"};
    return not_accepted(q, subject, 503, std::move(why));
  }
  if (seen.status == 403)
    return not_accepted(
      q, subject, 404,
      {errc::forbidden,
       issuer.value + " does not let " + config.name.value
         + " ask about its tokens",
       issuer.value, "validate a token",
       "its operator decides: peers[].allow has to offer Keystone"});
  if (seen.status != 200)
    return ended(reply(404, "Not Found", "Could not find token."));
  auto roles =
    judge(seen.who, site::trust_of(config, issuer), issuer, config.name);
  if (!roles)
    return not_accepted(q, subject, 404, roles.error());
  auto catalogue = known_->catalogue(asker, seen.who.project);
  auto body = counted_answer(seen.body, *roles, catalogue);
  if (!body)
    return not_accepted(q, subject, 503, body.error());
  known_->forgive(subject.bare);
  small_answer out{200, {{"Content-Type", "application/json"}}, {}};
  out.fields.push_back(
    {std::string{subject_field}, std::string{q.has.subject}});
  out.fields.push_back({"Vary", "X-Auth-Token"});
  out.body = std::move(*body);
  return ended(std::move(out));
}

/// The service that asks is told in Keystone's words; the user, why.
reading openstack::not_accepted(const question& q, const token& subject,
                                unsigned status, error why) {
  known_->blame(subject.bare, why, q.around.now.steady + cause_kept);
  return ended(reply(status,
                     status == 404 ? "Not Found" : "Service Unavailable",
                     to_string(why)));
}

result<void> openstack::check(const scope::tree& scope,
                              const scope::question& ask,
                              const std::vector<site_id>& sites,
                              const site::config& config) const {
  return fit(*app_, {compute_, network_, placement_}, scope, ask, sites,
             config);
}

// -- answers -----------------------------------------------------------------

/// "/scope/…" of a target that has it.
std::string_view prefix_of(std::string_view target) {
  constexpr std::string_view word = "/scope/";
  return target.substr(0, target.find_first_of("/?", word.size()));
}

void openstack::shape(decision& out, const request_view& in, const caller& from,
                      const reading&, const surroundings& around) {
  if (!out.scope.empty()) {
    out.cause_from = 400;
    // Services and the SDK's image client try a 503 again, and again.
    out.unavailable_as = 502;
  }
  auto is_keystone = out.service == identity_ && from.peer.empty();
  // Who all of a session is for another site's services is still a user of
  // this one: a token of that Keystone would be good there alone.
  if (is_keystone && out.what == verdict::run && in.get("Scope").empty()
      && is_bare(out.scope))
    out.candidates = {around.config->name};
  auto target = out.target.empty() ? in.target : std::string_view{out.target};
  auto looks_around = from.peer.empty() && is_discovery(in.method, target);
  // Marked, or marked here: then its head was changed.
  const auto& changed = from.peer.empty() ? out.for_peer : out.for_local;
  auto is_foreign = out.service != identity_ && !changed.set.empty();
  add_scope(out, in, around);
  auto makes = out.service == compute_ && !out.scope.empty()
               && makes_server(in.method, in.target);
  if (!is_keystone && !is_foreign && !makes && !looks_around)
    return;
  auto has = look(in);
  answer_tasks what;
  what.config = around.config;
  what.app = app_;
  what.host = has.host;
  if (is_keystone)
    keystone_tasks(what, out, in, has);
  if (looks_around)
    keep_at_front(what, out, in);
  if (makes && says_more(out.scope, *compute_, *app_))
    what.server_scope = out.scope;
  if (is_foreign)
    if (auto auth = read_token(has.auth))
      what.token = auth->bare;
  if (what.nothing())
    return;
  if (what.wants_body()) {
    out.for_local.drop.emplace_back("Accept-Encoding");
    out.for_peer.drop.emplace_back("Accept-Encoding");
  }
  out.follow = follow(std::move(what), known_);
}

/// What a service here then calls with the user's token brings the scope, too,
/// where its request id is not known any more: after a restart, or later than
/// ids are remembered.
void openstack::add_scope(decision& out, const request_view& in,
                          const surroundings& around) const {
  if (out.what != verdict::run || out.scope.empty() || out.service == identity_
      || out.service->calls.empty()
      || std::ranges::count(out.candidates, around.config->name) == 0)
    return;
  auto& set = out.for_local.set;
  auto marked = std::ranges::find(set, auth_field, &header::name);
  auto text =
    marked == set.end() ? std::string{in.get(auth_field)} : marked->value;
  auto auth = read_token(text);
  if (!auth || auth->bare.empty() || !auth->scope.empty())
    return;
  auto whole = with_scope(auth->bare, out.scope);
  if (!whole)
    return; // The id alone says it, then.
  if (auth->marked())
    *whole = known_->marks().mark(*whole, auth->issuer, auth->expires);
  if (marked == set.end())
    set.push_back({std::string{auth_field}, std::move(*whole)});
  else
    marked->value = std::move(*whole);
}

void openstack::keystone_tasks(answer_tasks& what, const decision& out,
                               const request_view& in, const seen& has) const {
  auto target = out.target.empty() ? in.target : std::string_view{out.target};
  auto base = base_of_tokens(target);
  auto about_tokens = base.data() != nullptr;
  if (about_tokens && known_->base() != base)
    what.base = base;
  what.to_fronts =
    what.config->rewrite_catalogue
    && (about_tokens || path_of(target).ends_with("/auth/catalog"));
  if (about_tokens && in.method == "POST") {
    what.gives_token = true;
    what.scope = out.scope;
  } else if (about_tokens) {
    if (auto subject = read_token(has.subject);
        subject && subject->bare.size() != has.subject.size())
      what.subject = has.subject;
  }
}

/// Clients go on where the links of a root or version lead. They lead to the
/// backend where a service was told its own URL (Keystone's and Glance's
/// public_endpoint).
void openstack::keep_at_front(answer_tasks& what, const decision& out,
                              const request_view& in) const {
  auto target = out.target.empty() ? in.target : std::string_view{out.target};
  if (what.host.empty()
      || application::classify(*out.service, in.method, target).about
           != nullptr)
    return;
  what.front = site::front_of(*what.config, out.service->name);
  if (!out.target.empty())
    what.prefix = prefix_of(in.target);
}

} // namespace

std::string fault_of(const application::description& app) {
  if (app.find("identity") == nullptr)
    return "the adapter openstack needs a service with the name or alias "
           "\"identity\" (Keystone)";
  return {};
}

std::shared_ptr<adapter>
make(std::shared_ptr<const application::description> app,
     const site::config& config, keyed_digest digest) {
  return std::make_shared<openstack>(std::move(app), config.bounds,
                                     std::move(digest));
}

} // namespace cheops::glue::openstack
