#pragma once

#include "cheops/raft/state.hpp"
#include "cheops/raft/types.hpp"

#include <string>

/// The words in which transcripts speak of a group: members are "1", "2" (a
/// second store of site 2 is "2b"), an entry is "index@term what".
namespace cheops::raft::testing {

/// "2" or "2b"; throws where `text` is neither.
[[nodiscard]] member_id member_of(const std::string& text);

[[nodiscard]] std::string words(const member_id& x);
[[nodiscard]] std::string words(const member& x);
[[nodiscard]] std::string words(const configuration& x);
[[nodiscard]] std::string words(const entry& x);
[[nodiscard]] std::string words(const std::vector<entry>& x);
[[nodiscard]] std::string words(const snapshot& x);
/// What travels, without from and to.
[[nodiscard]] std::string words(const message& x);
/// What a member does; empty for `send`, which is told when it arrives.
[[nodiscard]] std::string words(const effect& x);
/// One line: role, term, log, marks.
[[nodiscard]] std::string words(const state& x);

} // namespace cheops::raft::testing
