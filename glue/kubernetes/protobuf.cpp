#include "glue/kubernetes/protobuf.hpp"

namespace cheops::glue::kubernetes::protobuf {

namespace {

/// At most 64 bits, in at most ten bytes, as Go reads them.
std::optional<std::uint64_t> varint(std::string_view& x) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < x.size() && i < 10; ++i) {
    auto byte = static_cast<unsigned char>(x[i]);
    out |= static_cast<std::uint64_t>(byte & 0x7FU) << (7 * i);
    if (byte < 0x80) {
      if (i == 9 && byte > 1)
        return std::nullopt;
      x.remove_prefix(i + 1);
      return out;
    }
  }
  return std::nullopt;
}

void append_varint(std::string& to, std::uint64_t x) {
  for (; x >= 0x80; x >>= 7)
    to += static_cast<char>((x & 0x7FU) | 0x80U);
  to += static_cast<char>(x);
}

/// What follows a tag of that type; nullopt: it is cut short.
std::optional<std::string_view> value_of(std::uint64_t type,
                                         std::string_view& rest) {
  std::uint64_t size = 0;
  if (type == 0) {
    auto from = rest;
    if (!varint(rest))
      return std::nullopt;
    return from.substr(0, from.size() - rest.size());
  }
  if (type == 1)
    size = 8;
  else if (type == 5)
    size = 4;
  else if (type == 2) {
    auto given = varint(rest);
    if (!given)
      return std::nullopt;
    size = *given;
  } else {
    return std::nullopt;
  }
  if (size > rest.size())
    return std::nullopt;
  auto out = rest.substr(0, size);
  rest.remove_prefix(size);
  return out;
}

} // namespace

std::optional<piece> take(std::string_view& message) {
  auto rest = message;
  auto tag = varint(rest);
  constexpr std::uint64_t number_max = (std::uint64_t{1} << 29U) - 1;
  if (!tag || *tag >> 3U == 0 || *tag >> 3U > number_max)
    return std::nullopt;
  auto value = value_of(*tag & 7U, rest);
  if (!value)
    return std::nullopt;
  piece out{static_cast<std::uint32_t>(*tag >> 3U), (*tag & 7U) == 2,
            message.substr(0, message.size() - rest.size()), *value};
  message = rest;
  return out;
}

bool is_message(std::string_view x) {
  while (!x.empty())
    if (!take(x))
      return false;
  return true;
}

std::size_t count(std::string_view message, std::uint32_t number) {
  std::size_t out = 0;
  while (auto x = take(message))
    out += x->number == number ? 1U : 0U;
  return out;
}

std::optional<std::string_view> find(std::string_view message,
                                     std::span<const std::uint32_t> path) {
  std::optional<std::string_view> out;
  while (auto x = take(message)) {
    if (x->number != path.front() || !x->bytes)
      continue;
    if (path.size() == 1)
      out = x->value;
    else if (auto below = find(x->value, path.subspan(1)))
      out = below;
  }
  return out;
}

bool has(std::string_view message, std::span<const std::uint32_t> path) {
  while (auto x = take(message))
    if (x->number == path.front()
        && (path.size() == 1 || (x->bytes && has(x->value, path.subspan(1)))))
      return true;
  return false;
}

std::string without(std::string_view message,
                    std::span<const std::uint32_t> path) {
  std::string out;
  while (auto x = take(message)) {
    if (x->number != path.front()) {
      out += x->whole;
    } else if (path.size() > 1) {
      auto deep = x->bytes && has(x->value, path.subspan(1));
      out += deep ? field(x->number, without(x->value, path.subspan(1)))
                  : std::string{x->whole};
    }
  }
  return out.append(message); // What cannot be read stays.
}

std::string with(std::string_view message, std::span<const std::uint32_t> path,
                 std::string_view bytes) {
  if (path.size() == 1)
    return std::string{message} + field(path.front(), bytes);
  auto rest = message;
  std::string out;
  std::optional<piece> last; // The one that gets it.
  while (auto x = take(rest)) {
    if (x->number == path.front() && x->bytes) {
      if (last)
        out += last->whole;
      last = x;
    } else {
      out += x->whole;
    }
  }
  out += rest;
  auto inner = last ? last->value : std::string_view{};
  return field(path.front(), with(inner, path.subspan(1), bytes)) + out;
}

std::string field(std::uint32_t number, std::string_view bytes) {
  std::string out;
  append_varint(out, (std::uint64_t{number} << 3U) | 2U);
  append_varint(out, bytes.size());
  return out.append(bytes);
}

} // namespace cheops::glue::kubernetes::protobuf
