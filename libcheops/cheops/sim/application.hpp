#pragma once

#include "cheops/replicant/types.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cheops::sim {

/// Microseconds of the simulated world.
using time_us = std::uint64_t;

/// What the application enforces, so that a call of unknown fate can be
/// settled.
enum class enforcement : std::uint8_t {
  nothing, ///< Nothing: what is cut off stays uncertain.
  names,   ///< Names are unique; PUT and DELETE can be repeated.
  markers, ///< Each change leaves a mark that a probe finds.
  keys,    ///< A call repeated under its key has no further effect.
};

/// One site's instance of the application: things that are made, replaced,
/// patched and removed. What a thing is made of is the list of the tags of the
/// requests that made it so.
class application {
public:
  struct thing {
    std::string name;
    std::string refers; ///< The local id of another thing.
    std::vector<std::uint64_t> tags;
  };
  /// A change that happened.
  struct deed {
    time_us at = 0;
    std::uint64_t tag = 0;
    replicant::change does = replicant::change::create;
    std::string id;
    bool undo = false;
  };
  struct reply {
    std::uint16_t status = 0;
    std::string id;
  };

  application(std::string site, enforcement what)
    : site_(std::move(site)), what_(what) {}

  /// Does what is asked for, as far as it may.
  reply act(const replicant::call& x, time_us now);
  /// Looks for what a call may have done.
  [[nodiscard]] replicant::probed look(const replicant::probe& x) const;
  /// nullptr: there is none of that id.
  [[nodiscard]] const thing* find(const std::string& id) const;
  [[nodiscard]] const thing* named(const std::string& name) const;

  /// A new, empty instance.
  void lose();
  /// What those requests did is of an earlier membership of the site.
  void forget(const std::set<std::uint64_t>& tags);

  [[nodiscard]] const std::map<std::string, thing>& things() const {
    return things_;
  }
  [[nodiscard]] const std::vector<deed>& journal() const { return journal_; }
  /// So many instances were lost: what one was asked, the next never sees.
  [[nodiscard]] unsigned losses() const { return losses_; }

private:
  reply decide(const replicant::call& x, time_us now);
  reply create(const replicant::call& x, time_us now);

  std::string site_;
  enforcement what_;
  std::uint64_t next_ = 1;
  unsigned losses_ = 0;
  std::map<std::string, thing> things_;
  std::vector<deed> journal_;
  std::map<std::pair<replicant::operation_id, std::string>, reply> answered_;
};

/// The requests of that application. `id` is that of the asking site.
struct asks {
  std::uint64_t tag = 0;
  std::string name;   ///< Of a create.
  std::string poison; ///< A site that refuses it, or "*".
  std::string needs;  ///< Local id of another thing that must be there.
};
[[nodiscard]] replicant::operation
operation_for(replicant::change does, const asks& what, const std::string& id,
              const replicant::meta_id& meta,
              const std::optional<replicant::dependency>& on, enforcement how,
              std::uint32_t settles_after_ms);

} // namespace cheops::sim
