#include "tools/cli/exec.hpp"

#include "tools/cli/session.hpp"

#include <cassert>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <unistd.h>

namespace cheops::cli {

int become(const std::vector<std::string>& command) {
  assert(!command.empty());
  std::cout.flush();
  std::vector<char*> words;
  for (const auto& x : command)
    words.push_back(const_cast<char*>(x.c_str()));
  words.push_back(nullptr);
  execvp(words[0], words.data());
  auto missing = errno == ENOENT;
  std::cerr << "cheops: " << command[0] << ": "
            << (missing ? "no such command" : std::strerror(errno)) << "\n";
  return missing ? exit_no_command : exit_not_executable;
}

std::string own_folder() {
  std::error_code failure;
  auto self = std::filesystem::read_symlink("/proc/self/exe", failure);
  return failure ? "." : self.parent_path().string();
}

} // namespace cheops::cli
