// The command line `cheops`: tools/cli has a file for each group of commands.
#include "tools/cli/program.hpp"

int main(int argc, char** argv) {
  return cheops::cli::run_program(argc, argv);
}
