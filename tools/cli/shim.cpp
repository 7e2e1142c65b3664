#include "tools/cli/shim.hpp"

#include "tools/cli/program.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <iostream>
#include <unistd.h>

/// `cheops shim`: wrappers that let a client's own command line take --scope.
namespace cheops::cli {

namespace fs = std::filesystem;
namespace json = boost::json;

/// tools/cli/shims/*.sh, embedded by the build.
extern const std::string_view shim_common;
extern const std::string_view shim_kubectl;
extern const std::string_view shim_kubectl_cheops;
extern const std::string_view shim_openstack;

namespace {

constexpr std::array<std::string_view, 3> clients{"kubectl", "kubectl-cheops",
                                                  "openstack"};

std::vector<fs::path> path_folders() {
  std::vector<fs::path> out;
  auto text = from_environment("PATH");
  for (std::size_t at = 0; at <= text.size();) {
    auto end = std::min(text.find(':', at), text.size());
    out.emplace_back(end > at ? text.substr(at, end - at) : ".");
    at = end + 1;
  }
  return out;
}

bool is_program(const fs::path& x) {
  std::error_code failure;
  return fs::is_regular_file(x, failure) && access(x.c_str(), X_OK) == 0;
}

/// The first on PATH of that name, shim or not; empty if there is none.
fs::path first_on_path(std::string_view name) {
  for (const auto& folder : path_folders())
    if (is_program(folder / name))
      return folder / name;
  return {};
}

/// The program that a shim becomes; a plugin has its host's.
std::string_view client_of(std::string_view name) {
  return name == "kubectl-cheops" ? "kubectl" : name;
}

void replace_all(std::string& in, std::string_view mark,
                 std::string_view with) {
  for (auto at = in.find(mark); at != std::string::npos;
       at = in.find(mark, at + with.size()))
    in.replace(at, mark.size(), with);
}

bool has_real(std::string_view name) {
  return std::ranges::any_of(path_folders(), [&](const fs::path& folder) {
    return is_program(folder / name) && !is_shim(folder / name);
  });
}

fs::path default_folder() {
  return fs::path{from_environment("HOME")} / ".local/bin";
}

struct shim_options {
  std::string name;
  std::string folder;
  [[nodiscard]] fs::path where() const {
    return (folder.empty() ? default_folder() : fs::path{folder}) / name;
  }
};

int install(const session& s, const shim_options& with) {
  auto done = install_shim(with.name, with.where());
  if (!done)
    return s.fail(done.error());
  std::cout << "Installed " << with.where().string() << ".\n";
  auto first = first_on_path(with.name);
  std::error_code failure;
  if (first.empty() || !fs::equivalent(first, with.where(), failure))
    std::cerr << "cheops: it is not the first " << with.name << " on PATH"
              << (first.empty() ? "" : "; " + first.string() + " is")
              << "\nPut its folder first: export PATH="
              << fs::absolute(with.where(), failure)
                   .lexically_normal()
                   .parent_path()
                   .string()
              << ":\"$PATH\"\n";
  if (auto client = client_of(with.name); !has_real(client))
    std::cerr << "cheops: no real " << client
              << " is on PATH yet; the shim needs one\n";
  return exit_ok;
}

int uninstall(const session& s, const shim_options& with) {
  auto at = with.where();
  std::error_code failure;
  if (!fs::exists(at, failure))
    return s.fail({errc::io, at.string() + " is not there", "", "uninstall",
                   "`cheops shim list` shows what is"});
  if (!is_shim(at))
    return s.fail({errc::forbidden, at.string() + " is no shim of ours", "",
                   "uninstall", "it stays"});
  if (!fs::remove(at, failure))
    return s.fail({errc::io,
                   "cannot remove " + at.string() + ": " + failure.message(),
                   "", "uninstall", ""});
  std::cout << "Removed " << at.string() << ".\n";
  return exit_ok;
}

int list(const session& s, const shim_options& with) {
  auto folders = path_folders();
  folders.push_back(with.where().parent_path());
  table rows{"shim", {{"NAME"}, {"FILE"}, {"FIRST ON PATH"}}, {}};
  json::array items;
  std::vector<fs::path> seen;
  for (const auto& folder : folders)
    for (auto name : clients) {
      auto at = fs::absolute(folder / name).lexically_normal();
      if (!is_shim(at) || std::ranges::find(seen, at) != seen.end())
        continue;
      seen.push_back(at);
      std::error_code failure;
      auto first = fs::equivalent(first_on_path(name), at, failure);
      rows.rows.push_back(
        {std::string{name}, at.string(), first ? "yes" : "no"});
      json::object item;
      item["name"] = name;
      item["file"] = at.string();
      item["first_on_path"] = first;
      items.push_back(std::move(item));
    }
  if (rows.rows.empty() && s.output() == format::table) {
    std::cerr << "No shims.\n";
    return exit_ok;
  }
  json::object whole;
  whole["shims"] = std::move(items);
  s.print(rows, whole);
  return exit_ok;
}

} // namespace

std::string shim_script(std::string_view name) {
  std::string out{shim_common};
  std::string_view first;
  if (name == "kubectl-cheops")
    first = shim_kubectl_cheops;
  if (client_of(name) == "kubectl")
    out += shim_kubectl;
  else if (name == "openstack")
    out += shim_openstack;
  else
    return {};
  replace_all(out, "@FIRST@", first);
  replace_all(out, "@NAME@", name);
  replace_all(out, "@CLIENT@", client_of(name));
  return out;
}

bool is_shim(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  char head[64] = {};
  in.read(head, sizeof head);
  std::string_view text{head, static_cast<std::size_t>(in.gcount())};
  return text.find("\n# cheops-shim ") != std::string_view::npos;
}

result<void> install_shim(std::string_view name, const fs::path& at) {
  auto failed = [&](const std::string& why) {
    return error{errc::io, "cannot write " + at.string() + ": " + why, "",
                 "install", ""};
  };
  std::error_code failure;
  if (fs::exists(at, failure) && !is_shim(at))
    return error{errc::forbidden, at.string() + " is there and no shim of ours",
                 "", "install", "choose another folder with --dir"};
  fs::create_directories(at.parent_path(), failure);
  if (failure)
    return failed(failure.message());
  // Written beside and renamed, so that no half script is ever run.
  auto draft = at;
  draft += ".new";
  std::ofstream out{draft, std::ios::trunc};
  out << shim_script(name) << std::flush;
  if (!out.good())
    return failed("the folder cannot be written to");
  out.close();
  fs::permissions(draft, fs::perms{0755}, failure);
  if (!failure)
    fs::rename(draft, at, failure);
  if (failure)
    return failed(failure.message());
  return {};
}

void add_shim(program& to) {
  auto with = std::make_shared<shim_options>();
  auto* shim = to.root.add_subcommand(
    "shim", "let kubectl and openstack take --scope as typed");
  shim->group("Work")->require_subcommand(1);
  shim->add_option("--dir", with->folder, "the folder; default: ~/.local/bin");
  auto* in = to.add(shim, "install", "put the wrapper in the folder",
                    [&to, with] { return install(to.common, *with); });
  auto* out = to.add(shim, "uninstall", "take the wrapper away",
                     [&to, with] { return uninstall(to.common, *with); });
  for (auto* x : {in, out})
    x->add_option("CLIENT", with->name,
                  "kubectl, openstack, or kubectl-cheops (a plugin)")
      ->required()
      ->check(CLI::IsMember({"kubectl", "kubectl-cheops", "openstack"}));
  to.add(shim, "list", "the wrappers on PATH and in the folder",
         [&to, with] { return list(to.common, *with); });
}

} // namespace cheops::cli
