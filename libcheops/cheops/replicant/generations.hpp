#pragma once

#include "cheops/ports.hpp"
#include "cheops/result.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

/// What a site remembers of groups that it has forgotten: rows of the family
/// `over`, and which of them go again.
namespace cheops::replicant {

/// Of a group that this site left: the newest of its memberships.
inline constexpr std::size_t memberships_max = 64;
/// Rows that are not of names: of groups that this site left, and of those
/// that ended. Some 100 bytes each, in memory too.
inline constexpr std::size_t remembered_max = 65'536;

/// Of those that are over: the generation, so that a late message of an old
/// group never meets a new one (a tombstone lives in its group until every
/// member has it). Of those that it left: who it was there, so that it never
/// comes back to vote with an empty log under its old name.
///
/// It reads the store, from whatever thread; what was told to it and may not
/// be stored yet is in memory.
class generations {
public:
  /// Null: there is no store. It must live as long.
  explicit generations(const ports::store* from = nullptr) : from_(from) {}

  /// The last that ended of those ids that differ in their generation alone.
  /// Errors of all: `io`, `broken`.
  [[nodiscard]] result<std::optional<std::uint32_t>>
  last(const meta_id& x) const;
  /// The generation for a create of that key here: 1, or the one behind the
  /// last that ended.
  [[nodiscard]] result<std::uint32_t> next(const natural_key& key) const;
  /// Whether that group is over, as far as this site knows.
  [[nodiscard]] result<bool> is_over(const meta_id& x) const;
  void ended(const meta_id& x);
  /// Whether this site was that member of the group, and left.
  [[nodiscard]] result<bool> has_left(const meta_id& x,
                                      const raft::member_id& who) const;
  /// `origin_of` who left.
  void left(const meta_id& x, std::uint64_t who);

private:
  void trim();

  const ports::store* from_;
  std::map<digest128, std::uint32_t> last_; ///< The newest.
  std::deque<digest128> last_order_;
  std::map<meta_id, std::deque<std::uint64_t>> left_; ///< The newest.
  std::deque<meta_id> left_order_;
};

/// How a site forgets a replicant.
struct forgetting {
  bool ended = true; ///< The resource is deleted; false: this site left.
  /// Its user chose the name, which may live again: it is remembered for good.
  bool named = false;
  /// Nothing was promised in that group: it is as if it had not been here.
  bool untouched = false;
};

/// The rows that go again when there are too many, in their order.
struct passing_rows {
  struct row {
    std::uint64_t number = 0;
    std::string key;
  };
  std::deque<row> all;
  /// What was added may not be in the store yet: a generation that ends late
  /// must not go before a later one.
  generations known;
};
/// Errors: `io`, `broken`.
[[nodiscard]] result<passing_rows> load_passing_rows(const ports::store& from);

/// Adds the row of a replicant that is erased; the oldest of `passing` go.
/// Errors: `io`, `broken`.
[[nodiscard]] result<void> remember(ports::batch& to, const ports::store& in,
                                    const meta_id& meta, const forgetting& how,
                                    passing_rows& passing);

} // namespace cheops::replicant
