// Whatever stands in X-Auth-Token is read in one way only, and nothing that
// this process did not mark passes for a mark of it.
#include "glue/openstack/head.hpp"
#include "glue/openstack/token.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace cheops;
using namespace cheops::glue::openstack;

void require(bool fine, const char* rule) {
  if (fine)
    return;
  std::fprintf(stderr, "broken: %s\n", rule);
  std::abort();
}

/// Good enough that the fuzzer does not guess it.
std::string digest(std::string_view text) {
  std::string out;
  for (std::uint64_t part = 1; part < 5; ++part) {
    auto h = 0xcbf29ce484222325ULL * part;
    for (unsigned char c : text)
      h = ((h ^ c) * 0x100000001b3ULL) ^ (h >> 31);
    for (int i = 0; i < 8; ++i)
      out += static_cast<char>(h >> (8 * i));
  }
  return out;
}

const marker ours{digest};

void check_parts(std::string_view text, const token& x) {
  require(text.starts_with(x.plain), "a token begins with its plain part");
  require(x.plain.starts_with(x.bare), "and that with its bare part");
  require(x.scope.size() <= suffix_scope_bytes_max, "a scope has its bound");
  require(x.scope.empty() == (x.plain == x.bare), "a scope is in the text");
  require(x.marked() == (x.plain != text), "a mark is in the text");
  if (!x.scope.empty())
    require(with_scope(x.bare, x.scope).value() == x.plain,
            "there is one text for a token with a scope");
  if (x.marked())
    require(!ours.verify(x, 1).has_value(), "a stranger's mark is refused");
}

void check_marked(const token& x) {
  auto text = ours.mark(x.plain, "Berlin", 99);
  auto again = read_token(text);
  // A text that has `!` and no suffix of ours is all bare: then a mark behind
  // it is not looked for.
  if (x.bare.find('!') != x.bare.npos || x.bare.empty()) {
    require(!again || !again->marked() || x.bare != again->bare,
            "a token that is not one gets no mark");
    return;
  }
  require(again.has_value() && again->plain == x.plain
            && again->scope == x.scope && again->issuer == "Berlin"
            && ours.verify(*again, 98).has_value()
            && !ours.verify(*again, 99).has_value(),
          "our own mark is known, as long as it is good");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(data), size};
  if (auto x = read_token(text)) {
    check_parts(text, *x);
    check_marked(*x);
  } else {
    require(text.find('!') != text.npos, "only what has a suffix is refused");
    require(!x.error().what.empty(), "a refusal has a sentence");
  }
  auto path = bare_path(text);
  require(bare_path(path) == path, "what is bare stays as it is");
  (void) is_request_id(text);
  (void) server_of(text);
  (void) device_of(text);
  (void) base_of_tokens(text);
  (void) is_discovery("GET", text);
  return 0;
}
