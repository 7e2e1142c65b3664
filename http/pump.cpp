#include "http/pump.hpp"

#include <algorithm>
#include <array>
#include <cassert>

namespace cheops::http {

namespace {

/// What one write may take: more would only fill the kernel's queue.
constexpr int pieces_max = 3;

} // namespace

io pump::flush(stream& to, buffer& from, std::uint64_t& sent) {
  while (!empty()) {
    std::array<iovec, pieces_max> what;
    std::size_t n = 0;
    auto add = [&](const char* data, std::size_t size) {
      if (size > 0)
        what[n++] = {const_cast<char*>(data), size};
    };
    add(before.data() + before_sent, before.size() - before_sent);
    add(from.data(), ready);
    add(after.data() + after_sent, after.size() - after_sent);
    auto r = to.try_write({what.data(), n});
    if (r.what != io::done)
      return r.what;
    sent += r.bytes;
    sent_bytes(r.bytes, from);
  }
  before.clear();
  after.clear();
  before_sent = after_sent = 0;
  return io::done;
}

void pump::sent_bytes(std::size_t n, buffer& from) noexcept {
  auto k = std::min(n, before.size() - before_sent);
  before_sent += k;
  n -= k;
  k = std::min(n, ready);
  if (k > 0) {
    ready -= k;
    from.consume(ready == 0 ? k + drop : k);
    if (ready == 0)
      drop = 0;
    n -= k;
  }
  after_sent += n;
}

void pump::piece(std::size_t pass, std::size_t drop_behind,
                 buffer& from) noexcept {
  ready = pass;
  drop = drop_behind;
  if (ready == 0 && drop > 0) {
    from.consume(drop);
    drop = 0;
  }
}

void pump::take_back(std::size_t at) noexcept {
  assert(before_sent <= at);
  before.resize(std::min(at, before.size()));
  after.clear();
  ready = drop = after_sent = 0;
}

void pump::discard(buffer& from) noexcept {
  if (ready + drop > 0)
    from.consume(ready + drop);
  ready = drop = 0;
  before.clear();
  after.clear();
  before_sent = after_sent = 0;
}

} // namespace cheops::http
