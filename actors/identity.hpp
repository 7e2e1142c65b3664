#pragma once

#include "cheops/result.hpp"

#include <cstdint>
#include <string>

namespace cheops::actors {

/// Which process this is, kept in the data folder.
class identity {
public:
  /// Reads or makes `<data>/store-id`, raises `<data>/incarnation` on the
  /// disk, and locks the folder for this process. With no folder, the store
  /// is a random one and the incarnation the clock. `store`: the id of the
  /// store that is there; it replaces what the file says. Errors: io.
  [[nodiscard]] static result<identity> take(const std::string& data,
                                             const std::string& store = {});

  identity(identity&& x) noexcept;
  identity& operator=(identity&&) = delete;
  ~identity();

  std::string store; ///< 32 hex digits.
  std::uint64_t incarnation = 0;

private:
  identity() = default;
  int lock_ = -1;
};

} // namespace cheops::actors
