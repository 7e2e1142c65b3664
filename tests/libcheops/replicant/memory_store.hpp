#pragma once

#include "cheops/ports.hpp"

#include <array>
#include <map>

namespace cheops::replicant::testing {

/// A store that is a map; it keeps all that it is given.
class memory_store : public ports::store {
public:
  result<void> commit(std::span<const ports::batch> all) override;
  [[nodiscard]] result<std::optional<std::string>>
  get(ports::family in, std::string_view key) const override;
  [[nodiscard]] result<void>
  scan(ports::family in, std::string_view prefix, std::string_view from,
       const std::function<bool(std::string_view, std::string_view)>& take)
    const override;

  std::map<std::string, std::string, std::less<>>& operator[](ports::family f) {
    return kept_[static_cast<std::size_t>(f)];
  }

private:
  std::array<std::map<std::string, std::string, std::less<>>, ports::families>
    kept_;
};

} // namespace cheops::replicant::testing
