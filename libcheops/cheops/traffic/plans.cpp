#include "cheops/traffic/plans.hpp"

#include "cheops/names.hpp"

#include <utility>

namespace cheops::traffic {

namespace {

constexpr std::size_t kept_max = 1024;
/// Longer scopes are planned each time: users write what is kept.
constexpr std::size_t kept_text_bytes_max = 1024;

} // namespace

plan_cache::plan_cache(std::shared_ptr<const application::description> app,
                       std::shared_ptr<adapter> plug)
  : app_(std::move(app)), plug_(std::move(plug)) {
  for (const auto& x : app_->services) {
    names_.services[fold_case(x.name.value)] = x.name.value;
    for (const auto& alias : x.aliases)
      names_.services[fold_case(alias)] = x.name.value;
  }
}

const scope::known_names& plan_cache::known(const mesh::view& mesh) {
  if (!have_names_ || names_version_ != mesh.version) {
    names_.sites.clear();
    for (const auto& x : mesh.sites)
      names_.sites.push_back(x.name.value);
    names_version_ = mesh.version;
    have_names_ = true;
  }
  return names_;
}

const planned& plan_cache::of(const std::string& text,
                              const scope::question& ask,
                              const mesh::view& mesh,
                              const site::config& config) {
  if (text.size() > kept_text_bytes_max)
    return not_kept_ = make(text, ask, mesh, config);
  auto key = text + '\n' + ask.service.value + '\n';
  key += static_cast<char>('0' + (ask.safe ? 1 : 0) + (ask.creates ? 2 : 0)
                           + (ask.inherited ? 4 : 0));
  if (auto i = plans_.find(key); i != plans_.end()) {
    if (i->second.version == mesh.version)
      return i->second;
    plans_.erase(i);
  }
  if (plans_.size() >= kept_max) {
    plans_.clear();
    began_anew_ = true;
  }
  return plans_.emplace(std::move(key), make(text, ask, mesh, config))
    .first->second;
}

planned plan_cache::make(const std::string& text, const scope::question& ask,
                         const mesh::view& mesh, const site::config& config) {
  planned made;
  made.version = mesh.version;
  auto tree = scope::parse(text, known(mesh));
  if (!tree) {
    made.plan = scope::to_error(text, tree.error());
    return made;
  }
  made.canonical = scope::to_string(*tree);
  made.plan = scope::make_plan(*tree, ask, *app_, mesh);
  if (plug_ && made.plan)
    if (auto fits = plug_->check(*tree, ask, made.plan->sites, config); !fits)
      made.plan = fits.error();
  return made;
}

bool plan_cache::began_anew() noexcept {
  return std::exchange(began_anew_, false);
}

} // namespace cheops::traffic
