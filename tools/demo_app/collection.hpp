#pragma once

#include "tools/demo_app/ledger.hpp"

#include <boost/json/object.hpp>

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

/// A resource of the application as it is kept.
struct record {
  std::string id;
  std::uint64_t version = 1; ///< Grows with each change.
  boost::json::object body;  ///< With "id" and "name".
};

/// The resources of one kind, in memory, bounded. Safe from any thread.
class collection {
public:
  enum class outcome : std::uint8_t { done, absent, taken, stale, full };

  struct change {
    outcome what = outcome::done;
    record now; ///< After it, where it is `done`.
  };

  explicit collection(bool unique_names, std::size_t records_max = 100'000)
    : unique_(unique_names), records_max_(records_max) {}

  /// From now on each change is noted there, as one of that kind, before
  /// anybody else sees it.
  void note_in(ledger& book, std::string kind);
  /// Does again what was done before a restart; nothing is noted.
  void redo(const deed& x);

  /// Makes a resource of these members; its id is new.
  [[nodiscard]] change create(boost::json::object members);
  [[nodiscard]] std::optional<record> find(const std::string& id) const;
  /// All, or those of a name, in the order of their creation.
  [[nodiscard]] std::vector<record>
  list(const std::optional<std::string>& name) const;
  /// Replaces its members, if its version is `expected` where one is.
  [[nodiscard]] change update(const std::string& id,
                              boost::json::object members,
                              std::optional<std::uint64_t> expected);
  [[nodiscard]] change remove(const std::string& id,
                              std::optional<std::uint64_t> expected);

private:
  [[nodiscard]] bool taken(std::string_view name,
                           const std::string& but_for) const;

  void note(const char* what, const record& x);
  void insert(record x);
  void erase(const std::string& id);
  void replace(record& x, boost::json::object members);

  const bool unique_;
  const std::size_t records_max_;
  mutable std::mutex guard_;
  ledger* book_ = nullptr;
  std::string kind_;
  std::uint64_t created_ = 0;
  std::map<std::string, record> records_;         ///< By id.
  std::map<std::uint64_t, std::string> order_;    ///< Number -> id.
  std::multimap<std::string, std::string> names_; ///< Name -> id.
};

} // namespace demo
