#include "glue/kubernetes/adapter.hpp"

#include "cheops/names.hpp"
#include "glue/kubernetes/body.hpp"
#include "glue/kubernetes/rules.hpp"
#include "glue/kubernetes/taking.hpp"

#include <algorithm>

namespace cheops::glue::kubernetes {

namespace {

using namespace traffic;

const application::resource* object_of(const application::service& of) {
  auto i =
    std::ranges::find(of.resources, object_kind, &application::resource::kind);
  return i == of.resources.end() ? nullptr : &*i;
}

application::verb verb_of(object_verb x) {
  using application::verb;
  switch (x) {
  case object_verb::read:
    return verb::read;
  case object_verb::list:
    return verb::list;
  case object_verb::create:
    return verb::create;
  case object_verb::replace:
  case object_verb::patch:
    return verb::update;
  case object_verb::remove:
    return verb::remove;
  default:
    return verb::other;
  }
}

class kubernetes final : public adapter {
public:
  kubernetes(const site::config& config, keyed_digest digest)
    : known_(std::make_shared<users>(config.bounds.tokens, std::move(digest))) {
  }

  reading read(const request_view&, const caller&, const application::service&,
               const surroundings&) override {
    return {};
  }

  void learn(const aside&, const result<small_answer>&,
             const surroundings&) override {}

  result<void> check(const scope::tree&, const scope::question&,
                     const std::vector<site_id>&,
                     const site::config&) const override {
    return {};
  }

  void shape(decision&, const request_view&, const caller&, const reading&,
             const surroundings&) override {}

  subject about(const application::service& of, const request_view& in,
                std::string_view target) const override {
    subject out;
    auto& what = out.match.what;
    what.of = &of;
    auto is = read_path(in.method, target);
    if (!is)
      return out;
    what.about = object_of(of);
    what.does = verb_of(is->does);
    out.here_only = is_here_only(*is, target);
    if (out.here_only)
      return out;
    out.of_many = is->does == object_verb::remove_collection;
    out.never = why_never(*is);
    if (!out.never.empty()) {
      what.does = application::verb::other;
      return out;
    }
    // An apply makes what is not there.
    if (is_apply(in, *is))
      what.does = application::verb::create;
    if (!is->object.name.empty())
      what.id = to_local_id(is->object);
    return out;
  }

  bool takes() const noexcept override { return true; }

  std::unique_ptr<taking> take(to_take what) override {
    return make_taking(std::move(what), known_);
  }

  bool may_hold_scope(const request_view& in) const noexcept override {
    if (in.method != "POST" && in.method != "PATCH")
      return false;
    auto is = read_path(in.method, in.target);
    return is && changes_object(*is) && !query_value(in.target, "dryRun")
           && (is->does == object_verb::create || is_apply(in, *is));
  }

  /// What a controller makes has the annotations of what it makes it for.
  std::string scope_in(const request_view& in,
                       std::string_view body) const override {
    if (body.find(scope_annotation) == std::string_view::npos)
      return {};
    auto read = object_body::read(body, in.get("Content-Type"));
    if (!read || read->has_controller())
      return {};
    return read->annotation(scope_annotation).value_or("");
  }

private:
  std::shared_ptr<users> known_;
};

} // namespace

std::string fault_of(const application::description& app) {
  for (const auto& x : app.services)
    if (object_of(x) == nullptr)
      return "the adapter kubernetes needs a resource of kind \""
             + std::string{object_kind} + "\" in service " + x.name.value;
  return {};
}

std::shared_ptr<adapter> make(std::shared_ptr<const application::description>,
                              const site::config& config, keyed_digest digest) {
  return std::make_shared<kubernetes>(config, std::move(digest));
}

} // namespace cheops::glue::kubernetes
