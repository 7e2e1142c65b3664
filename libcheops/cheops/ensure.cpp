#include "cheops/ensure.hpp"

#include <cstdio>
#include <cstdlib>

namespace cheops {

namespace {

thread_local void (*first)(std::string_view) = nullptr;

} // namespace

void on_broken(void (*handler)(std::string_view)) noexcept {
  first = handler;
}

void broken(std::string_view what) {
  if (first != nullptr)
    first(what);
  std::fprintf(stderr, "cheops: broken: %.*s\n", static_cast<int>(what.size()),
               what.data());
  std::abort();
}

} // namespace cheops
