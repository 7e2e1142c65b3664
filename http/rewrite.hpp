#pragma once

#include "http/head.hpp"
#include "http/problem.hpp"

#include <optional>
#include <span>
#include <string>

/// Writes the heads that go on: the lines that stay as they came, without
/// those that end here, with those that we add.
namespace cheops::http {

/// What is said of a client to who is behind: lines of ours.
struct forwarding {
  std::string own;     ///< "Forwarded: for=…;proto=…", without its end.
  std::string address; ///< "X-Forwarded-For: …", with its end.
  std::string proto;   ///< "X-Forwarded-Proto: …", with its end.
  /// The client is a proxy or a peer: what it says of its own client goes on
  /// before our lines. Else it is dropped: anybody could write it.
  bool believed = false;
};

struct request_additions {
  std::string_view target;              ///< Origin form.
  std::string_view host;                ///< Used where the request has no Host.
  std::string_view via;                 ///< The whole lines, with line ends.
  const forwarding* client = nullptr;   ///< Never null.
  std::span<const traffic::header> set; ///< Replace theirs.
  std::span<const traffic::header> set_for_peer; ///< Added; ours are gone.
  std::span<const traffic::header> edits; ///< The adapter's; replace theirs.
  std::span<const std::string> drop;      ///< Names that do not go on.
};

/// Whether the request's `Upgrade` goes on. Where it does not, an answer 101
/// is one to a question that nobody asked.
[[nodiscard]] bool passes_upgrade(const head& in) noexcept;

void write_request(std::string& to, const head& in,
                   const request_additions& with);

struct answer_additions {
  framing body = framing::none; ///< How the body is sent on.
  bool keeps_ours = false;      ///< From a peer: `Cheops-*` go on.
  bool close = false;           ///< `Connection: close`.
  bool keep_alive_1_0 = false;  ///< `Connection: keep-alive`.
  bool upgrade = false;         ///< A 101: `Upgrade` goes on.
  bool old_client = false;      ///< HTTP/1.0.
  std::string_view sites;       ///< `Cheops-Sites`, if the answer has none.
  std::span<const traffic::header> set; ///< Replace theirs.
  std::optional<std::size_t> length;    ///< The body is another, so long.
};

void write_answer(std::string& to, const head& in,
                  const answer_additions& with);

/// An answer of our own, whole. `without_body`: to a HEAD request.
void write_problem(std::string& to, const problem& x, bool without_body,
                   bool close, bool keep_alive_1_0,
                   std::span<const traffic::header> more = {});

} // namespace cheops::http
