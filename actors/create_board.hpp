#pragma once

#include "cheops/replication.hpp"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace cheops::actors {

/// The creates that run at this site's application: whatever one of them makes
/// has an id that is not in the index yet. From any thread.
class create_board {
public:
  /// `name`: that the user chose, its parts joined by "/"; empty: none. Does
  /// nothing where it is known.
  void begin(const replicant::meta_id& of, const service_id& service,
             std::string_view kind, std::string_view name);
  void end(const replicant::meta_id& of);

  /// Those of the kind; with a `name`, whole or its last part, all but those of
  /// other names.
  [[nodiscard]] std::optional<ports::open_creates>
  find(const service_id& service, std::string_view kind,
       std::string_view name) const;
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

private:
  using place = std::tuple<std::string, std::string, std::uint64_t>;
  mutable std::mutex guard_;
  std::map<place, std::string> all_; ///< The names.
  std::unordered_map<replicant::meta_id, place> of_;
  std::uint64_t last_ = 0;
  std::atomic<std::size_t> size_{0};
};

} // namespace cheops::actors
