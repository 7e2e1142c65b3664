#include "http/vault.hpp"
#include "tools/cli/program.hpp"

#include <iostream>

/// `cheops key`: what the sites that have copies share, and witnesses lack.
namespace cheops::cli {

namespace {

int generate(const session& s, const std::string& file) {
  if (auto done = http::make_vault_file(file); !done)
    return s.fail(done.error());
  std::cout << "Made a key in " << file << ", for its owner alone.\n"
            << "Copy it to each site that shall have copies, and to no "
               "witness; there, name it: replication.key_file\n";
  return exit_ok;
}

} // namespace

void add_key(program& to) {
  auto file = std::make_shared<std::string>("replication.key");
  auto* key = to.root.add_subcommand(
    "key", "the key that seals what a witness site keeps");
  key->group("Operate")->require_subcommand(1);
  auto* make = to.add(key, "generate", "make a key in a file of its own",
                      [&to, file] { return generate(to.common, *file); });
  make->add_option("FILE", *file, "the file, which must not exist")
    ->capture_default_str();
}

} // namespace cheops::cli
