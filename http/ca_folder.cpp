#include "http/ca_folder.hpp"

#include "http/file.hpp"

#include <boost/json.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace cheops::http::ca {

namespace {

namespace json = boost::json;

error failed(const std::string& path, std::string_view step, int why) {
  return {errc::io, path + ": " + std::strerror(why), "", std::string{step},
          ""};
}

result<void> write_new(const std::string& path, const folder_lock::file& x) {
  auto done = http::write_new(path, x.content, x.mode);
  if (done.why == 0)
    return {};
  return failed(path, done.made ? "write file" : "create file", done.why);
}

std::string text_at(const json::object& x, std::string_view key) {
  auto* value = x.if_contains(key);
  auto* text = value == nullptr ? nullptr : value->if_string();
  return text == nullptr ? std::string{} : std::string{*text};
}

} // namespace

folder_lock::folder_lock(std::string folder, int fd)
  : folder_(std::move(folder)), fd_(fd) {}

folder_lock::folder_lock(folder_lock&& other) noexcept
  : folder_(std::move(other.folder_)), fd_(std::exchange(other.fd_, -1)) {}

folder_lock::~folder_lock() {
  if (fd_ >= 0)
    ::close(fd_);
}

result<folder_lock> folder_lock::make(const std::string& folder) {
  std::error_code ec;
  auto parent = std::filesystem::path{folder}.parent_path();
  if (!parent.empty())
    std::filesystem::create_directories(parent, ec);
  if (ec)
    return failed(parent.string(), "make folder", ec.value());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return failed(folder, "make folder", errno);
  return open(folder);
}

result<folder_lock> folder_lock::open(const std::string& folder) {
  auto fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return failed(folder, "open folder", errno);
  folder_lock out{folder, fd};
  while (::flock(fd, LOCK_EX) != 0)
    if (errno != EINTR)
      return failed(folder, "lock folder", errno);
  return out;
}

std::string folder_lock::path(const std::string& name) const {
  return (std::filesystem::path{folder_} / name).string();
}

bool folder_lock::exists(const std::string& name) const {
  return ::faccessat(fd_, name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

result<std::string> folder_lock::read(const std::string& name) const {
  errno = 0;
  std::ifstream in{path(name), std::ios::binary};
  std::ostringstream out;
  if (!in || !(out << in.rdbuf()))
    if (errno != 0)
      return failed(path(name), "read file", errno);
  return out.str();
}

result<void> folder_lock::create(const std::vector<file>& files) const {
  for (std::size_t i = 0; i < files.size(); ++i) {
    auto done = write_new(path(files[i].name), files[i]);
    if (done)
      continue;
    for (std::size_t k = 0; k < i; ++k)
      ::unlink(path(files[k].name).c_str());
    return done.error();
  }
  return {};
}

result<void> folder_lock::replace(const std::vector<file>& files) const {
  for (auto& x : files) {
    auto scratch = path(x.name) + ".new";
    ::unlink(scratch.c_str()); // Of a run that was interrupted; we are alone.
    if (auto done = write_new(scratch, x); !done)
      return done.error();
    if (::rename(scratch.c_str(), path(x.name).c_str()) != 0)
      return failed(path(x.name), "replace file", errno);
  }
  if (::fsync(fd_) != 0)
    return failed(folder_, "sync folder", errno);
  return {};
}

result<std::vector<entry>> folder_lock::read_entries() const {
  auto text = read("issued.jsonl");
  if (!text)
    return text.error();
  std::vector<entry> out;
  std::istringstream lines{*text};
  std::string line;
  while (std::getline(lines, line)) {
    json::error_code ec;
    auto value = json::parse(line, ec);
    auto* x = ec ? nullptr : value.if_object();
    if (x == nullptr || text_at(*x, "serial").empty())
      return error{errc::bad_config,
                   path("issued.jsonl") + ":" + std::to_string(out.size() + 1)
                     + ": is not an entry of an issued certificate",
                   "", "read list", ""};
    out.push_back({text_at(*x, "serial"), text_at(*x, "name"),
                   text_at(*x, "kind") == "site", text_at(*x, "not_after"),
                   text_at(*x, "revoked")});
  }
  return out;
}

result<void>
folder_lock::write_entries(const std::vector<entry>& entries) const {
  std::string text;
  for (auto& x : entries) {
    json::object line;
    line["serial"] = x.serial;
    line["name"] = x.name;
    line["kind"] = x.site ? "site" : "server";
    line["not_after"] = x.not_after;
    if (!x.revoked.empty())
      line["revoked"] = x.revoked;
    text += json::serialize(line) + '\n';
  }
  return replace({{"issued.jsonl", std::move(text), 0644}});
}

} // namespace cheops::http::ca
