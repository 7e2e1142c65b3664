#pragma once

#include "cheops/replicant/codec.hpp"

#include <string>

/// Things to test with, and generators of them.
namespace cheops::replicant::testing {

member_id member(int i);
raft::configuration voters(int n);
birth sample_birth();

/// With every field set, so that a codec that forgets one is seen.
operation sample_operation();
record sample_record();
site_record sample_site();
summary sample_summary();

/// A submission whose content is an operation that does that.
submission sample_submission(change does, std::uint64_t sequence);
raft::entry as_entry(index_id index, const log_entry& x);

/// Each less of its bytes must be an error, never a read beyond them; more of
/// them is what a later version appends.
template <class Decode>
bool refuses_every_cut(const std::string& bytes, Decode decode) {
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    // A copy of its own size, so that a sanitizer sees a read beyond it.
    std::string part{bytes.substr(0, n)};
    part.shrink_to_fit();
    if (decode(part))
      return false;
  }
  return decode(bytes) && decode(bytes + "what a later version appends");
}

} // namespace cheops::replicant::testing
