#include "cheops/mesh/certificate_name.hpp"

namespace cheops::mesh {

namespace {

constexpr std::string_view prefix = "urn:cheops:site:";
constexpr std::size_t name_bytes_max = 253;

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
         || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_'
         || c == '~';
}

int digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return -1;
}

} // namespace

std::string to_urn(const site_id& x) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out{prefix};
  for (auto c : x.value) {
    auto byte = static_cast<unsigned char>(c);
    if (unreserved(c))
      out += c;
    else
      out += {'%', hex[byte >> 4], hex[byte & 15]};
  }
  return out;
}

std::optional<site_id> from_urn(std::string_view x) {
  if (!x.starts_with(prefix))
    return std::nullopt;
  x.remove_prefix(prefix.size());
  std::string name;
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto c = x[i];
    if (c == '%') {
      if (x.size() - i < 3 || digit(x[i + 1]) < 0 || digit(x[i + 2]) < 0)
        return std::nullopt;
      c = static_cast<char>(digit(x[i + 1]) * 16 + digit(x[i + 2]));
      i += 2;
    }
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      return std::nullopt;
    name += c;
  }
  if (name.empty() || name.size() > name_bytes_max)
    return std::nullopt;
  return site_id{std::move(name)};
}

} // namespace cheops::mesh
