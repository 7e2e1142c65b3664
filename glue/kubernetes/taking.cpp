#include "glue/kubernetes/taking.hpp"

#include "cheops/names.hpp"
#include "cheops/percent.hpp"
#include "cheops/traffic/copies.hpp"
#include "glue/kubernetes/asking.hpp"
#include "glue/kubernetes/body.hpp"
#include "glue/kubernetes/rules.hpp"

#include <algorithm>
#include <array>

namespace cheops::glue::kubernetes {

using namespace traffic;
using replicant::change;
using replicant::settling;

namespace {

/// The API server gives a request up after 60 s.
constexpr std::uint32_t settles_after_ms = 90'000;
constexpr std::uint16_t stale_status = 409;

/// What the node's own questions are answered with: the least there is.
constexpr std::string_view short_answer =
  "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"
  "application/json";

constexpr std::string_view short_list =
  "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,"
  "application/json";

/// So many fit into an answer that is looked at.
constexpr unsigned page_lines = 100;

constexpr std::array<std::string_view, 1> not_logged{"dryRun"};

/// The user's own: what the API server needs to know who asks.
std::vector<header> credentials_of(const request_view& in) {
  std::vector<header> out;
  for (const auto& f : in.fields)
    if (same_name(f.name, "Authorization") || is_impersonation(f.name))
      out.push_back({std::string{f.name}, std::string{f.value}});
  return out;
}

/// What a client is shown of an answer to a question of the node's.
small_answer as_answer(const small_answer& told) {
  small_answer out{told.status, {}, told.body};
  for (const auto& f : told.fields)
    for (auto name : {"Content-Type", "Retry-After", "Warning"})
      if (same_name(f.name, name))
        out.fields.push_back(f);
  return out;
}

error failure(errc code, std::string what, std::string hint = {}) {
  return {code, std::move(what), {}, "take in the request", std::move(hint)};
}

class taker final : public taking {
public:
  taker(to_take what, std::shared_ptr<users> known)
    : q_(std::move(what)), known_(std::move(known)) {}

  step begin(const surroundings& around) override {
    if (auto bad = read())
      return std::move(*bad);
    if (is_.does == object_verb::remove_collection)
      return ask_many(around, {});
    return now_ == phase::pass ? pass(around) : ask_who(around);
  }

  step told(const result<small_answer>& what,
            const surroundings& around) override;

private:
  enum class phase { many, who, may_be, dry_run, look, pass };

  std::optional<step> read();
  std::optional<step> read_body();
  step ask_many(const surroundings& around, const std::string& next);
  step told_many(const small_answer& what, const surroundings& around);
  step pass(const surroundings& around);
  step ask_who(const surroundings& around);
  step told_who(const small_answer& what, const surroundings& around);
  step become(const surroundings& around);
  step ask_may_be(const surroundings& around);
  step told_may_be(const small_answer& what, const surroundings& around);
  step accept(const surroundings& around);
  step ask_dry_run(const surroundings& around);
  step told_dry_run(const small_answer& what, const surroundings& around);
  step look_for_needed(const surroundings& around);
  step ask_needed(const surroundings& around);
  void told_needed(const result<small_answer>& what);
  step make() const;
  void fill(replicant::operation& op) const;
  void depend(replicant::taken& out) const;

  bool creates() const { return !q_.about.found; }
  const object_name& object() const { return is_.object; }
  aside as_user(const site_id& at, std::string target) const;

  to_take q_;
  std::shared_ptr<users> known_;
  object_request is_;
  std::string content_type_;
  object_body body_; ///< With its name, before anything is taken out.
  bool has_body_ = false;
  bool rests_on_read_ = false; ///< The user said what it read.
  phase now_ = phase::who;
  std::shared_ptr<const principal> user_; ///< Whose token it is.
  principal who_;                         ///< In whose name it is done.
  std::vector<claim> claims_;             ///< Still to be asked for.
  struct question {
    site_id at;
    needed what;
  };
  std::vector<question> questions_;  ///< Of what the object needs.
  std::vector<std::string> missing_; ///< Or, of many, what is not to go.
};

// -- what it is --------------------------------------------------------------

std::optional<taking::step> taker::read() {
  auto is = read_path(q_.in.method, q_.target);
  if (!is)
    return failure(errc::bad_request, "the path names no object");
  is_ = std::move(*is);
  content_type_ = q_.in.get("Content-Type");
  auto coding = q_.in.get("Content-Encoding");
  if (!coding.empty() && !same_name(coding, "identity"))
    return failure(errc::bad_request,
                   "the body of a change on several sites must not be coded");
  has_body_ = !q_.body.empty();
  if (has_body_) {
    auto body = object_body::read(q_.body, content_type_);
    if (!body)
      return body.error();
    body_ = std::move(*body);
  }
  return read_body();
}

std::optional<taking::step> taker::read_body() {
  if (is_.does == object_verb::remove) {
    if (body_.has(at::dry_run))
      now_ = phase::pass; // It is for this site's server alone.
    rests_on_read_ = body_.text_at(at::precondition_uid)
                     || body_.text_at(at::precondition_version);
    return std::nullopt;
  }
  for (const auto* x : {&at::resource_version, &at::uid}) {
    auto said =
      body_.is_json_patch() ? body_.patched_text(*x) : body_.text_at(*x);
    rests_on_read_ = rests_on_read_ || (said && *said != "0");
  }
  if (!creates())
    return std::nullopt;
  if (auto why = why_never(body_, object()); !why.empty())
    return failure(errc::bad_request, why, "make it at one site");
  if (!object().name.empty())
    return std::nullopt; // The path of an apply says it.
  if (auto name = body_.text_at(at::name)) {
    is_.object.name = *name;
  } else if (auto start = body_.text_at(at::generate_name)) {
    constexpr std::size_t start_bytes_max = 58; // As the API server has it.
    is_.object.name = start->substr(0, start_bytes_max) + known_->suffix();
    body_.set_text(at::name, object().name);
  }
  return std::nullopt;
}

// -- at this site alone ------------------------------------------------------

taking::step taker::pass(const surroundings& around) {
  now_ = phase::pass;
  auto out = as_user(around.config->name, std::string{q_.target});
  if (auto accept = q_.in.get("Accept"); !accept.empty())
    out.fields.push_back({"Accept", std::string{accept}});
  out.body = q_.body;
  return out;
}

/// Which objects a removal of many is about, a page at a time.
taking::step taker::ask_many(const surroundings& around,
                             const std::string& next) {
  now_ = phase::many;
  constexpr std::array<std::string_view, 3> ours{"limit", "continue", "watch"};
  auto target = without_query(q_.target, ours);
  target += target.find('?') == std::string::npos ? '?' : '&';
  target += "limit=" + std::to_string(page_lines);
  if (!next.empty())
    target += "&continue=" + percent_encoded(next);
  auto out = as_user(around.config->name, std::move(target));
  out.method = "GET";
  out.fields.push_back({"Accept", std::string{short_list}});
  return out;
}

/// To remove many at once means this site; what several have is not removed
/// at one of them.
taking::step taker::told_many(const small_answer& what,
                              const surroundings& around) {
  if (what.status / 100 != 2)
    return as_answer(what);
  auto page = read_list(what.body);
  if (!page)
    return page.error();
  for (auto& [ns, name] : page->names) {
    object_name x{object().group, ns, object().resource, name};
    if (q_.at.by_id && q_.at.by_id(q_.of.name, object_kind, to_local_id(x)))
      missing_.push_back(name);
  }
  if (!missing_.empty())
    return failure(errc::not_built,
                   "some of these " + object().resource
                     + " are at several sites, such as \"" + missing_.front()
                     + "\", and many at once are removed at one site only",
                   "remove them one by one (kubectl delete --all does)");
  return page->next.empty() ? pass(around) : ask_many(around, page->next);
}

// -- who asks ----------------------------------------------------------------

taking::step taker::told(const result<small_answer>& what,
                         const surroundings& around) {
  if (now_ == phase::look) {
    told_needed(what);
    return ask_needed(around);
  }
  if (!what)
    return what.error();
  switch (now_) {
  case phase::many:
    return told_many(*what, around);
  case phase::who:
    return told_who(*what, around);
  case phase::may_be:
    return told_may_be(*what, around);
  case phase::dry_run:
    return told_dry_run(*what, around);
  default:
    return as_answer(*what);
  }
}

taking::step taker::ask_who(const surroundings& around) {
  auto token = bearer_of(q_.in);
  if (token.empty())
    return status_of(401, "Unauthorized",
                     "a change on several sites is made in its user's name, "
                     "and the request has no bearer token that says who that "
                     "is");
  user_ = known_->find(token, around.now.steady);
  if (user_)
    return become(around);
  return token_review(token, around.config->name, q_.of.name);
}

taking::step taker::told_who(const small_answer& what,
                             const surroundings& around) {
  auto who = read_review(what);
  if (!who)
    return who.error();
  if (!*who)
    return status_of(401, "Unauthorized",
                     "the API server of " + around.config->name.value
                       + " does not know the token");
  user_ = std::make_shared<principal>(std::move(**who));
  auto kept = std::min<std::chrono::milliseconds>(
    user_kept, around.config->times.validation);
  known_->put(bearer_of(q_.in), user_, around.now.steady + kept);
  return become(around);
}

taking::step taker::become(const surroundings& around) {
  who_ = *user_;
  auto other = impersonated(q_.in);
  if (!other)
    return other.error();
  if (!*other)
    return accept(around);
  who_ = std::move(**other);
  claims_ = claims_of(who_);
  now_ = phase::may_be;
  return ask_may_be(around);
}

taking::step taker::ask_may_be(const surroundings& around) {
  if (claims_.empty())
    return accept(around);
  return access_review(*user_, claims_.back(), around.config->name, q_.of.name);
}

taking::step taker::told_may_be(const small_answer& what,
                                const surroundings& around) {
  auto may = read_access(what);
  if (!may)
    return may.error();
  const auto& x = claims_.back();
  if (!*may)
    return status_of(403, "Forbidden",
                     x.resource + " \"" + x.name + "\" is forbidden: User \""
                       + user_->user + "\" cannot impersonate resource \""
                       + x.resource + "\" at " + around.config->name.value);
  claims_.pop_back();
  return ask_may_be(around);
}

/// The names of one cluster's own users and groups mean others at another
/// one: each site says whose count there, and the log is for what all take.
taking::step taker::accept(const surroundings& around) {
  auto refusal = [&](const site_id& from) -> std::optional<error> {
    auto name = untrusted_name(who_, site::trust_of(*around.config, from));
    if (name.empty())
      return std::nullopt;
    return failure(errc::forbidden,
                   "\"" + name + "\" does not count between "
                     + around.config->name.value + " and " + from.value,
                   "the operator of each decides: trust.roles, in its "
                   "configuration");
  };
  if (!q_.peer.empty())
    if (auto why = refusal(q_.peer))
      return std::move(*why);
  for (const auto& site : q_.about.sites)
    if (site != around.config->name)
      if (auto why = refusal(site))
        return std::move(*why);
  auto text = to_json(who_);
  if (text.size() > replicant::principal_bytes_max)
    return failure(errc::too_large,
                   "what is known of the user is over "
                     + std::to_string(replicant::principal_bytes_max)
                     + " bytes");
  if (auto fields = impersonation_fields(who_); !fields)
    return fields.error();
  return ask_dry_run(around);
}

// -- what the application would say ------------------------------------------

aside taker::as_user(const site_id& at, std::string target) const {
  aside out;
  out.site = at;
  out.service = q_.of.name;
  out.target = std::move(target);
  out.fields = credentials_of(q_.in);
  out.method = q_.in.method;
  if (!content_type_.empty())
    out.fields.push_back({"Content-Type", content_type_});
  return out;
}

/// With the user's own credential. A precondition is judged with it: where it
/// holds, the object was read no later than the copy's index of now says.
taking::step taker::ask_dry_run(const surroundings& around) {
  now_ = phase::dry_run;
  std::string target{q_.target};
  target += target.find('?') == std::string::npos ? '?' : '&';
  auto out = as_user(around.config->name, target + "dryRun=All");
  out.fields.push_back({"Accept", std::string{short_answer}});
  if (is_.does == object_verb::remove && has_body_) {
    // Where there is a body, options in the query do not count.
    auto body = body_;
    body.set_only(at::dry_run, "All");
    out.body = body.text();
  } else if (has_body_) {
    out.body = body_.text();
  }
  return out;
}

taking::step taker::told_dry_run(const small_answer& what,
                                 const surroundings& around) {
  // What has gone here behind our back is still to be removed elsewhere.
  auto gone = is_.does == object_verb::remove && what.status == 404;
  if (what.status >= 300 && !gone)
    return as_answer(what);
  if (!creates())
    return make();
  if (object().name.empty())
    return failure(errc::bad_request,
                   "an object on several sites is known by its name, and this "
                   "one has none",
                   "give it a name");
  if (is_.does == object_verb::patch && what.status == 200)
    return failure(errc::bad_request,
                   object().resource + " \"" + object().name + "\" is at "
                     + around.config->name.value
                     + " already, and at this site alone",
                   "leave the scope out to change it here");
  return look_for_needed(around);
}

// -- what it needs elsewhere -------------------------------------------------

/// What is replicated itself is waited for; the rest must be there. What no
/// answer is had of, is not known to be missing.
taking::step taker::look_for_needed(const surroundings& around) {
  for (const auto& x : needed_by(body_, object())) {
    if (q_.at.by_name && q_.at.by_name(natural_key_of(q_.of.name, x.object)))
      continue;
    for (const auto& site : q_.about.sites)
      questions_.push_back({site, x});
  }
  std::ranges::reverse(questions_);
  now_ = phase::look;
  return ask_needed(around);
}

taking::step taker::ask_needed(const surroundings&) {
  if (questions_.empty()) {
    if (missing_.empty())
      return make();
    std::string all;
    for (const auto& x : missing_)
      all += (all.empty() ? "" : "; ") + x;
    return status_of(422, "Invalid",
                     object().resource + " \"" + object().name
                       + "\" was made nowhere: " + all,
                     missing_);
  }
  const auto& x = questions_.back();
  aside out;
  out.site = x.at;
  out.service = q_.of.name;
  out.target = path_of(x.what.version, x.what.object);
  out.fields = credentials_of(q_.in);
  out.fields.push_back({"Accept", std::string{short_answer}});
  return out;
}

void taker::told_needed(const result<small_answer>& what) {
  const auto& x = questions_.back();
  if (what && what->status == 404)
    missing_.push_back(x.what.object.resource + " \"" + x.what.object.name
                       + "\" is missing at " + x.at.value);
  questions_.pop_back();
}

// -- the operation -----------------------------------------------------------

taking::step taker::make() const {
  replicant::taken out;
  auto& op = out.what;
  op.service = q_.of.name;
  op.kind = object_kind;
  op.principal = to_json(who_);
  op.read_at = q_.asks.read_at;
  if (rests_on_read_ && q_.about.found) {
    auto seen = q_.about.found->done;
    op.read_at = std::min(op.read_at.value_or(seen), seen);
  }
  op.stale_status = stale_status;
  op.settles_after_ms = settles_after_ms;
  op.on_refusal = replicant::refusal_rule::keep;
  fill(op);
  if (creates()) {
    out.key = natural_key_of(q_.of.name, object());
    out.read_target = path_of(is_.version, object());
    depend(out);
  }
  auto bytes = op.what.target.size() + op.what.body.size();
  if (bytes > q_.entry_bytes_max)
    return failure(errc::too_large,
                   "the request (" + std::to_string(bytes)
                     + " bytes) is over limits.entry_bytes ("
                     + std::to_string(q_.entry_bytes_max) + ")",
                   "what is replicated is kept by every site");
  return out;
}

void taker::fill(replicant::operation& op) const {
  op.what.method = q_.in.method;
  op.what.target = without_query(q_.target, not_logged);
  for (auto name : {"Accept", "Content-Type"})
    if (auto value = q_.in.get(name); !value.empty())
      op.what.fields.push_back({name, std::string{value}});
  if (has_body_) {
    auto body = body_;
    if (is_.does == object_verb::remove)
      body.remove(at::preconditions);
    else
      remove_local(body, object(), is_.does);
    op.what.body = body.text();
  }
  auto apply = is_apply(q_.in, is_);
  auto again = is_.does == object_verb::replace
               || is_.does == object_verb::remove || apply;
  op.settle = again ? settling::repeat : settling::none;
  if (creates()) {
    op.does = change::create;
    if (apply)
      return;
    op.settle = settling::probe;
    replicant::templated probe;
    probe.method = "GET";
    probe.target = path_of(is_.version, object());
    probe.fields = {{"Accept", "application/json"}};
    op.probe = std::move(probe);
  } else if (is_.does == object_verb::remove) {
    op.does = change::remove;
  } else if (is_.does == object_verb::replace && is_.subresource.empty()) {
    op.does = change::replace;
  } else {
    op.does = change::patch;
  }
}

/// A pod never runs before its namespace.
void taker::depend(replicant::taken& out) const {
  if (!q_.at.by_name)
    return;
  for (const auto& x : needed_by(body_, object()))
    if (auto found = q_.at.by_name(natural_key_of(q_.of.name, x.object))) {
      out.what.after.push_back({found->meta, found->done});
      out.by_name.push_back(found->meta);
    }
}

} // namespace

// -- users -------------------------------------------------------------------

std::shared_ptr<const principal> users::find(std::string_view token,
                                             clock::time_point now) {
  return known_.find(digest_(token), now).value_or(nullptr);
}

void users::put(std::string_view token, std::shared_ptr<const principal> who,
                clock::time_point until) {
  known_.put(digest_(token), std::move(who), until);
}

std::string users::suffix() {
  constexpr std::string_view letters = "bcdfghjklmnpqrstvwxz2456789";
  constexpr std::size_t length = 5;
  auto random = digest_("name " + std::to_string(names_.fetch_add(1)));
  std::string out;
  for (std::size_t i = 0; i < length; ++i)
    out += letters[static_cast<unsigned char>(random[i]) % letters.size()];
  return out;
}

bool is_apply(const request_view& in, const object_request& is) {
  auto type = in.get("Content-Type");
  return is.does == object_verb::patch && is.subresource.empty()
         && begins_with_name(type, "application/apply-patch+yaml");
}

std::unique_ptr<taking> make_taking(to_take what,
                                    std::shared_ptr<users> known) {
  return std::make_unique<taker>(std::move(what), std::move(known));
}

} // namespace cheops::glue::kubernetes
