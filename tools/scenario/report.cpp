#include "tools/scenario/report.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <sstream>

namespace cheops::scenario {

namespace json = boost::json;

namespace {

constexpr std::size_t text_width = 76;
constexpr const char* indent = "     ";

json::array to_json(const std::vector<std::string>& x) {
  json::array out;
  for (const auto& text : x)
    out.emplace_back(text);
  return out;
}

json::object to_json(const step_outcome& x) {
  json::array wrong;
  for (const auto& w : x.wrong)
    wrong.push_back(json::object{
      {"what", w.what}, {"expected", w.expected}, {"actual", w.actual}});
  return {{"title", x.title},          {"line", x.line},
          {"held", x.held()},          {"took_us", x.took.count()},
          {"command", x.command},      {"answer", x.answer},
          {"proof", to_json(x.proof)}, {"wrong", std::move(wrong)}};
}

json::object to_json(const load_key& of, const load_count& x) {
  return {{"site", of.site},
          {"service", of.service},
          {"scoped", of.scoped},
          {"sent", x.sent},
          {"served", x.served},
          {"refused", x.refused},
          {"failed", x.failed},
          {"excused", x.excused},
          {"longest_us", x.longest.count()}};
}

/// Characters that a terminal shows: bytes that go on with one are left out.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
    std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

} // namespace

bool run_report::held() const {
  auto good = [](const auto& x) {
    if constexpr (requires { x.held(); })
      return x.held();
    else
      return x.held;
  };
  return broken.empty() && steps.size() == steps_in_all
         && std::all_of(steps.begin(), steps.end(), good)
         && std::all_of(checks.begin(), checks.end(), good);
}

json::value to_json(const run_report& x) {
  json::array steps;
  for (const auto& one : x.steps)
    steps.push_back(to_json(one));
  json::array load;
  for (const auto& [key, count] : x.load)
    load.push_back(to_json(key, count));
  json::array changes;
  for (const auto& one : x.books)
    changes.push_back(
      json::object{{"workload", one.workload},
                   {"resources", one.lives.size()},
                   {"acknowledged", one.count(change_fate::stands)},
                   {"refused", one.count(change_fate::not_done)},
                   {"open", one.count(change_fate::open)},
                   {"reads", one.reads},
                   {"behind", one.behind}});
  json::array checks;
  for (const auto& one : x.checks)
    checks.push_back(
      json::object{{"name", one.name}, {"held", one.held}, {"seen", one.what}});
  return json::object{{"title", x.title},
                      {"file", x.file},
                      {"held", x.held()},
                      {"seed", x.seed},
                      {"broken", x.broken},
                      {"took_ms", x.took.count()},
                      {"steps_in_all", x.steps_in_all},
                      {"steps", std::move(steps)},
                      {"faults", to_json(x.faults)},
                      {"load", std::move(load)},
                      {"changes", std::move(changes)},
                      {"checks", std::move(checks)}};
}

std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> out;
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;) {
    if (!line.empty() && width_of(line) + 1 + width_of(word) > width)
      out.push_back(std::exchange(line, {}));
    line += (line.empty() ? "" : " ") + word;
  }
  if (!line.empty())
    out.push_back(std::move(line));
  return out;
}

std::string duration_text(microseconds x) {
  char text[32];
  auto us = static_cast<double>(x.count());
  if (us < 1e3)
    std::snprintf(text, sizeof text, "%.0f us", us);
  else if (us < 1e6)
    std::snprintf(text, sizeof text, us < 1e4 ? "%.1f ms" : "%.0f ms",
                  us / 1e3);
  else
    std::snprintf(text, sizeof text, "%.1f s", us / 1e6);
  return text;
}

// -- printing ----------------------------------------------------------------

std::string printer::painted(const char* code, const std::string& text) const {
  return color_ ? std::string{"\x1b["} + code + 'm' + text + "\x1b[0m" : text;
}

std::string printer::mark(bool held) const {
  return held ? painted("32", "✔") : painted("31;1", "✘");
}

void printer::title(const std::string& title, const std::string& story) const {
  std::cout << painted("1", title) << '\n';
  for (const auto& text : wrapped(story, text_width))
    std::cout << text << '\n';
  std::cout << std::endl;
}

void printer::line(const std::string& text) const {
  std::cout << text << std::endl;
}

void printer::dim(const std::string& text) const {
  std::cout << painted("2", text) << std::endl;
}

void printer::step(std::size_t number, const step_outcome& x) const {
  char digits[16];
  std::snprintf(digits, sizeof digits, "%2zu", number);
  auto gap = std::max<std::size_t>(text_width, width_of(x.title) + 7)
             - width_of(x.title) - 6;
  std::cout << digits << ' ' << mark(x.held()) << ' ' << painted("1", x.title)
            << std::string(gap, ' ') << painted("2", duration_text(x.took))
            << '\n';
  auto story = x.who + (x.who.empty() || x.story.empty() ? "" : ": ") + x.story;
  for (const auto& text : wrapped(story, text_width - 5))
    std::cout << indent << text << '\n';
  if (!x.command.empty())
    std::cout << indent << painted("36", "$ " + x.command) << '\n';
  if (!x.answer.empty())
    std::cout << indent << x.answer << '\n';
  if (verbose_ && !x.body.empty())
    std::cout << x.body << '\n';
  for (const auto& text : x.proof)
    std::cout << indent << painted("2", text) << '\n';
  for (const auto& w : x.wrong)
    std::cout << indent << painted("31", w.what) << "\n       expected "
              << w.expected << "\n       but was  " << w.actual << '\n';
  std::cout << std::endl;
}

void printer::fault(const std::string& text) const {
  std::cout << painted("33", text) << std::endl;
}

void printer::load(const std::map<load_key, load_count>& counts) const {
  std::printf("%-12s %-12s %-7s %8s %8s %8s %8s %8s %10s\n", "site", "service",
              "", "sent", "served", "refused", "failed", "excused", "longest");
  for (const auto& [key, x] : counts)
    std::printf("%-12s %-12s %-7s %8llu %8llu %8llu %8llu %8llu %10s\n",
                key.site.c_str(), key.service.c_str(),
                key.scoped ? "scoped" : "local",
                static_cast<unsigned long long>(x.sent),
                static_cast<unsigned long long>(x.served),
                static_cast<unsigned long long>(x.refused),
                static_cast<unsigned long long>(x.failed),
                static_cast<unsigned long long>(x.excused),
                duration_text(x.longest).c_str());
  std::fflush(stdout);
}

void printer::check(const check_outcome& x) const {
  std::cout << mark(x.held) << ' ' << painted("1", x.name) << ": " << x.what
            << std::endl;
}

void printer::problem(const std::string& text) const {
  std::cout << painted("31", text) << std::endl;
}

void printer::summary(const run_report& x) const {
  auto held = [](const auto& all, auto good) {
    return std::to_string(std::count_if(all.begin(), all.end(), good));
  };
  std::string text;
  if (x.steps_in_all)
    text += held(x.steps, [](const auto& s) { return s.held(); }) + " of "
            + std::to_string(x.steps_in_all) + " steps";
  if (!x.checks.empty())
    text += (text.empty() ? "" : " and ")
            + held(x.checks, [](const auto& c) { return c.held; }) + " of "
            + std::to_string(x.checks.size()) + " checks";
  std::cout << mark(x.held()) << ' '
            << painted("1", text + " held, in " + duration_text(x.took))
            << std::endl;
}

} // namespace cheops::scenario
