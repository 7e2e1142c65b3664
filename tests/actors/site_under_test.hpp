#pragma once

#include "actors/local_node.hpp"
#include "support/certificates.hpp"
#include "support/folder_fixture.hpp"
#include "support/free_port.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace cheops::support {

/// A configuration with what a test needs; nothing of TLS.
[[nodiscard]] site::config config_of(const std::string& name);

/// Declares `of` as a peer of `to`.
void declare(site::config& to, const site::config& of);

/// Sites with certificates of one authority.
struct mesh_fixture : folder_fixture {
  certificate_authority ca{folder.string(), "ours"};

  site::config secured(const std::string& name) {
    auto x = config_of(name);
    x.tls = ca.issue(name);
    return x;
  }
};

/// A node that tells when its view is as one wants it.
class site_under_test {
public:
  explicit site_under_test(const site::config& config);
  ~site_under_test();

  /// Waits until the view is so; false if it never is in half a minute.
  [[nodiscard]] bool until(const std::function<bool(const mesh::view&)>& is_so);

  /// As `until`, for what may pass: one view since the last that was waited
  /// for was so.
  [[nodiscard]] bool saw(const std::function<bool(const mesh::view&)>& is_so);

  /// Waits until a site has that state.
  [[nodiscard]] bool until(const std::string& site, mesh::reach state);

  [[nodiscard]] mesh::site see(const std::string& site) const;

  site::config config;
  std::unique_ptr<actors::local_node> node;

private:
  std::mutex guard_;
  std::condition_variable changed_;
  std::vector<mesh::view_ptr> views_;
  std::size_t waited_for_ = 0; ///< Index of the last that was.
  std::vector<error> fatal_;
};

} // namespace cheops::support
