#pragma once

#include "cheops/ports.hpp"
#include "cheops/result.hpp"

#include <cstddef>
#include <memory>
#include <string>

/// Seals what a witness keeps (ports::vault). A file of keys, shared by the
/// sites that have copies:
///
///   # A line for each key: 64 hexadecimal digits.
///   3f0c…   seals, and opens
///   91aa…   opens: a key from before
///
/// AES-256-GCM. Of each key HKDF-SHA-256 makes three for each group: to
/// encrypt, to make the nonce, and to be known by. docs/formats.md has the
/// bytes, docs/decisions/0015-shared-key.md the reasons.
namespace cheops::http {

inline constexpr std::size_t vault_key_bytes = 32;
inline constexpr std::size_t vault_keys_max = 8; ///< Of a file.

/// Reads the keys. Errors: bad_config (it cannot be read, is readable by
/// others than owner and group, has no key, too many, or a line that is none);
/// no error tells anything of a key.
[[nodiscard]] result<std::shared_ptr<const ports::vault>>
open_vault(const std::string& file);

/// The text of a file with a fresh key.
[[nodiscard]] std::string fresh_vault_file();

/// Writes such a file, 0600. Errors: bad_config (there is one), io.
[[nodiscard]] result<void> make_vault_file(const std::string& file);

} // namespace cheops::http
