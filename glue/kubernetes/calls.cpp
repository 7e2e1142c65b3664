#include "glue/kubernetes/calls.hpp"

#include "cheops/seldom.hpp"
#include "glue/kubernetes/asking.hpp"
#include "glue/kubernetes/body.hpp"
#include "glue/kubernetes/object_name.hpp"
#include "glue/kubernetes/own_fields.hpp"
#include "glue/kubernetes/principal.hpp"

#include <boost/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <set>
#include <utility>

namespace cheops::glue::kubernetes {

namespace json = boost::json;

using replicant::call_end;
using replicant::finding;
using replicant::templated;

namespace {

constexpr unsigned bad_request = 400;
constexpr unsigned unauthorized = 401;
constexpr unsigned forbidden = 403;
constexpr unsigned not_found = 404;
constexpr unsigned conflict = 409;
constexpr unsigned created = 201;

constexpr std::chrono::minutes quiet{1};

unsigned status_of(const heard& x) {
  return x.answer ? x.answer->status : 0;
}

std::string_view path_in(std::string_view target) {
  return target.substr(0, target.find('?'));
}

std::string content_type_of(const templated& x) {
  auto i = std::ranges::find_if(x.fields, [](const traffic::header& f) {
    return same_name(f.name, "Content-Type");
  });
  return i == x.fields.end() ? std::string{} : i->value;
}

/// An answer of ours, as the API server would word it.
ports::call_result refusal(replicant::call_id call, unsigned status,
                           std::string_view reason, std::string_view what) {
  auto said = kubernetes::status_of(status, reason, what);
  heard out{http::client_response{}};
  out.answer->status = said.status;
  for (auto& f : said.fields)
    out.answer->fields.emplace_back(std::move(f.name), std::move(f.value));
  out.answer->body = std::move(said.body);
  return told(call, std::move(out));
}

/// Nothing was done, and may be later.
ports::call_result not_now(replicant::call_id call) {
  ports::call_result out;
  out.what.call = call;
  out.what.how = call_end::not_sent;
  return out;
}

/// An object that the API server has, as far as calls look at it.
struct own_object {
  json::value whole;
  std::string operation; ///< Of the annotation; empty: not made by a create.
  bool going = false;    ///< Its deletion has begun.
};

std::optional<own_object> read_object(const heard& x) {
  if (!x.whole || status_of(x) != 200)
    return std::nullopt;
  boost::system::error_code ec;
  own_object out;
  out.whole = json::parse(x.answer->body, ec);
  const auto* root = ec ? nullptr : out.whole.if_object();
  const auto* metadata = root ? root->if_contains("metadata") : nullptr;
  if (metadata == nullptr || !metadata->is_object())
    return std::nullopt;
  const auto& m = metadata->get_object();
  out.going = m.if_contains("deletionTimestamp") != nullptr;
  const auto* notes = m.if_contains("annotations");
  const auto* mark = notes && notes->is_object()
                       ? notes->get_object().if_contains(operation_annotation)
                       : nullptr;
  if (mark != nullptr && mark->is_string())
    out.operation = mark->get_string();
  return out;
}

/// One replicated call: who it is for, and what is asked.
class one_call {
public:
  one_call(const replicant::call& what, std::vector<traffic::header> as_user,
           const exchange& send)
    : what_(what), as_user_(std::move(as_user)), send_(send) {}

  ports::call_result run() {
    const auto& method = what_.request.method;
    if (method == "POST")
      return create();
    if (method == "PUT")
      return replace();
    if (method == "PATCH")
      return patch();
    if (method == "DELETE")
      return remove();
    return refusal(what_.id, bad_request, "BadRequest",
                   method + " is no change of an object");
  }

private:
  /// Of the log's fields, those alone that say what is in the body and in the
  /// answer: an entry must not bring others.
  heard ask(templated x) const {
    std::erase_if(x.fields, [](const traffic::header& f) {
      return !same_name(f.name, "Accept") && !same_name(f.name, "Content-Type");
    });
    x.fields.insert(x.fields.end(), as_user_.begin(), as_user_.end());
    return send_(std::move(x));
  }

  [[nodiscard]] heard read(std::string path, bool as_client) const {
    templated x;
    x.method = "GET";
    x.target = std::move(path);
    if (!as_client)
      x.fields = {{"Accept", "application/json"}};
    else
      for (const auto& f : what_.request.fields)
        if (same_name(f.name, "Accept"))
          x.fields.push_back(f);
    return ask(std::move(x));
  }

  [[nodiscard]] ports::call_result tell(heard x) const {
    return told(what_.id, std::move(x));
  }

  ports::call_result create();
  ports::call_result create_taken(const std::string& path, heard refused);
  ports::call_result replace();
  ports::call_result patch();
  ports::call_result remove();

  const replicant::call& what_;
  std::vector<traffic::header> as_user_;
  const exchange& send_;
};

ports::call_result one_call::create() {
  auto request = what_.request;
  auto about = read_path(request.method, request.target);
  auto body = object_body::read(request.body, content_type_of(request));
  auto name = body ? body->text_at(at::name) : std::nullopt;
  if (!about || !name)
    return refusal(what_.id, bad_request, "BadRequest",
                   "the object has no name, or its body cannot be read");
  body->set_annotation(operation_annotation, to_string(what_.operation));
  request.body = body->text();
  about->object.name = *name;
  auto got = ask(std::move(request));
  auto path = path_of(about->version, about->object);
  auto out = status_of(got) == conflict ? create_taken(path, std::move(got))
                                        : tell(std::move(got));
  if (out.what.how == call_end::answered && out.what.status / 100 == 2)
    out.what.local_id = to_local_id(about->object);
  return out;
}

/// Somebody has that name: this operation's own earlier call, or another.
ports::call_result one_call::create_taken(const std::string& path,
                                          heard refused) {
  auto there = read_object(read(path, false));
  if (there && there->operation == to_string(what_.operation)) {
    auto shown = read(path, true);
    if (status_of(shown) != 200)
      return not_now(what_.id); // It is settled the next time.
    shown.answer->status = created;
    return tell(std::move(shown));
  }
  // Its name will be free.
  if (there && there->going)
    return not_now(what_.id);
  return tell(std::move(refused));
}

/// The body with what is this site's own of the object that it replaces.
std::string over(const object_body& wanted, const object_name& of,
                 const json::value& own) {
  if (const auto* from = wanted.json()) {
    auto out = *from;
    keep_own_fields(of, own, out);
    return json::serialize(out);
  }
  auto out = wanted;
  boost::system::error_code ec;
  for (const auto& x : {at::resource_version, at::cluster_ip, at::node_name}) {
    const auto* value = own.find_pointer(x.pointer, ec);
    auto fits =
      x.pointer == at::resource_version.pointer
      || (of.group.empty()
          && of.resource
               == (x.pointer == at::node_name.pointer ? "pods" : "services")
          && !out.has(x));
    if (fits && value != nullptr && value->is_string())
      out.set_text(x, value->get_string());
  }
  return out.text();
}

ports::call_result one_call::replace() {
  auto about = read_path("PUT", what_.request.target);
  auto wanted =
    object_body::read(what_.request.body, content_type_of(what_.request));
  if (!about || !wanted)
    return refusal(what_.id, bad_request, "BadRequest",
                   "the body cannot be read");
  // A part of an object has its version, and nothing else of its own.
  auto kind = about->subresource.empty() ? about->object : object_name{};
  for (unsigned i = 0; i < tries_max; ++i) {
    auto request = what_.request;
    auto seen = read(std::string{path_in(request.target)}, false);
    auto own = read_object(seen);
    if (!own && status_of(seen) != not_found)
      return tell(std::move(seen));
    if (own)
      request.body = over(*wanted, kind, own->whole);
    auto got = ask(std::move(request));
    if (status_of(got) != conflict)
      return tell(std::move(got));
  }
  return not_now(what_.id); // Others write all the time.
}

/// A conflict is one of the API server's own tries, but for an apply: there
/// it is another owner of a field.
ports::call_result one_call::patch() {
  auto applies =
    content_type_of(what_.request).find("apply-patch") != std::string::npos;
  for (unsigned i = 0; i < tries_max; ++i) {
    auto got = ask(what_.request);
    if (!applies && status_of(got) == conflict)
      continue;
    auto out = tell(std::move(got));
    // An apply may have made it.
    auto about = read_path("PATCH", what_.request.target);
    if (applies && about && out.what.status / 100 == 2)
      out.what.local_id = to_local_id(about->object);
    return out;
  }
  return not_now(what_.id);
}

ports::call_result one_call::remove() {
  auto got = ask(what_.request);
  if (status_of(got) != conflict)
    return tell(std::move(got));
  // Of a namespace that goes, and is not gone yet.
  auto seen = read(std::string{path_in(what_.request.target)}, false);
  auto there = read_object(seen);
  auto going = status_of(seen) == not_found || (there && there->going);
  return tell(going ? std::move(seen) : std::move(got));
}

class kubernetes_calls final : public application_calls {
public:
  explicit kubernetes_calls(const site::config& config) : config_(config) {
    for (const auto& x : config.fronts)
      if (!x.to.identity.empty())
        identified_.insert(x.service);
  }

  ports::call_result call(const replicant::call& what,
                          const exchange& send) const override {
    if (!identified_.contains(what.service)) {
      warn("the node has no backend.identity: what is replicated waits");
      return not_now(what.id);
    }
    auto as_user = fields_for(what);
    if (!as_user)
      return refusal(what.id, forbidden, "Forbidden", as_user.error().what);
    auto out = one_call{what, std::move(*as_user), send}.run();
    if (out.what.how == call_end::answered && out.what.status == unauthorized) {
      warn("the API server does not know the node's backend.identity: what is "
           "replicated waits");
      return not_now(what.id);
    }
    return out;
  }

  replicant::probed probe(const replicant::probe& what,
                          const exchange& send) const override {
    replicant::probed out;
    auto as_user = fields_for(what);
    auto about = read_path("GET", what.request.target);
    if (!as_user || !about || !identified_.contains(what.service))
      return out;
    templated x;
    x.method = "GET";
    x.target = path_in(what.request.target);
    x.fields = std::move(*as_user);
    x.fields.push_back({"Accept", "application/json"});
    auto seen = send(std::move(x));
    out.status = static_cast<std::uint16_t>(status_of(seen));
    auto there = read_object(seen);
    if (there && there->operation == to_string(what.operation)) {
      out.what = finding::found;
      out.local_id = to_local_id(about->object);
    } else if (there || out.status == not_found) {
      out.what = finding::absent;
    }
    return out;
  }

private:
  /// Errors: who asked may not be brought by who may have written the entry.
  template <class Call>
  result<std::vector<traffic::header>> fields_for(const Call& what) const {
    auto who = principal_from_json(what.principal);
    if (!who)
      return who.error();
    for (const auto& site : what.writers)
      if (auto name = untrusted_name(*who, site::trust_of(config_, site));
          !name.empty())
        return error{errc::forbidden,
                     "\"" + name + "\" does not count at site "
                       + config_.name.value + " when site " + site.value
                       + " may have brought it (trust.roles)",
                     config_.name.value, "act on behalf of a user", ""};
    return impersonation_fields(*who);
  }

  void warn(const char* what) const {
    auto now = std::chrono::duration_cast<seldom::instant>(
      std::chrono::steady_clock::now().time_since_epoch());
    std::lock_guard lock{guard_};
    if (auto n = warned_.count(now))
      spdlog::warn("{} ({} calls)", what, n);
  }

  site::config config_;
  std::set<service_id> identified_;
  mutable std::mutex guard_; ///< Of `warned_`.
  mutable seldom warned_{quiet};
};

} // namespace

std::shared_ptr<const application_calls>
make_calls(const site::config& config) {
  return std::make_shared<kubernetes_calls>(config);
}

} // namespace cheops::glue::kubernetes
