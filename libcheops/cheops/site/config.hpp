#pragma once

#include "cheops/application/description.hpp"
#include "cheops/mesh/view.hpp"
#include "cheops/names.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// A site's configuration; docs/configuration.md has the file format.
namespace cheops::site {

using std::chrono::milliseconds;

/// PEM files. What stays empty is not used.
struct tls_files {
  std::string certificate; ///< Chain, leaf first.
  std::string key;
  std::string ca;  ///< Who may have signed the other side.
  std::string crl; ///< Revoked certificates.
  [[nodiscard]] bool empty() const {
    return certificate.empty() && key.empty() && ca.empty();
  }
};

/// Who the node itself is at a service: for what it asks there of its own
/// accord and on behalf of users, never for what passes for them.
struct node_identity {
  std::string certificate;
  std::string key;
  std::string token_file; ///< In place of both: a bearer token.
  [[nodiscard]] bool empty() const {
    return certificate.empty() && token_file.empty();
  }
  friend bool operator==(const node_identity&, const node_identity&) = default;
};

/// The local instance of a service.
struct backend {
  mesh::address at;
  bool tls = false;
  tls_files files;         ///< `ca` to check it, the others to show ourselves.
  std::string server_name; ///< SNI and the name checked; default: the host.
  bool verify = true;
  node_identity identity = {}; ///< Empty: the node has none there.
};

/// One service's listener for users and neighbours.
struct front {
  service_id service;
  mesh::address listen;
  tls_files tls; ///< `ca` set: client certificates are asked for.
  backend to;
  /// CIDR networks of proxies in front of it: what they say of their clients
  /// (`Forwarded`, `X-Forwarded-*`, `X-Real-IP`) goes on to the backend.
  std::vector<std::string> forwarded_from = {};
};

/// Something that a peer may use here.
struct rule {
  service_id service;                   ///< Canonical; "*": each one.
  std::vector<application::verb> verbs; ///< Empty: all.
};

/// What users of another site, and the tokens that it issued, count for here.
struct trust {
  bool tokens = true; ///< False: not one of its tokens is accepted.
  std::vector<std::string> projects; ///< Names or ids; empty: all.
  /// Names of roles that count; empty: all but those of administrators and
  /// services; "*": all.
  std::vector<std::string> roles;
  /// Sites whose tokens it may bring beside its own; unset: all those whose
  /// tokens are accepted.
  std::optional<std::vector<site_id>> brings;
  friend bool operator==(const trust&, const trust&) = default;
};

struct peer {
  site_id name;
  mesh::address link; ///< Where to dial it first; gossip may tell better.
  std::optional<std::vector<rule>> allow; ///< Unset: `default_allow` counts.
  std::optional<trust> users = {};        ///< Unset: `default_trust` counts.
  /// Its network service has agents for the compute hosts of this site.
  bool knows_hosts = false;
};

struct listener {
  mesh::address listen;    ///< Port 0 in a config means: not configured.
  mesh::address advertise; ///< What peers are told; default: `listen`.
};

struct admin_endpoint {
  std::string unix_path; ///< Or …
  std::optional<mesh::address> listen;
  std::string token_file; ///< Needed with `listen`.
  tls_files tls;          ///< Needed beyond loopback.
};

/// Each bound of the data plane. Zero is not "without bound".
struct limits {
  std::uint32_t connections = 4096; ///< Per front, accepted at once.
  std::uint32_t header_bytes = 64 * 1024;
  std::uint32_t header_fields = 128;
  std::uint32_t target_bytes = 16 * 1024;
  std::uint32_t buffer_bytes = 64 * 1024; ///< Per direction of an exchange.
  std::uint32_t retry_body_bytes = 64 * 1024;
  std::uint32_t upstream_idle = 1024;        ///< Per endpoint and thread.
  std::uint32_t upstream_connections = 1024; ///< Per endpoint and thread.
  std::uint32_t upstream_waiting = 1024;     ///< Requests in wait for one.
  std::uint32_t correlations = 100'000;
  std::uint32_t tokens = 10'000;            ///< What is known of tokens.
  std::uint32_t scoped_resources = 100'000; ///< That keep a scope.
  std::uint32_t hops = 8;
  std::uint32_t peers = 256;
  std::uint32_t frame_bytes = 1024 * 1024;
  std::uint32_t link_output_bytes = 8 * 1024 * 1024;
  std::uint32_t link_input_bytes = 8 * 1024 * 1024;
  std::uint64_t entry_bytes = 3 * 1024 * 1024;
  std::uint64_t replicant_bytes = 16 * 1024 * 1024; ///< What rebuilds one.
  std::uint32_t application_calls = 8; ///< For replicants, per service.
  friend bool operator==(const limits&, const limits&) = default;
};

struct timeouts {
  milliseconds connect{1000};
  milliseconds header{10'000};        ///< A client's whole head.
  milliseconds idle{60'000};          ///< Between requests, and in a body.
  milliseconds upstream_idle{30'000}; ///< A pooled connection's rest.
  milliseconds answer{60'000};        ///< To the head of the backend's answer.
  milliseconds peer_answer{60'000};   ///< To the head of a peer's answer.
  milliseconds tunnel_idle{3'600'000};
  milliseconds correlation{600'000}; ///< A trace remembered after its last use.
  milliseconds token_mark{3'600'000}; ///< A mark on a foreign token is good.
  milliseconds validation{60'000};    ///< What is known of a token is good.
  /// A resource's scope, after its last use.
  milliseconds scoped_resource{86'400'000};
  milliseconds drain{10'000}; ///< SIGTERM: what runs may still end.
  milliseconds heartbeat{500};
  milliseconds link_silence{2000}; ///< No frame for so long: cut off.
  milliseconds dial{1000};         ///< One attempt.
  friend bool operator==(const timeouts&, const timeouts&) = default;
};

/// Resources on two sites, and who votes with them.
struct replication {
  /// Sites that vote where two have a resource; the first that fits counts.
  std::vector<site_id> witnesses;
  std::string key_file;  ///< Full members share it, witnesses lack it.
  std::string key_where; ///< Of `key_file` in the configuration, for errors.
};

/// Who votes with those that shall have a resource: there must be two, the
/// witness is neither of them, and `may_be` says whether it can be one now.
/// Unset: nobody.
[[nodiscard]] std::optional<site_id>
witness_for(const std::vector<site_id>& named,
            const std::vector<site_id>& sites,
            const std::function<bool(const site_id&)>& may_be);

struct log_settings {
  std::string level = "info";
  std::string access; ///< File of the access log; "-": stdout; empty: none.
};

struct config {
  std::string file; ///< Where it was read from.
  site_id name;
  std::string application_file;
  std::string data;     ///< Folder for the store and identity of this node.
  unsigned threads = 0; ///< I/O threads; 0: one per core.
  std::vector<front> fronts;
  listener peer_front;
  listener link;
  tls_files tls; ///< This site's identity in the mesh.
  /// CIDR networks where peers may live; gossip of others is not believed.
  std::vector<std::string> networks;
  std::vector<peer> peers;
  /// For peers without an `allow` of their own. Unset: each service whose
  /// description says that it authenticates users.
  std::optional<std::vector<rule>> default_allow;
  trust default_trust; ///< For peers without a `users` of their own.
  /// Users that are services of this site, beside those of the role.
  std::vector<std::string> service_users;
  /// The catalogue names the backends: clients are to get the fronts.
  bool rewrite_catalogue = false;
  admin_endpoint admin;
  limits bounds;
  timeouts times;
  site::replication replication;
  log_settings log;
  bool experiments = false;
};

/// Whether `peer` may do `does` to a service here: its own `allow` decides,
/// else `default_allow`, else whether the service authenticates users itself.
/// A list without a rule allows nothing, and so does a service that is not
/// described.
[[nodiscard]] bool allowed(const config& x, const application::description& app,
                           const site_id& peer, const service_id& service,
                           application::verb does);

/// The front of a service; null: it has none here.
[[nodiscard]] const front* front_of(const config& x, const service_id& service);

/// What the users of `issuer` count for: its own entry decides, else
/// `default_trust`.
[[nodiscard]] const trust& trust_of(const config& x, const site_id& issuer);

/// Whether `bringer` may bring a token that `issuer` issued.
[[nodiscard]] bool may_bring(const config& x, const site_id& bringer,
                             const site_id& issuer);

/// With what the node shows itself to a service (`backend.identity`), and
/// checks who is there.
[[nodiscard]] tls_files node_files(const backend& to);

/// Whether the network service of `site` knows the compute hosts of this one.
[[nodiscard]] bool knows_hosts(const config& x, const site_id& site);

} // namespace cheops::site
