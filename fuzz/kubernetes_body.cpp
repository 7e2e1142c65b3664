// Bodies of Kubernetes requests: garbage is refused, and what is read stays
// readable after each edit; to take out twice is to take out once.
#include "glue/kubernetes/body.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace cheops::glue::kubernetes;

void require(bool fine, const char* rule) {
  if (fine)
    return;
  std::fprintf(stderr, "broken: %s\n", rule);
  std::abort();
}

void check(std::string_view text, std::string_view type) {
  auto body = object_body::read(text, type);
  if (!body)
    return;
  require(body->text() == text, "what is not changed stays as it came");
  const object_name pod{"", "d", "pods", "n"};
  remove_local(*body, pod, object_verb::replace);
  auto once = body->text();
  auto again = object_body::read(once, type);
  require(again.has_value(), "what is left can be read");
  remove_local(*again, pod, object_verb::replace);
  require(again->text() == once, "to take out twice is to take out once");
  require(!again->has(at::uid) && !again->text_at(at::resource_version),
          "nothing local is left");
  if (again->is_json_patch())
    return;
  again->set_text(at::name, "purple");
  again->set_annotation(operation_annotation, "1");
  again = object_body::read(again->text(), type);
  require(again.has_value() && again->text_at(at::name) == "purple"
            && again->annotation(operation_annotation) == "1",
          "what is set is read");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  for (auto type : {"application/json", "application/json-patch+json",
                    "application/vnd.kubernetes.protobuf"})
    check(text, type);
  (void) read_path("PUT", text);
  return 0;
}
