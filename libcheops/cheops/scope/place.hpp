#pragma once

#include "cheops/scope/plan.hpp"

#include <optional>

/// What one placement means for one request; internal to scope/.
namespace cheops::scope {

/// The sites of a placement, and how they are used.
struct placed {
  action act = action::share;
  std::vector<site_id> sites;
  std::vector<rejected> passed_over;
  /// The part that this node does not run: `%`, `set`, alternatives of which
  /// one is more than a site, and, where it does not replicate, `&` and an
  /// `around` of a create; nullptr: it runs.
  const placement* unbuilt = nullptr;
};

/// Every site that `x` names is known to the mesh.
[[nodiscard]] result<placed> place(const placement& x, const question& ask,
                                   const mesh::view& mesh);

/// Calls `f` with each site's name in `x`, from the left, until it is false.
template <class F>
bool each_site(const placement& x, const F& f) {
  if (const auto* one = std::get_if<site>(&x.node))
    return f(one->name);
  if (const auto* near = std::get_if<around>(&x.node))
    return f(near->site);
  auto in_order = [&](const std::vector<placement>& parts) {
    for (const auto& part : parts)
      if (!each_site(part, f))
        return false;
    return true;
  };
  if (const auto* chain = std::get_if<all>(&x.node))
    return in_order(chain->parts);
  if (const auto* chain = std::get_if<cross>(&x.node))
    return in_order(chain->parts);
  if (const auto* chain = std::get_if<any>(&x.node))
    return in_order(chain->parts);
  for (const auto& part : std::get<set>(x.node).parts)
    if (!f(part.site))
      return false;
  return true;
}

/// "80 ms", "1.5 ms", "250 us": for sentences.
[[nodiscard]] std::string figure(std::chrono::microseconds x);

} // namespace cheops::scope
