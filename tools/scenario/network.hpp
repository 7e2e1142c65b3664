#pragma once

#include "cheops/result.hpp"

#include <memory>
#include <string>
#include <vector>

/// A network namespace for each site, joined by a bridge. It belongs to this
/// process alone and has no name on the machine: the kernel removes all of
/// it when the last process that uses it has ended.
namespace cheops::scenario {

class network {
public:
  /// Needs root and iproute2. `log`: where `ip` writes. Errors: io.
  [[nodiscard]] static result<std::unique_ptr<network>>
  make(std::size_t sites, const std::string& log);
  ~network();
  network(const network&) = delete;
  network& operator=(const network&) = delete;

  /// The namespace of a site, for `launch::network` and `enter`.
  [[nodiscard]] int handle(std::size_t site) const { return sites_[site]; }
  /// Where the other sites reach it.
  [[nodiscard]] static std::string address(std::size_t site);
  static constexpr const char* block = "10.77.0.0/24";

  /// Takes a site's cable out, or puts it back. Nobody is told: what was
  /// under way is lost silently.
  [[nodiscard]] result<void> connect(std::size_t site, bool up);

private:
  network() = default;
  [[nodiscard]] result<void> ip(int where, const std::string& arguments);
  [[nodiscard]] result<void> add_site(std::size_t site);

  std::string log_;
  int hub_ = -1;
  std::vector<int> sites_;
};

/// Moves the calling thread into a namespace; -1 leaves it where it is.
[[nodiscard]] result<void> enter(int handle);

} // namespace cheops::scenario
