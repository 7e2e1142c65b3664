#include "cheops/application/description.hpp"
#include "cheops/percent.hpp"

#include <array>

namespace cheops::application {

namespace {

/// The path of a target, cut and decoded once for all templates.
class path_segments {
public:
  /// False: no template can match it.
  bool parse(std::string_view target) {
    auto path = target.substr(0, target.find_first_of("?#"));
    if (path.empty() || path.front() != '/')
      return false;
    auto escaped = path.find('%') != std::string_view::npos;
    if (escaped)
      decoded_.reserve(path.size()); // The views into it must stay valid.
    for (; !path.empty(); ++number_) {
      path.remove_prefix(1); // The slash.
      auto segment = path.substr(0, path.find('/'));
      path.remove_prefix(segment.size());
      if (escaped) {
        auto start = decoded_.size();
        if (!append_percent_decoded(segment, decoded_))
          return false;
        segment = std::string_view{decoded_}.substr(start);
      }
      take(segment);
    }
    return count_ <= segments_.size();
  }

  std::size_t size() const noexcept { return count_; }
  std::string_view operator[](std::size_t i) const { return segments_[i]; }
  /// The number of that segment before any was dropped.
  std::uint32_t number(std::size_t i) const { return numbers_[i]; }

private:
  /// Applications resolve dot segments and most merge slashes, so two
  /// spellings of one path must not be two resources.
  void take(std::string_view segment) {
    if (segment.empty() || segment == ".")
      return;
    if (segment == "..") {
      count_ -= count_ > 0 ? 1 : 0;
      return;
    }
    if (count_ < segments_.size()) {
      segments_[count_] = segment;
      numbers_[count_] = number_;
    }
    ++count_; // Deeper than any template, but ".." may still come back.
  }

  std::array<std::string_view, template_segments_max> segments_;
  std::array<std::uint32_t, template_segments_max> numbers_{};
  std::uint32_t number_ = 0;
  std::size_t count_ = 0;
  std::string decoded_;
};

struct match {
  /// One bit a segment, the first the highest: set where it is literal. So
  /// the greater of two is the one that is literal where they first differ.
  std::uint32_t literals = 0;
  std::string_view id;
};
static_assert(template_segments_max <= 32, "one bit for each segment");

bool fits(std::string_view pattern, const path_segments& path, match& out) {
  std::size_t i = 0;
  std::uint32_t literals = 0;
  while (!pattern.empty()) {
    pattern.remove_prefix(1); // The slash.
    auto wanted = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(wanted.size());
    if (wanted.empty()) // "/" alone, or a slash at the end.
      continue;
    if (i == path.size())
      return false;
    auto here = path[i];
    if (wanted.front() != '{') {
      if (wanted != here)
        return false;
      literals |= std::uint32_t{1} << (31 - i);
    } else if (wanted == "{id}") {
      out.id = here;
    }
    ++i;
  }
  out.literals = literals;
  return i == path.size();
}

verb guess(std::string_view method) noexcept {
  if (method == "GET" || method == "HEAD")
    return verb::read;
  if (method == "POST")
    return verb::create;
  if (method == "PUT" || method == "PATCH")
    return verb::update;
  return method == "DELETE" ? verb::remove : verb::other;
}

/// The template that a path matches; null: none does.
const operation* find_template(request_class& out, const service& of,
                               std::string_view method,
                               const path_segments& path) {
  const operation* found = nullptr;
  if (method == "HEAD")
    method = "GET";
  match best;
  auto best_has_method = false;
  for (const auto& owned : of.resources) {
    for (const auto& op : owned.operations) {
      auto has_method = op.method == method;
      if (best_has_method && !has_method)
        continue;
      match m;
      if (!fits(op.path, path, m))
        continue;
      auto better = !out.about || (has_method && !best_has_method)
                    || m.literals > best.literals;
      if (!better)
        continue;
      best = m;
      best_has_method = has_method;
      found = &op;
      out.about = &owned;
      out.does = has_method ? op.does : verb::other;
    }
  }
  if (out.about)
    out.id = best.id;
  return found;
}

/// The values of the parameters of a template that `path` matches.
std::vector<path_parameter> values_of(std::string_view pattern,
                                      const path_segments& path) {
  std::vector<path_parameter> out;
  for (std::size_t i = 0; !pattern.empty();) {
    pattern.remove_prefix(1); // The slash.
    auto wanted = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(wanted.size());
    if (wanted.empty())
      continue;
    if (wanted.front() == '{')
      out.push_back({wanted.substr(1, wanted.size() - 2), std::string{path[i]},
                     path.number(i)});
    ++i;
  }
  return out;
}

} // namespace

request_class classify(const service& of, std::string_view method,
                       std::string_view target) {
  request_class out;
  out.of = &of;
  out.does = guess(method);
  path_segments path;
  if (path.parse(target))
    (void) find_template(out, of, method, path);
  return out;
}

request_match match(const service& of, std::string_view method,
                    std::string_view target) {
  request_match out;
  out.what.of = &of;
  out.what.does = guess(method);
  path_segments path;
  if (!path.parse(target))
    return out;
  out.by = find_template(out.what, of, method, path);
  if (out.by != nullptr)
    out.parameters = values_of(out.by->path, path);
  return out;
}

} // namespace cheops::application
