#include "tools/cli/program.hpp"
#include "tools/version.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <iostream>
#include <map>
#include <set>

/// Everything that is made from the tree of commands: help, the completion
/// of bash, the man page.
namespace cheops::cli {

namespace json = boost::json;

namespace {

using app = CLI::App;

std::vector<const app*> commands_of(const app& x) {
  auto hidden = [](const app* sub) {
    return sub->get_name().empty() || sub->get_group().empty();
  };
  auto out = x.get_subcommands([&](const app* sub) { return !hidden(sub); });
  return out;
}

std::vector<const CLI::Option*> options_of(const app& x) {
  return x.get_options([](const CLI::Option* o) { return o->nonpositional(); });
}

std::vector<const CLI::Option*> operands_of(const app& x) {
  return x.get_options(
    [](const CLI::Option* o) { return !o->nonpositional(); });
}

bool takes_value(const CLI::Option& x) {
  return x.get_items_expected_max() > 0;
}

/// "get sites": the words behind the program's name.
std::string path_of(const app& x) {
  std::string out;
  for (const auto* at = &x; at->get_parent(); at = at->get_parent())
    out = at->get_name() + (out.empty() ? "" : " ") + out;
  return out;
}

void walk(const app& x, const std::function<void(const app&)>& visit) {
  visit(x);
  for (const auto* sub : commands_of(x))
    walk(*sub, visit);
}

std::string flags_of(const app& x) {
  std::string out;
  for (const auto* option : options_of(x)) {
    // Every command has --help: once is enough.
    if (x.get_parent() && option->check_name("--help"))
      continue;
    for (const auto& name : option->get_lnames())
      out += (out.empty() ? "--" : " --") + name;
    for (const auto& name : option->get_snames())
      out += (out.empty() ? "-" : " -") + name;
  }
  return out;
}

// -- man page -----------------------------------------------------------------

/// Text as troff takes it literally.
std::string roff(std::string_view x) {
  std::string out;
  for (char c : x) {
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '.' && out.empty())
      out += "\\&.";
    else
      out += c;
  }
  return out;
}

std::string option_names(const CLI::Option& x) {
  std::string out;
  for (const auto& name : x.get_snames())
    out +=
      (out.empty() ? "" : ", ") + std::string{"\\fB\\-"} + roff(name) + "\\fR";
  for (const auto& name : x.get_lnames())
    out += (out.empty() ? "" : ", ") + std::string{"\\fB\\-\\-"} + roff(name)
           + "\\fR";
  return out + (takes_value(x) ? " \\fIVALUE\\fR" : "");
}

void write_option(const CLI::Option& x, std::string& out) {
  out += ".TP\n" + option_names(x) + "\n" + roff(x.get_description());
  if (!x.get_default_str().empty())
    out += " (default: " + roff(x.get_default_str()) + ")";
  if (!x.get_envname().empty())
    out += " (environment: " + roff(x.get_envname()) + ")";
  out += "\n";
}

std::string synopsis_of(const app& x) {
  auto out = "\\fBcheops " + roff(path_of(x)) + "\\fR";
  for (const auto* operand : operands_of(x)) {
    auto name = "\\fI" + roff(operand->get_name(true)) + "\\fR";
    out += operand->get_required() ? " " + name : " [" + name + "]";
  }
  return out + (path_of(x) == "run" ? " \\-\\- \\fICOMMAND\\fR ..." : "");
}

void write_command(const app& x, std::string& out) {
  out += ".SS " + std::string{"\""} + roff(path_of(x)) + "\"\n";
  out += synopsis_of(x) + "\n.PP\n" + roff(x.get_description()) + ".\n";
  for (const auto* operand : operands_of(x)) {
    out += ".TP\n\\fI" + roff(operand->get_name(true)) + "\\fR\n"
           + roff(operand->get_description());
    if (!operand->get_default_str().empty())
      out += " (default: " + roff(operand->get_default_str()) + ")";
    out += "\n";
  }
  // Options of a group stand with each of its commands.
  for (const auto* at = &x; at->get_parent(); at = at->get_parent())
    for (const auto* option : options_of(*at))
      if (!option->check_name("--help"))
        write_option(*option, out);
}

struct example {
  std::string_view line;
  std::string_view what;
};

constexpr example examples[] = {
  {"cheops get sites -o wide", "What the node knows of the others."},
  {"cheops explain '{ServiceB: Site2 || Site3}' /bars",
   "Which site would serve it, and why."},
  {"cheops http ServiceA/foos --scope '{ServiceA: Site1, ServiceB: Site2}' "
   "-d '{\"bar\": \"1\"}'",
   "A request with a scope."},
  {"cheops run --scope Paris -- openstack image list",
   "A client that knows nothing of scopes."},
  {"cheops get replicants --state diverged",
   "What this site keeps with others and does not have as they do."},
  {"cheops scale replicant META --scope '{A & B & C}'",
   "Bring it to these sites."},
  {"cheops shim install kubectl", "From then on kubectl takes --scope."},
  {"cheops check --config /etc/cheops/site.yaml", "What is wrong here?"},
};

void write_tail(std::string& out) {
  out += ".SH \"EXIT STATUS\"\n";
  for (const auto& x : exit_meanings())
    out +=
      ".TP\n\\fB" + std::to_string(x.code) + "\\fR\n" + roff(x.what) + ".\n";
  out += ".PP\n\\fBrun\\fR becomes the command: its exit status counts.\n";
  out += ".SH EXAMPLES\n";
  for (const auto& x : examples)
    out += ".TP\n\\fB" + roff(x.line) + "\\fR\n" + roff(x.what) + "\n";
  out += ".SH FILES\n.TP\n\\fI/run/cheops/admin.sock\\fR\nThe admin endpoint "
         "that is asked where none is named.\n";
}

// -- completion ---------------------------------------------------------------

constexpr std::string_view completion_head = R"(# bash completion for cheops
# Use: source <(cheops completion bash)
_cheops() {
  local current=${COMP_WORDS[COMP_CWORD]} path='' word i
)";

constexpr std::string_view completion_words =
  R"(  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    [[ $word == -- ]] && return
    [[ $word == -* && $valued == *" $word "* ]] && ((i++))
    [[ $word == -* ]] && continue
    case "$path/$word" in
)";

constexpr std::string_view completion_middle = R"(    esac
  done
  local commands='' options='' values='' last=${COMP_WORDS[COMP_CWORD - 1]}
  case "$path" in
)";

constexpr std::string_view completion_tail = R"(  esac
  case "$last" in
)";

constexpr std::string_view completion_end = R"(  esac
  if [[ -n $values ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$values" -- "$current")
  elif [[ $last == -* && $valued == *" $last "* ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [[ -n $commands ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -o filenames -F _cheops cheops
)";

/// "/get/sites"; empty for the program itself.
std::string key_of(const app& x) {
  auto out = path_of(x);
  std::ranges::replace(out, ' ', '/');
  return out.empty() ? out : "/" + out;
}

/// The options whose next word is their own, of all commands: " --config -o ".
std::string valued_flags(const app& root) {
  std::set<std::string> valued, plain;
  walk(root, [&](const app& x) {
    for (const auto* option : options_of(x)) {
      auto& to = takes_value(*option) ? valued : plain;
      for (const auto& name : option->get_lnames())
        to.insert("--" + name);
      for (const auto& name : option->get_snames())
        to.insert("-" + name);
    }
  });
  std::string out{" "};
  for (const auto& name : valued)
    if (!plain.contains(name))
      out.append(name).append(" ");
  return out;
}

// -- commands -----------------------------------------------------------------

int print_help(program& to, const std::vector<std::string>& words) {
  app* at = &to.root;
  auto name = at->get_name();
  for (const auto& word : words) {
    auto all = at->get_subcommands({});
    auto next = std::ranges::find(all, word, &app::get_name);
    if (next == all.end())
      return to.common.usage("there is no command \"" + word + "\"",
                             "See `cheops help`.");
    at = *next;
    name += " " + word;
  }
  // App::help() would show the command that was parsed: this one.
  std::cout << at->get_formatter()->make_help(at, name,
                                              CLI::AppFormatMode::Normal);
  return exit_ok;
}

int print_version(const session& s) {
  json::object whole;
  whole["client"] = tools::version;
  table rows{"version",
             {{"PART"}, {"VERSION"}, {"SITE"}, {"STARTED"}},
             {{"client", std::string{tools::version}, "", ""}}};
  auto asked = !s.options.admin.empty() || s.has_config();
  int code = exit_ok;
  if (asked) {
    auto node = s.call("GET", "/v1/version");
    if (!node) {
      code = s.fail(node.error());
    } else if (node->is_object()) {
      auto text = [&](const char* name) {
        const auto* x = node->as_object().if_contains(name);
        return x && x->is_string() ? std::string{x->as_string()}
                                   : std::string{};
      };
      rows.rows.push_back(
        {"node", text("version"), text("site"), text("started")});
      whole["node"] = std::move(*node);
    }
  }
  if (!asked && s.output() == format::table)
    std::cout << "cheops " << tools::version << "\n";
  else
    s.print(rows, whole);
  return code;
}

} // namespace

std::string man_page(const app& root) {
  std::string out = ".TH CHEOPS 1 \"\" \"cheops " + std::string{tools::version}
                    + "\" \"User Commands\"\n";
  out += ".SH NAME\ncheops \\- " + roff(root.get_description()) + "\n";
  out += ".SH SYNOPSIS\n\\fBcheops\\fR [\\fIOPTIONS\\fR] \\fICOMMAND\\fR ...\n";
  out += ".SH DESCRIPTION\n"
         "Asks the node of a site (\\fBcheopsd\\fR), sends requests with a "
         "scope, and makes\nclients that know nothing of scopes send them.\n";
  out += ".SH OPTIONS\nThey stand before or behind every command.\n";
  for (const auto* option : options_of(root))
    write_option(*option, out);
  out += ".SH COMMANDS\n";
  walk(root, [&](const app& x) {
    if (x.get_parent() && commands_of(x).empty())
      write_command(x, out);
  });
  write_tail(out);
  return out;
}

std::string bash_completion(const app& root) {
  std::string out{completion_head};
  out += "  local valued='" + valued_flags(root) + "'\n";
  out += completion_words;
  walk(root, [&](const app& x) {
    if (x.get_parent())
      out += "      " + key_of(x) + ") path=" + key_of(x) + " ;;\n";
  });
  out += completion_middle;
  auto common = flags_of(root);
  std::string all;
  for (const auto* sub : commands_of(root))
    all += (all.empty() ? "" : " ") + sub->get_name();
  const std::map<std::string, std::string> words_of{
    {"/help", all},
    {"/completion", "bash"},
    {"/demo", "andy-and-bo kubernetes openstack"},
    {"/shim/install", "kubectl kubectl-cheops openstack"},
    {"/shim/uninstall", "kubectl kubectl-cheops openstack"}};
  walk(root, [&](const app& x) {
    std::string names;
    for (const auto* sub : commands_of(x))
      names += (names.empty() ? "" : " ") + sub->get_name();
    auto options = common;
    for (const auto* at = &x; at->get_parent(); at = at->get_parent())
      if (auto own = flags_of(*at); !own.empty())
        options += " " + own;
    // What may be said after it, though it is no command.
    if (auto i = words_of.find(key_of(x)); i != words_of.end())
      names = i->second;
    out += "    '" + key_of(x) + "') commands='" + names + "' options='"
           + options + "' ;;\n";
  });
  out += completion_tail;
  out += "    --output | -o) [[ $path == /http ]] || "
         "values='table wide json yaml name' ;;\n"
         "    --direction) values='in out both' ;;\n";
  out += completion_end;
  return out;
}

void add_manual(program& to) {
  auto words = std::make_shared<std::vector<std::string>>();
  auto* help = to.add(&to.root, "help", "what there is, or what a command does",
                      [&to, words] { return print_help(to, *words); });
  help->group("About")->add_option("COMMAND", *words, "the command's words");
  auto shell = std::make_shared<std::string>("bash");
  auto* completion =
    to.add(&to.root, "completion", "print the completion of a shell", [&to] {
      std::cout << bash_completion(to.root);
      return exit_ok;
    });
  completion->group("About")
    ->add_option("SHELL", *shell, "bash")
    ->check(CLI::IsMember({"bash"}));
  to.add(&to.root, "man", "print the man page",
         [&to] {
           std::cout << man_page(to.root);
           return exit_ok;
         })
    ->group("About");
  to.add(&to.root, "version",
         "print the version, the node's too if one is named",
         [&to] { return print_version(to.common); })
    ->group("About");
}

} // namespace cheops::cli
