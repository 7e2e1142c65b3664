#include "cheops/scope/suggest.hpp"

#include "cheops/names.hpp"
#include "cheops/scope/lexer.hpp"
#include "cheops/scope/utf8.hpp"

#include <algorithm>
#include <span>

namespace cheops::scope {

namespace {

constexpr std::size_t excerpt_columns_max = 40;
constexpr std::size_t listed_max = 8;
constexpr std::size_t compared_max = 1000;

} // namespace

std::string excerpt(std::string_view x) {
  auto quoted = x.starts_with('"');
  std::string out = quoted ? "" : "\"";
  std::size_t wide = 0;
  for (std::size_t i = 0; i < x.size();) {
    if (wide >= excerpt_columns_max)
      return out + "...\"";
    auto c = decode(x, i);
    out += shown(x, i, c);
    i += c.size;
    ++wide;
  }
  return quoted ? out : out + "\"";
}

std::string listed(const std::vector<std::string>& names,
                   std::string_view last) {
  auto most = names.size() <= listed_max ? names.size() : listed_max - 1;
  std::string out;
  for (std::size_t i = 0; i < most; ++i) {
    if (i > 0)
      out += i + 1 == names.size() ? " " + std::string{last} + " " : ", ";
    out += as_written(names[i]);
  }
  if (most < names.size())
    out += " " + std::string{last} + " " + std::to_string(names.size() - most)
           + " more";
  return out;
}

std::string nearest_of(std::string_view x,
                       const std::vector<std::string>& names) {
  return nearest_name(
    x, std::span{names}.first(std::min(names.size(), compared_max)));
}

syntax_error unknown_site(std::size_t at, std::string_view name,
                          const known_names& known) {
  return {at, "no site is named " + excerpt(name), listed(known.sites, "or"),
          nearest_of(name, known.sites), errc::unknown_site};
}

syntax_error unknown_service(std::size_t at, std::string_view name,
                             const known_names& known) {
  std::vector<std::string> all;
  std::vector<std::string> canonical;
  for (const auto& [key, value] : known.services) {
    if (std::ranges::find(canonical, value) == canonical.end()
        && canonical.size() < compared_max)
      canonical.push_back(value);
    all.push_back(key == fold_case(value) ? value : key);
  }
  return {at, "no service is named " + excerpt(name), listed(canonical, "or"),
          nearest_of(name, all), errc::unknown_service};
}

} // namespace cheops::scope
