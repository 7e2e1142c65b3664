#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

namespace demo {

/// Something that was done to a resource.
struct deed {
  std::string what; ///< "create", "update" or "remove".
  std::string kind; ///< "foo", "bar".
  std::string id;
  std::string name;
  std::uint64_t version = 0; ///< After it.
  boost::json::object body;  ///< After it; kept in the file alone.
};

/// Every deed of an instance, in order: what an application keeps in its
/// database. With a file it outlives the process. Safe from any thread.
class ledger {
public:
  /// `file`: read if it is there, then appended to; empty: none.
  explicit ledger(const std::string& file = {},
                  std::size_t deeds_max = 1'000'000);
  [[nodiscard]] bool good() const { return !named_ || out_.good(); }

  /// What the file held, once: to make the resources anew.
  [[nodiscard]] std::vector<deed> take_old();

  /// It is in the file when this returns.
  void add(deed x);
  [[nodiscard]] std::uint64_t last() const;
  /// {"deeds": [{"number", "what", "kind", "id", "name"}, …], "last": N}: those
  /// with a number above `after`, the first `most` of them.
  [[nodiscard]] std::string render(std::uint64_t after, std::size_t most) const;

private:
  void remember(deed x);

  const std::size_t deeds_max_;
  const bool named_;
  mutable std::mutex guard_;
  std::vector<deed> deeds_; ///< Without bodies.
  std::vector<deed> old_;
  std::ofstream out_;
};

} // namespace demo
