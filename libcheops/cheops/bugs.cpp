#include "cheops/bugs.hpp"

#include <array>

namespace cheops {

std::string_view to_string(bug x) noexcept {
  constexpr std::array<std::string_view, bugs> names{"none",
                                                     "skip_sync",
                                                     "ignore_term",
                                                     "answer_before_commit",
                                                     "commit_old_term",
                                                     "vote_twice",
                                                     "read_without_round",
                                                     "forget_vote",
                                                     "empty_store_votes",
                                                     "apply_twice",
                                                     "forget_sessions",
                                                     "ignore_precondition",
                                                     "call_before_intent",
                                                     "retry_unknown",
                                                     "probe_too_early",
                                                     "verdict_unheard",
                                                     "refuse_too_early",
                                                     "hide_refusal",
                                                     "skip_dependency",
                                                     "forget_early",
                                                     "open_content"};
  return names[static_cast<std::size_t>(x)];
}

} // namespace cheops
