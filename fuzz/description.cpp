#include "glue/describe.hpp"
#include "glue/registry.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

/// No text crashes the reader of descriptions. One that it takes is a
/// description that can be explained, and each of whose paths finds its
/// operation.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace cheops;
  auto x = glue::parse_description({reinterpret_cast<const char*>(data), size},
                                   "f.yaml");
  if (!x) {
    if (x.error().what.empty())
      std::abort();
    return 0;
  }
  if (glue::explain(*x).empty())
    std::abort();
  for (const auto& service : x->services) {
    if (x->find(service.name.value) != &service)
      std::abort();
    for (const auto& owned : service.resources)
      for (const auto& op : owned.operations)
        if (!application::classify(service, op.method, op.path).about)
          std::abort();
  }
  return 0;
}
