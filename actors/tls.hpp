#pragma once

#include "cheops/mesh/link.hpp"
#include "cheops/result.hpp"
#include "cheops/site/config.hpp"
#include "cheops/wire/messages.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct ssl_st;

/// What the mesh believes: certificates, links under TLS 1.3, signatures.
/// The only file beside its source that knows OpenSSL in this folder.
namespace cheops::actors::tls {

/// This site's certificate and key, and the CA and revocations that judge
/// others. Never changed after it was loaded; safe from any thread.
class trust {
public:
  /// Errors: bad_config, with the file and OpenSSL's reason; also where the
  /// certificate is not this site's.
  [[nodiscard]] static result<std::shared_ptr<const trust>>
  load(const site::tls_files& files, const site_id& self);

  virtual ~trust() = default;

  [[nodiscard]] virtual result<wire::sealed_statement>
  seal(const wire::statement& x) const = 0;

  /// The site whose verified certificate signed `x`. Errors: forbidden, with
  /// what is wrong with the certificate or the signature.
  [[nodiscard]] virtual result<site_id>
  signer(const wire::sealed_statement& x) const = 0;

  /// The site that a chain (DER, leaf first) is for, if it verifies now.
  [[nodiscard]] virtual result<site_id>
  judge(const std::vector<std::string>& chain) const = 0;

  /// A connection of OpenSSL's; of use to `session` only.
  [[nodiscard]] virtual ssl_st* connection(mesh::link::role as) const = 0;
};

/// One end of a TLS connection over bytes in memory.
class session {
public:
  session(const trust& with, mesh::link::role as);

  struct progress {
    std::string plain;                 ///< What came, decrypted.
    bool secured = false;              ///< The handshake ended with this call.
    std::optional<std::string> failed; ///< Close; nothing more will come.
  };
  /// Takes what the socket gave; with nothing, begins the handshake.
  [[nodiscard]] progress feed(std::string_view bytes);

  /// Encrypts. Only once secured.
  void write(std::string_view plain);

  /// Appends what the socket must send now.
  void output(std::vector<char>& to);

  /// The other side's certificates (DER, leaf first), once secured.
  [[nodiscard]] std::vector<std::string> chain() const;

private:
  struct free {
    void operator()(ssl_st* x) const noexcept;
  };
  std::unique_ptr<ssl_st, free> ssl_;
  bool secured_ = false;
};

} // namespace cheops::actors::tls
