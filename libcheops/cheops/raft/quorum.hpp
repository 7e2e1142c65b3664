#pragma once

#include "cheops/raft/types.hpp"

#include <functional>

namespace cheops::raft {

[[nodiscard]] const member* find(const configuration& in, const member_id& who);

[[nodiscard]] bool is_witness(const member& x) noexcept;
[[nodiscard]] bool has_witness(const configuration& in) noexcept;

/// Voters and witnesses: those whose majority decides.
[[nodiscard]] bool votes(const member& x) noexcept;
[[nodiscard]] std::size_t voters(const configuration& in) noexcept;

/// Whether those of whom `says` is true are a majority of the voters.
[[nodiscard]] bool is_quorum(const configuration& in,
                             const std::function<bool(const member_id&)>& says);

/// The highest index that a majority of the voters holds.
[[nodiscard]] index_id
held_by_quorum(const configuration& in,
               const std::function<index_id(const member_id&)>& match);

/// The configuration with one member changed; nullopt where that makes no
/// sense (adding who is there, promoting who is no learner, removing the
/// last voter or who is not there, a witness without two voters).
[[nodiscard]] std::optional<configuration> changed(const configuration& in,
                                                   const change_asked& how);

} // namespace cheops::raft
