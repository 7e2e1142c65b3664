#pragma once

#include "cheops/ports.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// A site's folder of state, in RocksDB. docs/formats.md, "Store".
namespace cheops::store {

struct rocks_options {
  std::string folder; ///< Made if it is missing, for its owner alone.
  /// For blocks that were read; what was written and waits in memory takes
  /// at most half as much again.
  std::size_t cache_bytes = 32U << 20;
  int open_files_max = 256;
};

/// Used from one thread; it blocks on the disk.
///
/// A commit is one synced write, so a crash keeps all of it or nothing. A torn
/// end of the log is a commit that was never acknowledged and is forgotten;
/// damage anywhere else is an error, never silently less data. After the first
/// failed commit every later one fails too, until the process is started anew:
/// what is on disk is then known again. Reads go on.
class rocks final : public ports::store {
public:
  /// Errors: `io` with the folder and the way out: no folder can be made, it
  /// is in use by another process, it is damaged, it was written by a later
  /// version.
  [[nodiscard]] static result<std::unique_ptr<rocks>>
  open(const rocks_options& with);
  ~rocks() override;
  rocks(const rocks&) = delete;
  rocks& operator=(const rocks&) = delete;

  /// 32 hex digits, made with the folder: a folder that was lost comes back
  /// under another id, so an empty store never votes under its old name.
  [[nodiscard]] const std::string& id() const noexcept;

  [[nodiscard]] result<void> commit(std::span<const ports::batch> all) override;
  [[nodiscard]] result<std::optional<std::string>>
  get(ports::family in, std::string_view key) const override;
  [[nodiscard]] result<void>
  scan(ports::family in, std::string_view prefix, std::string_view from,
       const std::function<bool(std::string_view key, std::string_view value)>&
         take) const override;

private:
  struct impl;
  explicit rocks(std::unique_ptr<impl> x);
  std::unique_ptr<impl> impl_;
};

} // namespace cheops::store
