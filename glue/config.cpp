#include "glue/config.hpp"

#include "glue/read_config.hpp"
#include "glue/registry.hpp"

#include <filesystem>

namespace cheops::glue {

namespace fs = std::filesystem;

namespace {

/// The description that the configuration names. Its own complaints have
/// their own lines, so they are an error of their own.
result<application::description> read_application(const yaml::node& root,
                                                  const fs::path& folder,
                                                  std::string& file) {
  auto x = root.optional("application");
  if (!x.is_text())
    return application::description{}; // Complained about when it is read.
  file = x.as<std::string>();
  if (!is_bare_name(file)) {
    file = (folder / file).lexically_normal();
    return load_description(file);
  }
  auto found = find_description(file);
  if (!found) {
    auto why = found.error();
    why.what = x.where() + ": " + x.path() + ": " + why.what;
    return why;
  }
  file = *found;
  return load_description(file);
}

result<site::config> read(const result<yaml::document>& file,
                          const std::string& path) {
  if (!file)
    return file.error();
  std::error_code ec;
  auto whole = fs::absolute(path, ec);
  if (ec)
    return error{errc::bad_config, path + ": " + ec.message(), "", "", ""};
  auto folder = whole.parent_path();
  auto root = file->root();
  std::string application_file;
  auto app = read_application(root, folder, application_file);
  if (!app)
    return app.error();
  auto out = read_config(root, *app, folder.string());
  out.file = whole.lexically_normal();
  out.application_file = std::move(application_file);
  if (file->clean())
    check_config(root, out);
  if (auto ok = file->check(); !ok)
    return ok.error();
  return out;
}

} // namespace

result<site::config> load_config(const std::string& path) {
  return read(yaml::read_file(path), path);
}

result<site::config> parse_config(std::string_view text,
                                  const std::string& path) {
  return read(yaml::parse(text, path), path);
}

} // namespace cheops::glue
