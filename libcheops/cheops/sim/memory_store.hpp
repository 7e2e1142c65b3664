#pragma once

#include "cheops/ports.hpp"

#include <array>
#include <functional>
#include <map>
#include <string>

namespace cheops::sim {

/// A store that is a map; what it is given is kept at once.
class memory_store : public ports::store {
public:
  using contents = std::map<std::string, std::string, std::less<>>;

  result<void> commit(std::span<const ports::batch> all) override;
  [[nodiscard]] result<std::optional<std::string>>
  get(ports::family in, std::string_view key) const override;
  [[nodiscard]] result<void>
  scan(ports::family in, std::string_view prefix, std::string_view from,
       const std::function<bool(std::string_view, std::string_view)>& take)
    const override;

  [[nodiscard]] contents& operator[](ports::family f) {
    return kept_[static_cast<std::size_t>(f)];
  }

protected:
  void keep(ports::batch x);
  void clear();

private:
  std::array<contents, ports::families> kept_;
};

} // namespace cheops::sim
