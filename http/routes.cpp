#include "http/routes.hpp"

#include "cheops/percent.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace cheops::http {

namespace {

bool is_parameter(std::string_view x) {
  return x.size() > 2 && x.front() == '{' && x.back() == '}';
}

std::vector<std::string_view> split(std::string_view x, char by) {
  std::vector<std::string_view> out;
  for (;;) {
    auto end = x.find(by);
    out.push_back(x.substr(0, end));
    if (end == std::string_view::npos)
      return out;
    x.remove_prefix(end + 1);
  }
}

bool has_control(std::string_view x) {
  return std::any_of(x.begin(), x.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
}

// application/x-www-form-urlencoded: '+' is a space.
bool decode_query(std::string_view raw, std::string& to) {
  std::string spaced{raw};
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  to.clear();
  return append_percent_decoded(spaced, to);
}

bool parse_query(std::string_view raw, std::map<std::string, std::string>& to) {
  for (auto pair : split(raw, '&')) {
    if (pair.empty())
      continue;
    auto equals = pair.find('=');
    std::string name, value;
    if (!decode_query(pair.substr(0, equals), name))
      return false;
    if (equals != std::string_view::npos
        && !decode_query(pair.substr(equals + 1), value))
      return false;
    to[name] = std::move(value);
  }
  return true;
}

// How well a pattern fits: per segment 2 for a literal, 1 for a parameter,
// compared from the left; empty if it does not.
std::string fit(const std::vector<std::string>& pattern,
                const std::vector<std::string>& path) {
  if (pattern.size() != path.size())
    return {};
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (is_parameter(pattern[i]) && !path[i].empty())
      out += '1';
    else if (pattern[i] == path[i])
      out += '2';
    else
      return {};
  }
  return out;
}

bool answers(const route& x, std::string_view method) {
  return x.method == method || (x.method == "GET" && method == "HEAD");
}

void add_method(std::string& to, std::string_view method) {
  for (auto known : split(to, ','))
    if (known == method || (known.size() > 1 && known.substr(1) == method))
      return;
  if (!to.empty())
    to += ", ";
  to += method;
}

} // namespace

routes::routes(std::vector<route> all) {
  for (auto& x : all) {
    assert(x.path.starts_with('/') && x.run);
    pattern made;
    for (auto segment : split(x.path, '/'))
      made.segments.emplace_back(segment);
    made.to = std::move(x);
    all_.push_back(std::move(made));
  }
}

bool routes::find(std::string_view target, service_request& in,
                  match& out) const {
  auto query = target.find('?');
  auto raw = target.substr(0, query);
  if (!raw.starts_with('/'))
    return false;
  std::vector<std::string> path;
  for (auto segment : split(raw, '/')) {
    // Decoded after the split: an encoded '/' is part of a segment.
    std::string decoded;
    if (!append_percent_decoded(segment, decoded) || has_control(decoded))
      return false;
    path.push_back(std::move(decoded));
  }
  for (std::size_t i = 1; i < path.size(); ++i)
    in.path += "/" + path[i];
  if (query != std::string_view::npos
      && !parse_query(target.substr(query + 1), in.query))
    return false;
  const pattern* best = nullptr;
  std::string best_fit;
  for (auto& x : all_) {
    auto how = fit(x.segments, path);
    if (how.empty())
      continue;
    add_method(out.allow, x.to.method);
    if (x.to.method == "GET")
      add_method(out.allow, "HEAD");
    if (answers(x.to, in.method) && how > best_fit) {
      best = &x;
      best_fit = std::move(how);
    }
  }
  if (best == nullptr)
    return true;
  out.found = &best->to;
  for (std::size_t i = 0; i < path.size(); ++i)
    if (is_parameter(best->segments[i]))
      in.parameters[best->segments[i].substr(1, best->segments[i].size() - 2)] =
        path[i];
  return true;
}

} // namespace cheops::http
