#include "tools/run_program.hpp"

#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace cheops::test {

namespace fs = std::filesystem;

namespace {

void redirect(const std::string& file, int flags, int to) {
  int fd = open(file.c_str(), flags, 0600);
  if (fd < 0 || dup2(fd, to) < 0)
    _exit(125);
}

[[noreturn]] void become(const std::vector<std::string>& command,
                         const std::map<std::string, std::string>& environment,
                         const std::string& folder) {
  redirect(folder + "/in", O_RDONLY, 0);
  redirect(folder + "/out", O_WRONLY | O_CREAT, 1);
  redirect(folder + "/err", O_WRONLY | O_CREAT, 2);
  for (const auto& [name, value] : environment)
    if (value.empty())
      unsetenv(name.c_str());
    else
      setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> words;
  for (const auto& x : command)
    words.push_back(const_cast<char*>(x.c_str()));
  words.push_back(nullptr);
  execv(words[0], words.data());
  _exit(126);
}

} // namespace

outcome run_program(const std::vector<std::string>& command,
                    const std::map<std::string, std::string>& environment,
                    const std::string& input) {
  // Files, not pipes: a program that writes much cannot block us.
  temporary_folder files;
  files.write("in", input);
  auto child = fork();
  if (child < 0)
    throw std::runtime_error("fork failed");
  if (child == 0)
    become(command, environment, files.path());
  int status = 0;
  if (waitpid(child, &status, 0) != child)
    throw std::runtime_error("waitpid failed");
  outcome out;
  out.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  out.out = files.read("out");
  out.err = files.read("err");
  return out;
}

std::string temporary_folder::write(const std::string& name,
                                    const std::string& content,
                                    unsigned mode) const {
  auto at = inner_.folder / name;
  fs::create_directories(at.parent_path());
  inner_.write(name, content);
  fs::permissions(at, fs::perms{mode});
  return at.string();
}

} // namespace cheops::test
