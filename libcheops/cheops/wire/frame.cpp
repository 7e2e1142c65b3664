#include "cheops/wire/frame.hpp"

#include "cheops/wire/codec.hpp"

#include <cassert>
#include <limits>

namespace cheops::wire {

namespace {

error broken(std::string what) {
  return {errc::broken, std::move(what), {}, "read frame", {}};
}

error over(std::string_view what, std::size_t size, std::size_t max) {
  return {errc::too_large,
          std::string{what} + " of " + std::to_string(size)
            + " bytes is over the limit of " + std::to_string(max),
          {},
          "read frame",
          "limits.frame_bytes must be the same at all sites"};
}

} // namespace

std::string encode(const frame& x) {
  assert(x.payload.size() <= std::numeric_limits<std::uint32_t>::max());
  writer w;
  w.u16(frame_magic);
  w.u8(frame_layout);
  w.u8(static_cast<std::uint8_t>(x.kind));
  w.u16(x.flags);
  w.u16(x.chunk);
  w.u32(x.message);
  w.u32(static_cast<std::uint32_t>(x.payload.size()));
  w.raw(x.payload);
  return w.take();
}

void cutter::feed(std::string_view bytes) {
  if (used_ == buffer_.size()) {
    buffer_.clear();
    used_ = 0;
  } else if (used_ > buffer_.size() / 2) {
    buffer_.erase(0, used_);
    used_ = 0;
  }
  buffer_.append(bytes);
}

result<std::optional<frame>> cutter::next() {
  auto rest = std::string_view{buffer_}.substr(used_);
  // A wrong start is refused at its first bytes: garbage shorter than a
  // header must not hold a connection open.
  constexpr char start[] = {static_cast<char>(frame_magic >> 8),
                            static_cast<char>(frame_magic & 0xff),
                            static_cast<char>(frame_layout)};
  for (std::size_t i = 0; i < sizeof start && i < rest.size(); ++i)
    if (rest[i] != start[i])
      return broken("the bytes are not a frame of Cheops");
  if (rest.size() < header_bytes)
    return std::optional<frame>{};
  reader r{rest.substr(3)};
  frame x;
  x.kind = static_cast<kind>(r.u8());
  x.flags = r.u16();
  x.chunk = r.u16();
  x.message = r.u32();
  std::size_t size = r.u32();
  if (size > max_)
    return over("a frame", size, max_);
  if (rest.size() - header_bytes < size)
    return std::optional<frame>{};
  x.payload.assign(rest.substr(header_bytes, size));
  used_ += header_bytes + size;
  return std::optional<frame>{std::move(x)};
}

result<std::optional<frame>> assembler::add(frame x) {
  auto more = (x.flags & flag_more) != 0;
  auto follows = open_ && x.chunk > 0 && open_->kind == x.kind
                 && open_->message == x.message && x.chunk == open_->chunk + 1;
  if (!follows) {
    open_.reset();
    cost_ = 0;
  }
  if (x.chunk > 0 && !follows)
    return std::optional<frame>{};
  if (x.chunk == 0 && !more)
    return std::optional<frame>{std::move(x)};
  cost_ += cost_of(x);
  if (x.chunk == 0) {
    open_ = std::move(x);
  } else {
    open_->chunk = x.chunk;
    open_->payload += x.payload;
  }
  if (open_->payload.size() > max_)
    return over("a message", open_->payload.size(), max_);
  if (more)
    return std::optional<frame>{};
  auto whole = std::move(*open_);
  open_.reset();
  cost_ = 0;
  whole.flags &= static_cast<std::uint16_t>(~flag_more);
  whole.chunk = 0;
  return std::optional<frame>{std::move(whole)};
}

} // namespace cheops::wire
