#pragma once

#include "cheops/replicant/codec.hpp"
#include "cheops/wire/codec.hpp"

#include <optional>
#include <string_view>
#include <utility>

/// The fields that stored and sent things share. For this folder's codecs.
namespace cheops::replicant::fields {

using wire::writer;

/// A reader that also fails for values that make no sense.
class source {
public:
  explicit source(std::string_view x) noexcept : bytes(x) {}
  [[nodiscard]] bool ok() const noexcept { return bytes.ok() && fits_; }
  /// The value is out of its range.
  void require(bool fits) noexcept { fits_ = fits_ && fits; }

  wire::reader bytes;

private:
  bool fits_ = true;
};

inline constexpr std::uint8_t layout = 1;
inline constexpr std::size_t name_bytes_max = 253;

[[nodiscard]] error broken(std::string_view what);

template <class T>
result<T> checked(const source& s, T x, std::string_view what) {
  if (!s.ok())
    return broken(what);
  return x;
}

template <class E>
E enumeration(source& s, E last) {
  auto x = s.bytes.u8();
  s.require(x <= static_cast<std::uint8_t>(last));
  return static_cast<E>(x);
}
template <class E>
void put_enumeration(writer& w, E x) {
  w.u8(static_cast<std::uint8_t>(x));
}

[[nodiscard]] bool flag(source& s);
[[nodiscard]] std::string text(source& s, std::size_t max);

void put(writer& w, const digest128& x);
void put(writer& w, const meta_id& x);
void put(writer& w, const operation_id& x);
void put(writer& w, const member_id& x);
void put(writer& w, const raft::configuration& x);
void put(writer& w, const client_key& x);
void put(writer& w, const templated& x);
void put(writer& w, const operation& x);
void put(writer& w, const submission& x);
void put(writer& w, const membership_goal& x);
void put(writer& w, const birth& x);
void put(writer& w, const outcome& x);
void put(writer& w, const summary& x);
void put(writer& w, const raft::entry& x);
void put(writer& w, const raft::snapshot& x);

void read(source& s, digest128& x);
void read(source& s, meta_id& x);
void read(source& s, operation_id& x);
void read(source& s, member_id& x);
void read(source& s, raft::configuration& x);
void read(source& s, client_key& x);
void read(source& s, templated& x);
void read(source& s, operation& x);
void read(source& s, submission& x);
void read(source& s, membership_goal& x);
void read(source& s, birth& x);
void read(source& s, outcome& x);
void read(source& s, summary& x);
void read(source& s, raft::entry& x);
void read(source& s, raft::snapshot& x);

template <class T>
void put_maybe(writer& w, const std::optional<T>& x) {
  w.u8(x ? 1 : 0);
  if (x)
    put(w, *x);
}
template <class T>
void read_maybe(source& s, std::optional<T>& x) {
  if (flag(s))
    read(s, x.emplace());
}

template <class Range>
void put_all(writer& w, const Range& all) {
  w.varint(all.size());
  for (const auto& x : all)
    put(w, x);
}
template <class Range>
void read_all(source& s, Range& all, std::size_t max) {
  for (auto n = s.bytes.count(max); n > 0 && s.ok(); --n)
    read(s, all.emplace_back());
}

inline void put_index(writer& w, const std::optional<index_id>& x) {
  w.u8(x ? 1 : 0);
  if (x)
    w.varint(*x);
}
[[nodiscard]] inline std::optional<index_id> read_index(source& s) {
  if (!flag(s))
    return std::nullopt;
  return s.bytes.varint();
}

} // namespace cheops::replicant::fields
