#pragma once

#include <cstdint>
#include <string_view>

namespace cheops {

/// Mistakes that a test plants in the rules, to see that the simulated world
/// finds them. None of them is in what is built for use: see planted.hpp.
enum class bug : std::uint8_t {
  none,
  skip_sync,            ///< raft: votes and answers leave before the disk has
                        ///< what they speak of.
  ignore_term,          ///< raft: what an old leader says counts.
  answer_before_commit, ///< raft: a leader decides what it alone has.
  commit_old_term,      ///< raft: entries of earlier terms are counted.
  vote_twice,           ///< raft: a second vote in a term.
  read_without_round,   ///< raft: who once led grants reads.
  forget_vote,          ///< The vote is not stored.
  empty_store_votes,    ///< A lost disk comes back under its old name.
  apply_twice,          ///< What came into the log twice is taken twice.
  forget_sessions,      ///< A snapshot without what was seen.
  ignore_precondition,  ///< What was read too long ago counts.
  call_before_intent,   ///< The call is made before its intent is stored.
  retry_unknown,        ///< A call of unknown fate is made again.
  probe_too_early,      ///< An abandoned call may still act.
  verdict_unheard,      ///< Others do not wait for the asking site's word.
  refuse_too_early,     ///< A client is told no before the log says so.
  hide_refusal,         ///< A site that was refused shows nothing.
  skip_dependency,      ///< An entry does not wait for what it refers to.
  forget_early,         ///< A tombstone goes before all members have it.
  open_content,         ///< A witness is sent what it can read.
};

inline constexpr std::size_t bugs = 21;
[[nodiscard]] std::string_view to_string(bug x) noexcept;

} // namespace cheops
