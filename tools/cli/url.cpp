#include "tools/cli/url.hpp"

#include "cheops/names.hpp"
#include "cheops/traffic/carriers.hpp"

#include <algorithm>

namespace cheops::cli {

std::string with_scope(std::string_view url, std::string_view scope) {
  while (url.ends_with('/'))
    url.remove_suffix(1);
  std::string out{url};
  if (!scope.empty())
    out += traffic::make_prefix(scope);
  return out;
}

const front_url* find_front(const std::vector<front_url>& all,
                            std::string_view service) {
  for (const auto& x : all) {
    auto is_it = [&](const std::string& name) {
      return same_name(name, service);
    };
    if (is_it(x.service) || std::ranges::any_of(x.aliases, is_it))
      return &x;
  }
  return nullptr;
}

namespace {

/// The path of a URL, without a scope of ours, slashes at its end, and `end`.
std::string path_before(std::string_view url, std::string_view end) {
  auto colon = url.find("://");
  if (colon == std::string_view::npos)
    return {};
  auto slash = url.find('/', colon + 3);
  if (slash == std::string_view::npos)
    return {};
  std::string path{url.substr(slash)};
  if (auto cut = traffic::take_prefix(path); cut && *cut)
    path = std::move((*cut)->target);
  auto trim = [&] {
    while (path.ends_with('/'))
      path.pop_back();
  };
  trim();
  if (path.ends_with(end))
    path.resize(path.size() - end.size());
  trim();
  return path;
}

} // namespace

expansion expand(std::string_view text, const std::vector<front_url>& fronts,
                 std::string_view scope, std::string_view old) {
  constexpr std::string_view url_mark = "url:";
  expansion out;
  while (!text.empty()) {
    auto open = std::min(text.find('{'), text.size());
    out.text += text.substr(0, open);
    text.remove_prefix(open);
    auto close = text.find('}');
    if (text.empty() || close == std::string_view::npos)
      break;
    auto word = text.substr(1, close - 1);
    if (word == "scope") {
      out.text += scope;
    } else if (word == "scope64") {
      out.text += traffic::base64url(scope);
    } else if (word.starts_with(url_mark)) {
      auto service = word.substr(url_mark.size());
      if (const auto* front = find_front(fronts, service))
        out.text += with_scope(front->url, scope)
                    + path_before(old, text.substr(close + 1));
      else
        out.missing = service;
    } else {
      // Not ours: the brace stays, what follows may still hold one of ours.
      out.text += '{';
      text.remove_prefix(1);
      continue;
    }
    text.remove_prefix(close + 1);
  }
  out.text += text;
  return out;
}

} // namespace cheops::cli
