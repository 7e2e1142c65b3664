#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

/// A folder for one test, gone after it.
struct folder_fixture {
  std::filesystem::path folder;

  folder_fixture() {
    auto pattern =
      (std::filesystem::temp_directory_path() / "cheops-test-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error{"mkdtemp failed"};
    folder = pattern;
  }
  ~folder_fixture() {
    std::error_code ec;
    std::filesystem::remove_all(folder, ec);
  }
  folder_fixture(const folder_fixture&) = delete;
  folder_fixture& operator=(const folder_fixture&) = delete;

  [[nodiscard]] std::string path(const std::string& name) const {
    return (folder / name).string();
  }
  [[nodiscard]] std::string read(const std::string& name) const {
    std::ifstream in{folder / name, std::ios::binary};
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream{folder / name, std::ios::binary} << text;
    return path(name);
  }
};
