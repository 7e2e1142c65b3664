#include "tools/cli/program.hpp"

#include "glue/quantity.hpp"

#include <algorithm>
#include <iostream>

namespace cheops::cli {

namespace {

void add_common(CLI::App& root, common_options& with) {
  root
    .add_option("--admin", with.admin,
                "the admin endpoint: URL, host:port or socket path")
    ->envname("CHEOPS_ADMIN");
  root
    .add_option("--config", with.config_file,
                "the site's configuration: names the admin endpoint and fronts")
    ->envname("CHEOPS_CONFIG");
  root
    .add_option("--token-file", with.token_file,
                "holds the admin endpoint's token")
    ->envname("CHEOPS_ADMIN_TOKEN_FILE");
  root
    .add_option("--ca-file", with.ca_file,
                "who may have signed the server's certificate")
    ->envname("CHEOPS_CA_FILE");
  root.add_option("--timeout", with.timeout, "how long an answer may take")
    ->capture_default_str()
    ->check([](const std::string& x) {
      return glue::to_duration(x).value_or(std::chrono::microseconds{})
                 > std::chrono::microseconds{0}
               ? std::string{}
               : "\"" + x + "\" is no time above 0: write 10s or 500ms";
    });
  root.add_flag("--wait", with.wait,
                "while the node cannot be reached, try again until --timeout");
  root
    .add_option("-o,--output", with.output, "table, wide, json, yaml or name")
    ->capture_default_str()
    ->check(CLI::IsMember({"table", "wide", "json", "yaml", "name"}));
  root.add_flag("--no-headers", with.no_headers, "tables without their head");
  root.add_flag("-v,--verbose", with.verbose, "say on stderr what is done");
}

/// The command that was reached, as far as the words were understood.
const CLI::App* deepest(const CLI::App& root) {
  const auto* at = &root;
  for (auto next = at->get_subcommands(); !next.empty();
       next = at->get_subcommands())
    at = next.front();
  return at;
}

/// What else the user may have meant by a word that nobody knows.
std::string suggestion(const CLI::App& at, const std::string& word) {
  std::vector<std::string> names;
  if (word.starts_with('-')) {
    for (const auto* app = &at; app; app = app->get_parent())
      for (const auto* option : app->get_options())
        for (const auto& name : option->get_lnames())
          names.push_back("--" + name);
  } else {
    for (const auto* sub : at.get_subcommands({}))
      names.push_back(sub->get_name());
  }
  constexpr std::size_t word_bytes_max = 64;
  return word.size() > word_bytes_max ? "" : nearest_name(word, names);
}

std::string names_of_commands(const CLI::App& at) {
  std::string out;
  for (const auto* sub : at.get_subcommands({}))
    out += (out.empty() ? "" : ", ") + sub->get_name();
  return out;
}

int explain_misuse(const program& to, const CLI::ParseError& why) {
  const auto* at = deepest(to.root);
  std::string command{"cheops"};
  std::string words;
  for (const auto* x = at; x->get_parent(); x = x->get_parent())
    words = " " + x->get_name() + words;
  command += words;
  std::string what = why.what();
  std::string near;
  auto rest = to.root.remaining(true);
  if (rest.empty() && dynamic_cast<const CLI::RequiredError*>(&why))
    if (auto names = names_of_commands(*at); !names.empty())
      what = "`" + command + "` needs a command: " + names;
  if (!rest.empty()) {
    auto is_option = rest.front().starts_with('-');
    what = is_option ? "unknown option " + rest.front()
           : at->get_subcommands({}).empty()
             ? "one word too many: \"" + rest.front() + "\""
             : "unknown command \"" + rest.front() + "\"";
    near = suggestion(*at, rest.front());
    if (!is_option && at->get_name() == "run")
      near = "`cheops run -- " + rest.front() + " …`";
  }
  return to.common.usage(what, near.empty() ? "See `" + command + " --help`."
                                            : "Did you mean " + near + "?");
}

/// `cheops run … -- COMMAND`: takes everything behind the mark out, since it
/// is not ours to parse.
std::vector<std::string> take_command(std::vector<std::string>& words) {
  auto mark = std::ranges::find(words, "--");
  auto run = std::find(words.begin(), mark, "run");
  if (mark == words.end() || run == mark)
    return {};
  std::vector<std::string> out{mark + 1, words.end()};
  words.erase(mark, words.end());
  return out;
}

} // namespace

program::program(session& shared)
  : common(shared), root("one application over many sites", "cheops") {
  root.require_subcommand(1);
  root.fallthrough();
  root.footer("`cheops help COMMAND` says more. Exit codes: `cheops man`.");
  root.get_formatter()->column_width(26);
  add_common(root, shared.options);
  add_run(*this);
  add_http(*this);
  add_shim(*this);
  add_get(*this);
  add_replicants(*this);
  add_explain(*this);
  add_check(*this);
  add_ca(*this);
  add_key(*this);
  add_manual(*this);
}

CLI::App* program::add(CLI::App* parent, const std::string& name,
                       const std::string& sentence, std::function<int()> what) {
  auto* out = parent->add_subcommand(name, sentence);
  out->callback([this, what = std::move(what)] { run = what; });
  return out;
}

int run_program(int argc, const char* const* argv) {
  session shared;
  program to{shared};
  std::vector<std::string> words{argv + 1, argv + argc};
  shared.command = take_command(words);
  if (words.empty()) {
    std::cout << to.root.help();
    return exit_usage;
  }
  // CLI11 takes the words from the last to the first.
  std::ranges::reverse(words);
  try {
    to.root.parse(words);
  } catch (const CLI::Success& asked) {
    return to.root.exit(asked);
  } catch (const CLI::ParseError& why) {
    return explain_misuse(to, why);
  }
  return to.run();
}

} // namespace cheops::cli
