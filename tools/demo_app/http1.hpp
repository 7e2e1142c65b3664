#pragma once

#include "tools/demo_app/server.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// HTTP/1.1 as this application reads and writes it. Pure.
namespace demo {

/// What a head says of the body behind it.
struct framing {
  bool chunked = false;
  std::uint64_t length = 0;
  bool keep_alive = true;
  bool expects_continue = false;
};

struct parsed_head {
  request what;
  framing how;
};

/// Parses a head up to and with its empty line. Nullopt: it breaks the rules.
[[nodiscard]] std::optional<parsed_head> parse_head(std::string_view text);

/// The size in a chunk's first line, without its CRLF.
[[nodiscard]] std::optional<std::uint64_t>
parse_chunk_size(std::string_view line);

/// `%xx` decoded; nullopt where that is broken.
[[nodiscard]] std::optional<std::string> decode(std::string_view text);

/// Matches "/foos/{id}"; fills `parameters`.
[[nodiscard]] bool match(std::string_view pattern, std::string_view path,
                         std::map<std::string, std::string>& parameters);

/// The head of an answer with its empty line.
[[nodiscard]] std::string render_head(const response& x, bool keep_alive);

} // namespace demo
