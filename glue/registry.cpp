#include "glue/registry.hpp"

#include "cheops/names.hpp"
#include "glue/read_description.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace cheops::glue {

namespace fs = std::filesystem;

namespace {

result<application::description> read(const result<yaml::document>& file) {
  if (!file)
    return file.error();
  auto out = read_description(file->root());
  if (auto ok = file->check(); !ok)
    return ok.error();
  return out;
}

/// The names of the descriptions in all folders, sorted.
std::vector<std::string> known_names(const std::vector<std::string>& folders) {
  std::vector<std::string> out;
  for (const auto& folder : folders) {
    std::error_code ec;
    for (fs::directory_iterator i{folder, ec}, end; !ec && i != end;
         i.increment(ec))
      if (i->path().extension() == ".yaml")
        out.push_back(i->path().stem().string());
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

} // namespace

bool is_bare_name(std::string_view where) noexcept {
  return !where.empty() && where.find('/') == std::string_view::npos
         && !where.ends_with(".yaml") && !where.ends_with(".yml");
}

std::vector<std::string> description_folders() {
  std::vector<std::string> out;
  if (const char* set = std::getenv("CHEOPS_APPLICATIONS")) {
    std::string_view rest = set;
    while (!rest.empty()) {
      auto folder = rest.substr(0, rest.find(':'));
      rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
      if (!folder.empty())
        out.emplace_back(folder);
    }
  }
  std::error_code ec;
  auto program = fs::read_symlink("/proc/self/exe", ec);
  if (!ec) {
    // An installation; then the source tree, from build/bin and from the
    // bin folder of a preset (build/dev/bin).
    for (const auto* way :
         {"../share/cheops/applications", "../../glue/applications",
          "../../../glue/applications"})
      out.push_back((program.parent_path() / way).lexically_normal());
  }
  out.emplace_back("/usr/share/cheops/applications");
  return out;
}

result<std::string> find_description(const std::string& name) {
  auto folders = description_folders();
  for (const auto& folder : folders) {
    auto file = fs::path{folder} / (name + ".yaml");
    std::error_code ec;
    if (fs::is_regular_file(file, ec))
      return file.string();
  }
  error x;
  x.code = errc::bad_config;
  x.what = "no application is called \"" + name + "\"";
  auto near = nearest_name(name, known_names(folders));
  x.hint = near.empty() ? "" : "did you mean \"" + near + "\"? ";
  x.hint += "looked for " + name + ".yaml in";
  for (const auto& folder : folders)
    x.hint += " " + folder;
  return x;
}

result<application::description> load_description(const std::string& where) {
  if (!is_bare_name(where))
    return read(yaml::read_file(where));
  auto file = find_description(where);
  if (!file)
    return file.error();
  return read(yaml::read_file(*file));
}

result<application::description> parse_description(std::string_view text,
                                                   std::string name) {
  return read(yaml::parse(text, std::move(name)));
}

} // namespace cheops::glue
