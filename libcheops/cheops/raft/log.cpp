#include "cheops/raft/log.hpp"

#include "cheops/ensure.hpp"

#include <algorithm>
#include <iterator>

namespace cheops::raft {

std::optional<term_id> log::term_at(index_id i) const {
  if (i == base_.index)
    return base_.term;
  if (i < first_index() || i > last_index())
    return std::nullopt;
  return at(i).term;
}

const entry& log::at(index_id i) const {
  ensure(i >= first_index() && i <= last_index(), "an entry that is not there");
  return entries_[i - first_index()];
}

void log::append(entry x) {
  ensure(x.index == last_index() + 1, "a gap in a log");
  ensure(x.term >= last_term(), "a log goes back in its terms");
  if (x.kind == entry_kind::configure)
    configures_.push_back(x.index);
  auto before = sums_.empty() ? start_sum_ : sums_.back();
  sums_.push_back(before + x.payload.size());
  entries_.push_back(std::move(x));
}

std::size_t log::bytes_behind(index_id i) const {
  ensure(i >= base_.index && i <= last_index(), "an entry that is not there");
  if (sums_.empty())
    return 0;
  return sums_.back()
         - (i == base_.index ? start_sum_ : sums_[i - first_index()]);
}

void log::truncate(index_id from) {
  ensure(from >= first_index(), "what is folded cannot be cut off");
  while (last_index() >= from) {
    entries_.pop_back();
    sums_.pop_back();
  }
  while (!configures_.empty() && configures_.back() >= from)
    configures_.pop_back();
}

void log::compact(snapshot to) {
  if (to.index <= base_.index)
    return;
  auto keeps = term_at(to.index) == to.term;
  while (!entries_.empty() && (!keeps || entries_.front().index <= to.index)) {
    start_sum_ = sums_.front();
    entries_.pop_front();
    sums_.pop_front();
  }
  while (!configures_.empty() && (!keeps || configures_.front() <= to.index))
    configures_.pop_front();
  base_ = std::move(to);
}

std::vector<entry> log::slice(index_id from, std::size_t bytes_max,
                              std::size_t count_max) const {
  std::vector<entry> out;
  std::size_t bytes = 0;
  for (auto i = from; i <= last_index() && out.size() < count_max; ++i) {
    const auto& x = at(i);
    bytes += x.payload.size();
    if (!out.empty() && bytes > bytes_max)
      break;
    out.push_back(x);
  }
  return out;
}

const configuration& log::members() const {
  return configures_.empty() ? base_.members : at(configures_.back()).members;
}

index_id log::members_index() const {
  return configures_.empty() ? base_.index : configures_.back();
}

const configuration& log::members_at(index_id i) const {
  ensure(i >= base_.index, "what is folded has no members");
  auto after = std::ranges::upper_bound(configures_, i);
  return after == configures_.begin() ? base_.members
                                      : at(*std::prev(after)).members;
}

} // namespace cheops::raft
