#pragma once

#include "cheops/result.hpp"
#include "glue/adapters.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// What a token carries behind its end, so that unmodified services pass it
/// on: `TOKEN!s.SCOPE!o.ISSUER.EXPIRY.MAC`. SCOPE and ISSUER are base64url,
/// EXPIRY is hexadecimal seconds of this node's clock. See decision 0009.
namespace cheops::glue::openstack {

/// Longest scope that a suffix holds: a token with one must still fit into
/// the heads that services read.
inline constexpr std::size_t suffix_scope_bytes_max = 1024;

/// A token taken apart; views point into the text.
struct token {
  std::string_view bare;  ///< What Keystone issued.
  std::string_view plain; ///< With its scope, without its mark.
  std::string scope;      ///< The user's own wish; empty: none.
  std::string issuer;     ///< Of the mark; empty: no mark.
  std::uint64_t expires = 0;
  std::string_view mac;
  [[nodiscard]] bool marked() const noexcept { return !issuer.empty(); }
};

/// Errors: bad_request, for what looks like a suffix of ours and is none.
/// A text without one is all `bare`. There is one text for each token.
[[nodiscard]] result<token> read_token(std::string_view text);

/// Errors: too_large.
[[nodiscard]] result<std::string> with_scope(std::string_view bare,
                                             std::string_view scope);

/// Makes and knows the marks of this process.
class marker {
public:
  explicit marker(keyed_digest digest) : digest_(std::move(digest)) {}

  /// `plain`: a token without a mark.
  [[nodiscard]] std::string mark(std::string_view plain,
                                 std::string_view issuer,
                                 std::uint64_t expires) const;

  /// Errors: forbidden, for a mark that is not ours or no longer good.
  [[nodiscard]] result<void> verify(const token& x, std::uint64_t now) const;

  /// Stands for a text in tables, so that they hold no secret.
  [[nodiscard]] std::string key_of(std::string_view text) const;

private:
  [[nodiscard]] std::string mac_of(std::string_view text) const;
  keyed_digest digest_;
};

/// Takes suffixes off where a token stands as a segment of a path.
[[nodiscard]] std::string bare_path(std::string_view target);

} // namespace cheops::glue::openstack
