#include "cheops/mesh/certificate_name.hpp"

#include "cheops/percent.hpp"

#include <algorithm>
#include <utility>

namespace cheops::mesh {

namespace {

constexpr std::string_view prefix = "urn:cheops:site:";
constexpr std::size_t name_bytes_max = 253;

} // namespace

std::string to_urn(const site_id& x) {
  return std::string{prefix} + percent_encoded(x.value);
}

std::optional<site_id> from_urn(std::string_view x) {
  if (!x.starts_with(prefix))
    return std::nullopt;
  x.remove_prefix(prefix.size());
  auto name = percent_decoded(x);
  auto control = [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  };
  if (!name || name->empty() || name->size() > name_bytes_max
      || std::ranges::any_of(*name, control))
    return std::nullopt;
  return site_id{*std::move(name)};
}

} // namespace cheops::mesh
