// What answers of the application say of a create.

#include "cheops/percent.hpp"
#include "cheops/replicant/intake.hpp"
#include "cheops/replicant/places.hpp"

#include <boost/json.hpp>

namespace cheops::replicant {

namespace json = boost::json;

namespace {

/// The value that stands in `target` where `pattern` has {name}.
std::optional<std::string> name_in(std::string_view pattern,
                                   std::string_view target) {
  std::optional<std::string> out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '{') {
      if (at == target.size() || target[at++] != pattern[i])
        return std::nullopt;
      continue;
    }
    auto close = pattern.find('}', i);
    if (close == std::string_view::npos)
      return std::nullopt;
    // Values are encoded, so what follows them does not stand within them.
    auto end = close + 1 < pattern.size() ? target.find(pattern[close + 1], at)
                                          : target.size();
    if (end == std::string_view::npos)
      return std::nullopt;
    if (pattern.substr(i + 1, close - i - 1) == "name")
      out = percent_decoded(target.substr(at, end - at));
    at = end;
    i = close;
  }
  return at == target.size() ? out : std::nullopt;
}

/// Some applications wrap one resource ("/server/id") and list them bare.
const json::value* member_of(const json::value& x, const std::string& pointer) {
  if (const auto* found = at_pointer(x, pointer))
    return found;
  return at_pointer(
    x, pointer.substr(std::min(pointer.rfind('/'), pointer.size())));
}

/// Its id, if it is the one of that name.
std::optional<std::string> id_of(const application::resource& of,
                                 const json::value& x,
                                 const std::string& name) {
  const auto* has = member_of(x, of.name_pointer);
  const auto* id = member_of(x, of.id_pointer);
  if (has == nullptr || id == nullptr || id_text(*has) != name)
    return std::nullopt;
  return id_text(*id);
}

} // namespace

probed read_probe(const application::resource& of, std::string_view target,
                  std::uint16_t status, std::string_view body) {
  probed out;
  out.status = status;
  if (status == 404 || status == 410) {
    out.what = finding::absent;
    return out;
  }
  auto name = name_in(of.copies.probe, target);
  auto answer = as_json(body, {}, {});
  const auto* found = answer ? at_pointer(*answer, of.copies.found) : nullptr;
  if (status / 100 != 2 || !name || found == nullptr)
    return out;
  out.what = finding::absent;
  auto count = 0;
  auto look = [&](const json::value& x) {
    if (auto id = id_of(of, x, *name)) {
      ++count;
      out.what = finding::found;
      out.local_id = *id;
    }
  };
  if (const auto* list = found->if_array())
    for (const auto& x : *list)
      look(x);
  else
    look(*found);
  if (count > 1) { // Which of them? A person must say.
    out.what = finding::nothing;
    out.local_id.clear();
  }
  return out;
}

std::string id_in_answer(const application::resource& of, std::string_view body,
                         std::string_view location) {
  if (auto x = as_json(body, {}, {}))
    if (const auto* id = at_pointer(*x, of.id_pointer))
      if (auto text = id_text(*id))
        return *text;
  auto path = location.substr(0, location.find_first_of("?#"));
  while (path.ends_with('/'))
    path.remove_suffix(1);
  auto slash = path.rfind('/');
  if (slash == std::string_view::npos)
    return {};
  return percent_decoded(path.substr(slash + 1)).value_or("");
}

} // namespace cheops::replicant
