#pragma once

#include "cheops/application/description.hpp"
#include "cheops/site/config.hpp"
#include "cheops/traffic/adapter.hpp"
#include "glue/application_calls.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The classes that know what a description cannot declare (its key
/// `adapter`); docs/decisions/0009-openstack-adapter.md.
namespace cheops::glue {

/// A digest of a text that only this process can make: 16 bytes at least.
using keyed_digest = std::function<std::string(std::string_view)>;

[[nodiscard]] std::vector<std::string> adapter_names();

/// Why the description has not what that adapter builds on; empty: it has.
[[nodiscard]] std::string adapter_fault(std::string_view name,
                                        const application::description& app);

/// Null where the description names no adapter. The bounds of its tables are
/// those of `config`.
[[nodiscard]] std::shared_ptr<traffic::adapter>
make_adapter(std::shared_ptr<const application::description> app,
             const site::config& config, keyed_digest digest);

/// How calls for replicants are made; null where they are what the log has.
[[nodiscard]] std::shared_ptr<const application_calls>
make_calls(const application::description& app, const site::config& config);

} // namespace cheops::glue
