#pragma once

#include "support/fake_replication.hpp"

#include <memory>

namespace cheops::test {

/// A replicant of Site1 and Site2 that is diverged at Site1, an operation on
/// it, and two events; changes of it are settled at once.
[[nodiscard]] std::shared_ptr<testing::fake_replication> sample_replication();

} // namespace cheops::test
