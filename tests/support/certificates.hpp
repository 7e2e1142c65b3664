#pragma once

#include "cheops/site/config.hpp"

#include <memory>
#include <string>
#include <vector>

namespace cheops::support {

/// A private CA in a folder, for tests.
class certificate_authority {
public:
  /// Files are `<folder>/<name>-….pem`.
  certificate_authority(std::string folder, std::string name);
  ~certificate_authority();

  /// A certificate for a site (URI SAN), and its key.
  [[nodiscard]] site::tls_files issue(const std::string& site);
  /// One for another name, as OpenSSL's configuration writes it: "DNS:a.test".
  [[nodiscard]] site::tls_files issue_for(const std::string& name);

  /// Writes a CRL that has the last certificate of each of these names.
  [[nodiscard]] std::string revoke(const std::vector<std::string>& sites);

private:
  struct keys;
  std::unique_ptr<keys> keys_;
  std::string stem_;
  long serial_ = 1;
};

} // namespace cheops::support
