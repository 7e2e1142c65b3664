#pragma once

#include "cheops/result.hpp"

#include <string>
#include <vector>

/// A private certificate authority in a folder: `cheops ca`.
///
///   ca.crt, ca.key (0600)   the authority
///   ca.crl                  what it has revoked; exists from the start
///   issued.jsonl            what it has issued, a JSON object a line
///
/// ECDSA P-256 throughout; serial numbers are random. Nothing overwrites a
/// file unless it says so. Two processes may use a folder at once.
namespace cheops::http::ca {

struct authority {
  std::string name = "Cheops private CA"; ///< The common name.
  unsigned days = 3650;
};

/// Makes the folder (0700) and an authority in it. Errors: bad_config (there
/// is one already), io.
[[nodiscard]] result<void> init(const std::string& folder,
                                const authority& with);

struct request {
  std::string name; ///< The site, or what the server is called.
  /// A site of the mesh (URI SAN `urn:cheops:site:…`, for both ends of a
  /// connection), or else a front's server certificate.
  bool site = true;
  std::vector<std::string> dns;       ///< Names, also wildcards.
  std::vector<std::string> addresses; ///< IP literals.
  unsigned days = 825;
  std::string into;       ///< The folder for the files (made, 0700).
  bool overwrite = false; ///< Replace files that are there.
};

/// What was written.
struct issued {
  std::string certificate; ///< "into/site.crt", or server.crt.
  std::string key;         ///< "into/site.key", 0600, or server.key.
  std::string ca;          ///< "into/ca.crt", a copy.
  std::string serial;      ///< Hex.
};

/// Errors: bad_config (a name that cannot be, no authority, files that
/// exist), io.
[[nodiscard]] result<issued> issue(const std::string& folder,
                                   const request& what);

struct entry {
  std::string serial;
  std::string name;
  bool site = true;
  std::string not_after; ///< RFC 3339.
  std::string revoked;   ///< When; empty if it is not.
};

[[nodiscard]] result<std::vector<entry>> list(const std::string& folder);

/// Revokes by serial, or everything that is valid under a name, and writes
/// ca.crl anew. Answers the serials. Errors: bad_config (nothing to revoke).
[[nodiscard]] result<std::vector<std::string>>
revoke(const std::string& folder, const std::string& serial_or_name);

} // namespace cheops::http::ca
