#pragma once

#include "cheops/replicant/state.hpp"
#include "cheops/sim/history.hpp"

#include <string>
#include <vector>

namespace cheops::sim {

/// What a resource must look like, by what was decided.
struct expected {
  struct item {
    index_id index = 0;
    std::uint64_t tag = 0;
    replicant::change does = replicant::change::create;
    index_id undoes = 0;
  };
  std::vector<item> items; ///< What stands, by index.

  using tags = std::vector<std::uint64_t>;
  struct resource {
    bool exists = false;
    tags content;
  };
  /// With everything up to `index` done.
  [[nodiscard]] resource at(index_id index) const;
  /// Whether a site that has noted everything up to `index` may look so: what
  /// it does next may be done and not noted yet. It passes over what a later
  /// item takes the place of.
  [[nodiscard]] bool may_be(index_id index, const tags& content) const;
  [[nodiscard]] bool may_be_gone(index_id index) const;
  /// The index of the last item up to `index`.
  [[nodiscard]] index_id newest_at(index_id index) const;
  /// A later item leaves nothing of it: a site that was away may skip it.
  [[nodiscard]] bool superseded(const item& x) const;

private:
  [[nodiscard]] std::vector<index_id> next_behind(index_id index) const;
};

[[nodiscard]] expected expected_of(const history& seen, const meta_id& meta);
[[nodiscard]] std::string words(const expected::tags& x);
/// An owner in a line.
[[nodiscard]] std::string words(const replicant::state& x);

} // namespace cheops::sim
