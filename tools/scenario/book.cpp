#include "tools/scenario/book.hpp"

#include <algorithm>

namespace cheops::scenario {

namespace {

std::string words(const std::set<std::uint64_t>& tags) {
  std::string out;
  for (auto x : tags)
    out += (out.empty() ? "" : " or ") + std::to_string(x);
  return out;
}

const char* word(change_verb x) {
  return x == change_verb::create   ? "create"
         : x == change_verb::update ? "update"
                                    : "remove";
}

const char* word(change_fate x) {
  switch (x) {
  case change_fate::open:
    return "open";
  case change_fate::stands:
    return "stands";
  case change_fate::not_done:
    return "refused";
  default:
    return "done there alone";
  }
}

/// What clients know of it, for who must find out why it is wrong.
std::string words(const life& x) {
  std::string out;
  for (const auto& c : x.changes) {
    out += (out.empty() ? "" : ", ") + std::string{word(c.verb)} + ' '
           + std::to_string(c.tag) + " at " + c.site + ' ' + word(c.fate);
    if (c.index != 0)
      out += " as " + std::to_string(c.index);
  }
  return out;
}

std::string words(const allowed_end& x) {
  auto there = x.tags.empty() ? "" : "with " + words(x.tags);
  if (!x.gone)
    return there;
  return there.empty() ? "gone" : "gone, or " + there;
}

} // namespace

allowed_end allowed_end_of(const life& x) {
  allowed_end out;
  const change_note* last = nullptr;
  auto removed = false;
  for (const auto& c : x.changes) {
    if (c.fate == change_fate::not_done || c.fate == change_fate::apart)
      continue;
    auto stands = c.fate == change_fate::stands;
    removed = removed || (stands && c.verb == change_verb::remove);
    if (stands && c.index > 0) {
      if (!last || c.index > last->index)
        last = &c;
      continue;
    }
    if (c.verb == change_verb::remove)
      out.gone = true;
    else
      out.tags.insert(c.tag);
  }
  if (removed)
    return {true, {}}; // Nothing can come after it.
  if (last)
    out.tags.insert(last->tag);
  auto created =
    std::any_of(x.changes.begin(), x.changes.end(), [](const change_note& c) {
      return c.fate == change_fate::stands;
    });
  out.gone = out.gone || !created;
  return out;
}

std::size_t change_book::count(change_fate fate) const {
  std::size_t out = 0;
  for (const auto& x : lives)
    out += static_cast<std::size_t>(
      std::count_if(x.changes.begin(), x.changes.end(),
                    [&](const auto& c) { return c.fate == fate; }));
  return out;
}

std::map<std::string, std::string> deviations(const change_book& book,
                                              const held_tags& held) {
  std::map<std::string, std::string> out;
  std::set<std::string> known;
  for (const auto& x : book.lives) {
    known.insert(x.name);
    auto may = allowed_end_of(x);
    auto [first, last] = held.equal_range(x.name);
    auto copies = std::distance(first, last);
    auto good = copies == 0   ? may.gone
                : copies == 1 ? may.tags.contains(first->second)
                              : false;
    if (good)
      continue;
    std::string seen = copies == 0 ? "it is not there" : "";
    for (auto i = first; i != last; ++i)
      seen += (seen.empty() ? "it has " : " and ") + std::to_string(i->second);
    out[x.name] = seen + "; allowed: " + words(may) + " (" + words(x) + ")";
  }
  for (const auto& [name, tag] : held)
    if (!known.contains(name))
      out[name] = "nobody made it";
  return out;
}

} // namespace cheops::scenario
