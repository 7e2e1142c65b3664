#pragma once

#include "support/folder_fixture.hpp"

#include <map>
#include <string>
#include <vector>

namespace cheops::test {

struct outcome {
  int code = -1; ///< The exit code; 128 and more: died of a signal.
  std::string out;
  std::string err;
};

/// Runs a program to its end and keeps what it wrote. `environment` is added
/// to ours; an empty value takes the variable away.
[[nodiscard]] outcome
run_program(const std::vector<std::string>& command,
            const std::map<std::string, std::string>& environment = {},
            const std::string& input = {});

/// A folder of its own, with programs and folders in it.
class temporary_folder {
public:
  [[nodiscard]] std::string path() const { return inner_.folder.string(); }
  /// Writes a file in it (folders too), with those rights; its path.
  std::string write(const std::string& name, const std::string& content,
                    unsigned mode = 0644) const;
  [[nodiscard]] std::string read(const std::string& name) const {
    return inner_.read(name);
  }

private:
  folder_fixture inner_;
};

} // namespace cheops::test
