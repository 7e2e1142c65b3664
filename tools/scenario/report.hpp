#pragma once

#include "tools/scenario/book.hpp"
#include "tools/scenario/match.hpp"
#include "tools/scenario/workload.hpp"

#include <boost/json/value.hpp>

#include <string>
#include <vector>

/// What a run found, for people and for programs.
namespace cheops::scenario {

struct step_outcome {
  std::string title;
  std::string who;
  std::string story;
  int line = 0;
  std::string command; ///< As a user would type it; may be empty.
  std::string answer;  ///< One line.
  std::string body;    ///< The whole answer.
  std::vector<std::string> proof;
  std::vector<mismatch> wrong;
  microseconds took{0};
  [[nodiscard]] bool held() const { return wrong.empty(); }
};

struct check_outcome {
  std::string name;
  std::string what; ///< What was seen.
  bool held = false;
};

struct run_report {
  std::string title;
  std::string file;
  std::uint64_t seed = 0;
  std::string broken; ///< Why the run itself could not go on.
  std::vector<step_outcome> steps;
  std::size_t steps_in_all = 0;
  std::vector<std::string> faults; ///< In their order.
  std::map<load_key, load_count> load;
  std::vector<change_book> books; ///< Of workloads with changes.
  std::vector<check_outcome> checks;
  milliseconds took{0};

  [[nodiscard]] bool held() const;
};

[[nodiscard]] boost::json::value to_json(const run_report& x);

/// Writes to a terminal, or plainly to a file.
class printer {
public:
  printer(bool color, bool verbose) : color_(color), verbose_(verbose) {}

  void title(const std::string& title, const std::string& story) const;
  void line(const std::string& text) const;
  void dim(const std::string& text) const;
  void step(std::size_t number, const step_outcome& x) const;
  void fault(const std::string& text) const;
  void load(const std::map<load_key, load_count>& counts) const;
  void check(const check_outcome& x) const;
  void problem(const std::string& text) const;
  void summary(const run_report& x) const;

private:
  [[nodiscard]] std::string painted(const char* code,
                                    const std::string& text) const;
  [[nodiscard]] std::string mark(bool held) const;
  bool color_;
  bool verbose_; ///< Whole answers.
};

/// Breaks a text into lines of at most `width` characters.
[[nodiscard]] std::vector<std::string> wrapped(const std::string& text,
                                               std::size_t width);

/// "850 us", "12 ms", "3.4 s".
[[nodiscard]] std::string duration_text(microseconds x);

} // namespace cheops::scenario
