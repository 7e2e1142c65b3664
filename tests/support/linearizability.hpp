#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <vector>

/// Whether what clients saw of registers can be explained by one order of
/// their operations, each taking effect at one moment between its begin and
/// its end (Herlihy, Wing: "Linearizability", 1990).
namespace cheops::test {

/// When an operation ended whose end nobody saw.
inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

/// An operation on one register, as its client saw it. Times are of one
/// clock; an operation that ends when another begins counts as beside it.
struct register_operation {
  enum class kind : std::uint8_t { read, write };
  std::string key; ///< The register.
  kind what = kind::read;
  std::string value; ///< That was written or read.
  std::int64_t begun = 0;
  /// `never`: its fate is unknown. It may take effect at any later time, or
  /// not at all.
  std::int64_t ended = 0;
  unsigned client = 0; ///< For people.
};

/// What surely was not done is not in a history.
using history = std::vector<register_operation>;

enum class verdict : std::uint8_t {
  linearizable,
  violated,
  undecided, ///< It was not found out within the bound.
};

struct judgement {
  verdict what = verdict::linearizable;
  std::string key; ///< Of the first register that is not linearizable.
  /// The longest order that was found, what could not follow, and when each
  /// began and ended. For people.
  std::string story;
};

/// Looks at each register on its own: linearizability is local. The search is
/// that of Wing and Gong ("Testing and verifying concurrent objects", 1993),
/// with the memory of Lowe ("Testing for linearizability", 2017): a set of
/// operations and a value that led nowhere once is not tried again.
/// `initial` is in each register at first; `steps_max` bounds the search for
/// one register.
[[nodiscard]] judgement judge(const history& all, const std::string& initial,
                              std::size_t steps_max = 5'000'000);

[[nodiscard]] std::string to_string(const register_operation& x);

/// Where clients of several threads write down what they do.
class recorder {
public:
  /// Before it is sent. Gives the operation's number.
  [[nodiscard]] std::size_t begin(register_operation x);
  /// A read or a write was answered; `value` is a read's.
  void done(std::size_t number, std::string value = {});
  /// It surely was not done, or it was a read without an answer.
  void drop(std::size_t number);

  /// What nobody ended counts as of unknown fate.
  [[nodiscard]] history take() const;

private:
  mutable std::mutex guard_;
  std::size_t next_ = 0;
  std::map<std::size_t, register_operation> all_;
};

} // namespace cheops::test
