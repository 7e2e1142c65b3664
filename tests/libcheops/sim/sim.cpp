// Runs seeds of the simulated world: cheops_sim SEEDS [FIRST_SEED]
// [calm|hard].
// A failing seed is run again, and its story printed. The last line says how
// many were run, how many failed, and the first that did.

#include "cheops/sim/run.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

using namespace cheops;

constexpr std::uint64_t stories_max = 1;

std::uint64_t number(const char* text, std::uint64_t otherwise) {
  if (text == nullptr)
    return otherwise;
  char* end = nullptr;
  auto out = std::strtoull(text, &end, 10);
  if (*text != '\0' && *end == '\0')
    return out;
  std::fprintf(stderr, "not a number: %s\n", text);
  std::exit(2);
}

} // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  auto seeds = number(argc > 1 ? argv[1] : nullptr, 1000);
  auto first = number(argc > 2 ? argv[2] : nullptr, 1);
  auto is = [&](const char* x) {
    return argc > 3 && std::strcmp(argv[3], x) == 0;
  };
  std::uint64_t failures = 0;
  std::uint64_t first_failing = 0;
  std::uint64_t steps = 0;
  std::uint64_t requests = 0;
  std::uint64_t done = 0;
  for (auto seed = first; seed < first + seeds; ++seed) {
    auto by = is("calm") ? sim::draw_calm(seed)
              : is("hard")
                ? sim::draw_hard(seed, static_cast<sim::hard_on>(seed % 3))
                : sim::draw(seed);
    auto x = sim::run(by);
    steps += x.steps;
    requests += x.requests;
    done += x.done;
    if (x.failure.empty())
      continue;
    if (++failures == 1)
      first_failing = seed;
    if (failures <= stories_max)
      std::printf("%s", sim::run(by, true).story.c_str());
    std::printf("FAILED: %s\n", x.failure.c_str());
  }
  std::printf("%llu steps, %llu requests, %llu of them done\n",
              static_cast<unsigned long long>(steps),
              static_cast<unsigned long long>(requests),
              static_cast<unsigned long long>(done));
  std::printf("seeds run: %llu, failures: %llu, first failing seed: %s\n",
              static_cast<unsigned long long>(seeds),
              static_cast<unsigned long long>(failures),
              failures == 0 ? "none" : std::to_string(first_failing).c_str());
  return failures == 0 ? 0 : 1;
}
