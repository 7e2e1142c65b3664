#pragma once

#include "cheops/result.hpp"
#include "http/ca.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace cheops::http::ca {

/// A folder of the authority's (or for certificates) while it is locked: the
/// files in it and how they are written. For ca.cpp.
class folder_lock {
public:
  struct file {
    std::string name;
    std::string content;
    mode_t mode;
  };

  /// Makes the folder (0700) if there is none. Waits for other processes.
  [[nodiscard]] static result<folder_lock> make(const std::string& folder);
  [[nodiscard]] static result<folder_lock> open(const std::string& folder);
  folder_lock(folder_lock&& other) noexcept;
  folder_lock(const folder_lock&) = delete;
  folder_lock& operator=(const folder_lock&) = delete;
  ~folder_lock();

  [[nodiscard]] std::string path(const std::string& name) const;
  [[nodiscard]] bool exists(const std::string& name) const;
  [[nodiscard]] result<std::string> read(const std::string& name) const;

  /// Writes files that must not exist; on an error none is left.
  [[nodiscard]] result<void> create(const std::vector<file>& files) const;
  /// Writes files whole or not at all (each for itself), synced.
  [[nodiscard]] result<void> replace(const std::vector<file>& files) const;

  [[nodiscard]] result<std::vector<entry>> read_entries() const;
  [[nodiscard]] result<void>
  write_entries(const std::vector<entry>& entries) const;

private:
  folder_lock(std::string folder, int fd);
  std::string folder_;
  int fd_; ///< The folder itself, flock()ed.
};

} // namespace cheops::http::ca
