#include "cheops/sim/disk.hpp"

#include "cheops/wire/codec.hpp"

namespace cheops::sim {

namespace {

constexpr std::size_t head_bytes = 12;
constexpr std::size_t writes_max = 1U << 20;

/// FNV-1a: a torn write is told from a whole one, nobody's malice is.
std::uint64_t checksum(std::string_view x) {
  std::uint64_t out = 0xcbf29ce484222325ULL;
  for (unsigned char c : x)
    out = (out ^ c) * 0x100000001b3ULL;
  return out;
}

} // namespace

std::string framed(const ports::batch& x) {
  wire::writer body;
  body.varint(x.writes.size());
  for (const auto& w : x.writes) {
    body.u8(static_cast<std::uint8_t>(w.in));
    body.text(w.key);
    body.u8(w.value ? 1 : 0);
    if (w.value)
      body.text(*w.value);
  }
  auto bytes = body.take();
  wire::writer out;
  out.u32(static_cast<std::uint32_t>(bytes.size()));
  out.u64(checksum(bytes));
  out.raw(bytes);
  return out.take();
}

std::optional<ports::batch> next_framed(std::string_view& log) {
  wire::reader head{log};
  auto size = head.u32();
  auto sum = head.u64();
  if (!head.ok() || head.left() < size)
    return std::nullopt;
  auto bytes = log.substr(head_bytes, size);
  if (checksum(bytes) != sum)
    return std::nullopt;
  log.remove_prefix(head_bytes + size);
  wire::reader r{bytes};
  ports::batch out;
  for (auto n = r.count(writes_max); n > 0; --n) {
    ports::write w;
    w.in = static_cast<ports::family>(r.u8());
    w.key = r.text(bytes.size());
    if (r.u8() == 1)
      w.value = std::string{r.text(bytes.size())};
    out.writes.push_back(std::move(w));
  }
  return out;
}

void disk::sync(std::size_t n) {
  for (; n > 0 && !unsynced_.empty(); --n) {
    keep(std::move(unsynced_.front()));
    unsynced_.pop_front();
  }
}

void disk::crash(dice& random) {
  std::string log;
  for (const auto& x : unsynced_)
    log += framed(x);
  unsynced_.clear();
  auto left = std::string_view{log}.substr(0, random.below(log.size() + 1));
  while (auto x = next_framed(left))
    keep(std::move(*x));
}

void disk::lose() {
  unsynced_.clear();
  clear();
}

result<void> disk::commit(std::span<const ports::batch> all) {
  sync(unsynced_.size());
  return memory_store::commit(all);
}

} // namespace cheops::sim
