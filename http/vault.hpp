#pragma once

#include "cheops/ports.hpp"
#include "cheops/result.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

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

/// A vault whose keys may be exchanged while it is used, from any thread: what
/// one that seals now cannot open, another may have sealed before.
class changing_vault final : public ports::vault {
public:
  explicit changing_vault(std::shared_ptr<const ports::vault> keys)
    : keys_(std::move(keys)) {}

  void exchange(std::shared_ptr<const ports::vault> keys);
  [[nodiscard]] std::string seal(const replicant::meta_id& group,
                                 const replicant::operation_id& id,
                                 std::string_view content) const override;
  [[nodiscard]] std::optional<std::string>
  open(const replicant::meta_id& group, const replicant::operation_id& id,
       std::string_view sealed) const override;

private:
  [[nodiscard]] std::shared_ptr<const ports::vault> now() const;

  mutable std::mutex guard_;
  std::shared_ptr<const ports::vault> keys_;
};

/// The text of a file with a fresh key.
[[nodiscard]] std::string fresh_vault_file();

/// Writes such a file, 0600. Errors: bad_config (there is one), io.
[[nodiscard]] result<void> make_vault_file(const std::string& file);

} // namespace cheops::http
