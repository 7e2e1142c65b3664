#pragma once

#include "cheops/application/description.hpp"
#include "cheops/mesh/view.hpp"
#include "cheops/result.hpp"
#include "cheops/scope/parse.hpp"
#include "cheops/scope/plan.hpp"
#include "cheops/site/config.hpp"
#include "cheops/traffic/adapter.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

namespace cheops::traffic {

struct planned {
  std::uint64_t version = 0; ///< Of the view that the plan was made with.
  result<scope::plan> plan = scope::plan{};
  std::string canonical;
};

/// A plan is a function of the scope, the question and the view: it is kept
/// until the view changes, or so many are kept that it begins anew. For one
/// thread.
class plan_cache {
public:
  /// `plug` may be null.
  plan_cache(std::shared_ptr<const application::description> app,
             std::shared_ptr<adapter> plug);

  /// Valid until the next call.
  [[nodiscard]] const planned& of(const std::string& text,
                                  const scope::question& ask,
                                  const mesh::view& mesh,
                                  const site::config& config);
  /// The names that a scope may use.
  [[nodiscard]] const scope::known_names& known(const mesh::view& mesh);
  void clear() { plans_.clear(); }
  /// Whether it was full, and has begun anew, since this was asked last.
  [[nodiscard]] bool began_anew() noexcept;

private:
  [[nodiscard]] planned make(const std::string& text,
                             const scope::question& ask, const mesh::view& mesh,
                             const site::config& config);

  std::shared_ptr<const application::description> app_;
  std::shared_ptr<adapter> plug_;
  std::unordered_map<std::string, planned> plans_;
  planned not_kept_; ///< The last one that was too long to be kept.
  bool began_anew_ = false;
  scope::known_names names_;
  std::uint64_t names_version_ = 0;
  bool have_names_ = false;
};

} // namespace cheops::traffic
