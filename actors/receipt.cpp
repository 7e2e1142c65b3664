#include "actors/receipt.hpp"

#include "actors/interfaces.hpp"

#include <caf/all.hpp>

namespace cheops::actors {

void ledger::give_back(std::size_t cost) noexcept {
  auto before = done_.fetch_add(cost);
  // Only who crosses the mark tells; till it is collected, others need not.
  if (before >= worth_telling_ || before + cost < worth_telling_)
    return;
  if (auto link = caf::actor_cast<caf::actor>(link_))
    caf::anon_send(link, atom::settle_v);
}

} // namespace cheops::actors
