#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// What clients remember of the resources that they changed, and what these
/// must look like for it. Pure.
namespace cheops::scenario {

enum class change_verb : std::uint8_t { create, update, remove };

enum class change_fate : std::uint8_t {
  open,     ///< No answer, or one that leaves it open.
  stands,   ///< Acknowledged, by the replicant.
  not_done, ///< Surely.
  apart,    ///< Acknowledged by one site's application alone: its node knew of
            ///< no copy under that id.
};

/// One change, as its client knows it.
struct change_note {
  change_verb verb = change_verb::create;
  std::uint64_t tag = 0; ///< What it writes; no other change writes it.
  std::string site;      ///< That was asked.
  change_fate fate = change_fate::open;
  std::uint64_t index = 0; ///< Its place in the order; 0: not told.
};

/// A resource from its create on: its name comes once in a run.
struct life {
  std::string name;
  std::string replicant; ///< Empty: no answer named it.
  std::vector<change_note> changes;
};

/// What is allowed of a resource in the end.
struct allowed_end {
  bool gone = false;
  std::set<std::uint64_t> tags; ///< Of the last change, where it is there.
};

/// By what was acknowledged, in the order that the answers told; a change
/// whose fate is open may have been done at any time, or never. One that was
/// done `apart` changed no more than what one site's application has, of which
/// its node could not tell that it is the copy (a create that is uncertain
/// there): it is none of the resource's.
[[nodiscard]] allowed_end allowed_end_of(const life& x);

/// All lives of a workload.
struct change_book {
  std::string workload;
  std::vector<life> lives;
  std::uint64_t reads = 0;
  std::uint64_t behind = 0; ///< Did not find it at their site yet.

  [[nodiscard]] std::size_t count(change_fate fate) const;
};

/// What a site's application holds of one name: the tags of all of that name.
using held_tags = std::multimap<std::string, std::uint64_t>;

/// Where what a site holds is not as the book says, in words, by name. What was
/// done `apart` is none of it: where that is seen, the site must show that it
/// is `uncertain`.
[[nodiscard]] std::map<std::string, std::string>
deviations(const change_book& book, const held_tags& held);

} // namespace cheops::scenario
