#pragma once

#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <string>

/// What a node is itself at a service of its site: `backend.identity` of the
/// configuration.
namespace cheops::http {

/// A bearer token, without what follows it in its file. It is read anew each
/// time: who issued it replaces it before it expires. Errors: bad_config (as
/// `read_secret`; or it is no token).
[[nodiscard]] result<std::string> read_bearer(const std::string& file);

/// Whether what the configuration names can be used. Errors: bad_config, with
/// the file.
[[nodiscard]] result<void> check_identity(const site::backend& to);

} // namespace cheops::http
