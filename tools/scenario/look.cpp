#include "tools/scenario/look.hpp"

#include "tools/scenario/admin.hpp"
#include "tools/scenario/match.hpp"
#include "tools/scenario/process.hpp"

#include <boost/json.hpp>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace cheops::scenario {

namespace json = boost::json;

namespace {

constexpr std::size_t line_shown_max = 160;

void failed(step_outcome& to, const error& x) {
  to.wrong.push_back({"step", "to be done", cheops::to_string(x)});
}

std::string content(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

/// Variables in what is expected; what looks like a number then is one.
result<matcher> expanded(matcher x, const variables& known) {
  auto value = expand_all(x.value, known);
  if (!value)
    return value.error();
  x.value = *std::move(value);
  if (const auto* text = x.value.if_string()) {
    boost::system::error_code wrong;
    auto number = json::parse(*text, wrong);
    if (!wrong && number.is_number())
      x.value = number;
  }
  return x;
}

json::value number(double x) {
  if (std::floor(x) == x && std::abs(x) < 1e15)
    return static_cast<std::int64_t>(x);
  return x;
}

void compare_output(const cheops_action& x, const std::string& output,
                    const variables& known, step_outcome& to) {
  if (x.output) {
    auto want = expanded(*x.output, known);
    if (!want)
      return failed(to, want.error());
    const json::value all(output);
    if (!holds(*want, &all))
      to.wrong.push_back({"what it prints", to_string(*want), output});
  }
  std::vector<std::pair<std::string, matcher>> body;
  for (const auto& [where, rule] : x.body) {
    auto want = expanded(rule, known);
    if (!want)
      return failed(to, want.error());
    body.emplace_back(where, *std::move(want));
  }
  if (!body.empty())
    for (auto& wrong : compare(body, output))
      to.wrong.push_back(std::move(wrong));
}

} // namespace

std::optional<double> metric_of(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.size() > name.size() && line.substr(0, name.size()) == name
        && line[name.size()] == ' ')
      return std::strtod(std::string{line.substr(name.size() + 1)}.c_str(),
                         nullptr);
  }
  return std::nullopt;
}

void play_cheops(sites& all, const cheops_action& x, variables& known,
                 step_outcome& to) {
  auto site = all.find(x.site);
  if (!site)
    return failed(to, site.error());
  launch how{
    {program(all.with(), "cheops"), "--admin", (*site)->admin_socket()},
    (*site)->folder + "/cheops.out",
    all.network_of(**site)};
  to.command = "cheops";
  for (const auto& word : x.words) {
    auto text = expand(word, known);
    if (!text)
      return failed(to, text.error());
    to.command += ' ' + *text;
    how.command.push_back(*std::move(text));
  }
  std::error_code none;
  std::filesystem::remove(how.log, none);
  auto started = process::start(how);
  if (!started)
    return failed(to, started.error());
  if (!(*started)->wait(x.timeout))
    return failed(to, {errc::timed_out, "it did not end", x.site, to.command,
                       "give it a longer timeout"});
  auto output = content(how.log);
  to.body = output;
  to.answer = output.substr(0, std::min(output.find('\n'), line_shown_max));
  auto ended = (*started)->ended().value_or("it runs");
  auto wanted = "ended with status " + std::to_string(x.status);
  if (ended != wanted)
    to.wrong.push_back({"cheops", wanted, ended + ": " + output});
  compare_output(x, output, known, to);
  observation seen;
  seen.status = 200;
  seen.body = output;
  for (const auto& [name, from] : x.capture) {
    if (!to.held())
      return;
    auto value = captured(from, seen);
    if (!value)
      return failed(to, value.error());
    known[name] = *std::move(value);
  }
}

void play_metrics(sites& all, const metrics_action& x, variables& known,
                  step_outcome& to) {
  auto site = all.find(x.site);
  if (!site)
    return failed(to, site.error());
  auto text = metrics_of(**site);
  if (!text)
    return failed(to, text.error());
  for (const auto& [name, rule] : x.expect) {
    auto want = expanded(rule, known);
    if (!want)
      return failed(to, want.error());
    auto seen = metric_of(*text, name);
    auto value = seen ? number(*seen) : json::value{};
    to.proof.push_back(name + " is "
                       + (seen ? json::serialize(value) : "not there"));
    if (!holds(*want, seen ? &value : nullptr))
      to.wrong.push_back(
        {name, to_string(*want), seen ? json::serialize(value) : "not there"});
  }
  for (const auto& [name, from] : x.capture) {
    auto seen = metric_of(*text, from);
    if (!seen)
      return failed(to, {errc::not_found, "no metric \"" + from + '"', x.site,
                         "read /metrics", ""});
    known[name] = json::serialize(number(*seen));
  }
}

void play_store(sites& all, const store_action& x, const variables& known,
                step_outcome& to) {
  auto site = all.find(x.site);
  if (!site)
    return failed(to, site.error());
  auto want = expanded(x.expect, known);
  if (!want)
    return failed(to, want.error());
  namespace fs = std::filesystem;
  std::string bytes;
  std::error_code wrong;
  fs::recursive_directory_iterator i{(*site)->folder + "/data", wrong};
  for (; !wrong && i != fs::recursive_directory_iterator{}; i.increment(wrong))
    if (i->is_regular_file(wrong))
      bytes += content(i->path());
  if (wrong)
    return failed(to, {errc::io, wrong.message(), x.site, "read the store",
                       "try again: the node removes files, too"});
  auto size = std::to_string(bytes.size()) + " bytes";
  to.proof.push_back("its data folder has " + size);
  const json::value seen(std::move(bytes));
  if (!holds(*want, &seen))
    to.wrong.push_back(
      {"store", to_string(*want), size + " where it is not so"});
}

} // namespace cheops::scenario
