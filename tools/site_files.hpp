#pragma once

#include "cheops/application/description.hpp"
#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <memory>
#include <string>

namespace cheops::tools {

/// A site's configuration and the description of its application, as read.
struct site_files {
  std::shared_ptr<const site::config> config;
  std::shared_ptr<const application::description> app;
  std::string description; ///< The text of `app`, to see that it changes.
};

/// Reads and checks both. Errors: bad_config with file, line and key.
[[nodiscard]] result<site_files> load_site(const std::string& config_file);

/// Whether a running site can take `is` in place of `was`; the table is in
/// docs/configuration.md. Errors: bad_config, with the key that counts at the
/// start only.
[[nodiscard]] result<void> check_reload(const site_files& was,
                                        const site_files& is);

} // namespace cheops::tools
