#pragma once

#include "cheops/mesh/view.hpp"
#include "cheops/names.hpp"
#include "cheops/result.hpp"
#include "cheops/site/config.hpp"

#include <chrono>
#include <string>

/// Looks at sockets and certificates, for `cheops check`. Changes nothing.
namespace cheops::cli {

enum class port_state : std::uint8_t {
  free,
  taken,
  denied,   ///< A port below 1024, and no right to it.
  not_ours, ///< The address is none of this machine.
  bad_host, ///< Not an IP literal, or a name that does not resolve.
};

/// Tries to bind it, and lets it go at once.
[[nodiscard]] port_state probe_port(const mesh::address& at);

/// Connects over TCP; how long it took. Errors: unreachable, timed_out.
[[nodiscard]] result<std::chrono::microseconds>
probe_connect(const mesh::address& to, std::chrono::milliseconds timeout);

/// What a PEM certificate says.
struct certificate_facts {
  std::chrono::system_clock::time_point not_before;
  std::chrono::system_clock::time_point not_after;
  std::string site;     ///< Of the URI SAN urn:cheops:site:…; may be empty.
  bool key_fits = true; ///< The key file is this certificate's.
  bool key_private = true;  ///< Only its owner may read the key file.
  bool signed_by_ca = true; ///< The CA file vouches for it.
};

/// Errors: bad_config, naming the file that cannot be used.
[[nodiscard]] result<certificate_facts>
probe_certificate(const site::tls_files& files);

} // namespace cheops::cli
