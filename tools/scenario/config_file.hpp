#pragma once

#include "tools/scenario/sites.hpp"

#include <string>

namespace cheops::scenario {

/// The configuration file of a site's node (docs/configuration.md).
[[nodiscard]] std::string
render_config(const scenario& what, const std::string& description,
              const live_site& self,
              const std::vector<std::unique_ptr<live_site>>& all,
              const std::string& network);

/// Certificate, key and authority as the runner lays them out.
struct identity {
  std::string certificate;
  std::string key;
  std::string ca;
};

/// Makes an authority in `folder`/ca and an identity for each site there.
[[nodiscard]] result<void>
issue_identities(const std::string& folder,
                 const std::vector<std::unique_ptr<live_site>>& all);

/// Gives one key of replicants to each site that names witnesses.
[[nodiscard]] result<void>
share_key(const scenario& what,
          const std::vector<std::unique_ptr<live_site>>& all);

[[nodiscard]] std::string key_file_of(const live_site& x);
[[nodiscard]] identity identity_of(const live_site& x);

} // namespace cheops::scenario
