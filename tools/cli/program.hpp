#pragma once

#include "tools/cli/session.hpp"

#include <CLI/CLI.hpp>

#include <functional>

/// The tree of commands: help, completion and the man page are made from it.
namespace cheops::cli {

/// The program's tree, and what to run once it has parsed a command line.
struct program {
  explicit program(session& shared);

  session& common;
  CLI::App root;
  std::function<int()> run; ///< Set by the command that was named.

  /// A command that runs `what`; its words in lower case, one sentence.
  CLI::App* add(CLI::App* parent, const std::string& name,
                const std::string& sentence, std::function<int()> what);
};

// One function a file: adds its commands.
void add_get(program& to); ///< get, faults
/// get and describe replicants, wait, events, scale, retry, abandon, settle
void add_replicants(program& to);
void add_explain(program& to); ///< explain, scope, app
void add_http(program& to);
void add_run(program& to); ///< run, demo
void add_shim(program& to);
void add_check(program& to);
void add_ca(program& to);
void add_key(program& to);
void add_manual(program& to); ///< help, completion, man, version

/// Parses, runs, answers the exit code.
int run_program(int argc, const char* const* argv);

// Texts made from the tree (manual.cpp).
[[nodiscard]] std::string bash_completion(const CLI::App& root);
[[nodiscard]] std::string man_page(const CLI::App& root);

} // namespace cheops::cli
