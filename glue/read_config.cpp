#include "glue/read_config.hpp"

#include "cheops/names.hpp"
#include "cheops/site/network.hpp"
#include "glue/words.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <sys/un.h>

namespace cheops::glue {

namespace fs = std::filesystem;

std::optional<origin> to_origin(std::string_view url) {
  auto x = boost::urls::parse_uri(url);
  if (!x || !x->has_authority() || x->has_userinfo() || x->has_query()
      || x->has_fragment()
      || (!x->encoded_path().empty() && x->encoded_path() != "/"))
    return std::nullopt;
  origin out;
  out.tls = x->scheme_id() == boost::urls::scheme::https;
  if (!out.tls && x->scheme_id() != boost::urls::scheme::http)
    return std::nullopt;
  auto port = x->has_port() ? x->port_number() : (out.tls ? 443 : 80);
  out.at = {std::string{x->host_address()}, static_cast<std::uint16_t>(port)};
  auto is_future = x->host_type() == boost::urls::host_type::ipvfuture;
  if (out.at.port == 0 || is_future || !site::is_host(out.at.host))
    return std::nullopt;
  return out;
}

namespace {

class reader {
public:
  reader(const application::description& app, fs::path folder)
    : app_(app), folder_(std::move(folder)) {}

  site::config read(const yaml::node& root) {
    site::config out;
    out.name = site_id{read_site_name(root.at("site"))};
    (void) root.at("application");
    out.data = "/var/lib/cheops";
    read_path(root, "data", out.data);
    root.read("threads", out.threads, 0, 256);
    for (const auto& x : root.at("fronts").each())
      out.fronts.push_back(read_front(x));
    if (root.optional("fronts").is_list() && out.fronts.empty())
      root.at("fronts").fail("a site has at least one front");
    out.peer_front = read_listener(root.optional("peer_front"));
    out.link = read_listener(root.optional("link"));
    out.tls = read_tls(root.optional("tls"), "ca");
    if (auto x = root.optional("tls")) {
      read_path(x, "crl", out.tls.crl);
      if (out.tls.ca.empty() || out.tls.certificate.empty())
        x.fail("needs \"certificate\", \"key\" and \"ca\"");
    }
    for (const auto& x : root.optional("networks").each())
      out.networks.push_back(read_network(x));
    for (const auto& x : root.optional("peers").each())
      out.peers.push_back(read_peer(x, out.name));
    if (auto x = root.optional("default_allow"))
      out.default_allow = read_rules(x);
    if (auto x = root.optional("default_trust"))
      out.default_trust = read_trust(x);
    for (const auto& x : one_or_many(root.optional("service_users")))
      out.service_users.push_back(read_name(x));
    root.read("rewrite_catalogue", out.rewrite_catalogue);
    out.admin = read_admin(root.optional("admin"), out.data);
    read_limits(root.optional("limits"), out.bounds);
    read_timeouts(root.optional("timeouts"), out.times);
    if (auto x = root.optional("replication"))
      out.replication = read_replication(x, out.name);
    if (auto x = root.optional("log"))
      out.log = read_log(x);
    root.read("experiments", out.experiments);
    return out;
  }

private:
  void read_path(const yaml::node& in, std::string_view key, std::string& to) {
    auto x = in.optional(key);
    if (!x)
      return;
    auto text = x.as<std::string>();
    if (x.is_text() && text.empty())
      x.expected("a path");
    to = (folder_ / text).lexically_normal();
  }

  /// `ca_key`: how the file of the authority is called here.
  site::tls_files read_tls(const yaml::node& x, std::string_view ca_key) {
    site::tls_files out;
    if (!x)
      return out;
    read_path(x, "certificate", out.certificate);
    read_path(x, "key", out.key);
    read_path(x, ca_key, out.ca);
    if (out.certificate.empty() != out.key.empty())
      x.fail("\"certificate\" and \"key\" go together");
    return out;
  }

  /// Where this site listens: an address of its own, not a name that may
  /// mean another one tomorrow.
  mesh::address read_listen(const yaml::node& x) {
    auto out = x.as<mesh::address>();
    if (!x.is_text() || out.host.empty())
      return out;
    if ((!site::to_ip(out.host) && !same_name(out.host, "localhost"))
        || out.port == 0) {
      x.expected("an IP address (or localhost) and a port from 1 to 65535");
      return out;
    }
    auto done = listens_.emplace(mesh::to_string(out), x.path());
    if (!done.second)
      x.fail("\"" + done.first->first + "\" is already taken by "
             + done.first->second);
    return out;
  }

  static mesh::address read_target(const yaml::node& x) {
    auto out = x.as<mesh::address>();
    if (x.is_text() && !out.host.empty() && out.port == 0)
      x.expected("a port from 1 to 65535");
    return out;
  }

  site::front read_front(const yaml::node& x) {
    site::front out;
    auto name = x.at("service");
    if (const auto* service = read_service(name, app_)) {
      out.service = service->name;
      auto done = fronts_.emplace(service->name, x.path());
      if (!done.second)
        name.fail("\"" + service->name.value
                  + "\" already has a front: " + done.first->second);
    }
    out.listen = read_listen(x.at("listen"));
    if (auto tls = x.optional("tls")) {
      out.tls = read_tls(tls, "client_ca");
      if (out.tls.certificate.empty())
        tls.fail("needs \"certificate\" and \"key\"");
    }
    for (const auto& y : one_or_many(x.optional("forwarded_from")))
      out.forwarded_from.push_back(read_network(y));
    out.to = read_backend(x.at("backend"));
    return out;
  }

  site::backend read_backend(const yaml::node& x) {
    site::backend out;
    if (!x)
      return out;
    auto url = x.is_text() ? x : x.at("url");
    auto text = url.as<std::string>();
    if (auto at = to_origin(text)) {
      out.at = at->at;
      out.tls = at->tls;
    } else if (url.is_text()) {
      url.expected("a URL such as http://127.0.0.1:9001, without a path");
    }
    if (x.is_text())
      return out;
    out.files = read_tls(x, "ca");
    x.read("server_name", out.server_name);
    x.read("verify", out.verify);
    auto has_tls =
      !out.files.empty() || !out.server_name.empty() || x.optional("verify");
    if (has_tls && !out.tls && url.is_text())
      x.fail("TLS is set, but the URL is not https");
    out.identity = read_identity(x.optional("identity"), out.tls);
    return out;
  }

  /// Never over plain HTTP: who listens would be the node.
  site::node_identity read_identity(const yaml::node& x, bool tls) {
    site::node_identity out;
    if (!x)
      return out;
    read_path(x, "certificate", out.certificate);
    read_path(x, "key", out.key);
    read_path(x, "token_file", out.token_file);
    if (out.certificate.empty() != out.key.empty())
      x.fail("\"certificate\" and \"key\" go together");
    else if (out.certificate.empty() == out.token_file.empty())
      x.fail("needs either \"certificate\" and \"key\", or \"token_file\"");
    if (!tls)
      x.fail("needs a backend whose URL is https");
    return out;
  }

  site::listener read_listener(const yaml::node& x) {
    site::listener out;
    if (!x)
      return out;
    out.listen = read_listen(x.at("listen"));
    out.advertise = out.listen;
    if (auto y = x.optional("advertise")) {
      out.advertise = read_target(y);
    } else if (auto ip = site::to_ip(out.listen.host);
               ip == site::to_ip("0.0.0.0") || ip == site::to_ip("::")) {
      if (ip)
        x.fail("needs \"advertise\": peers cannot call \"" + out.listen.host
               + "\"");
    }
    return out;
  }

  static std::string read_network(const yaml::node& x) {
    auto out = x.as<std::string>();
    if (x.is_text() && !site::to_network(out))
      x.expected("a network such as 10.0.0.0/8 or fd00::/8");
    return out;
  }

  site::peer read_peer(const yaml::node& x, const site_id& self) {
    site::peer out;
    auto name = x.at("site");
    out.name = site_id{read_site_name(name)};
    if (!out.name.empty()) {
      auto done = peers_.emplace(fold_case(out.name.value), name.where());
      if (same_name(out.name.value, self.value))
        name.fail("is this site itself; names match whatever their case");
      else if (!done.second)
        name.fail("\"" + out.name.value + "\" is given twice; first at "
                  + done.first->second);
    }
    out.link = read_target(x.at("link"));
    if (auto y = x.optional("allow"))
      out.allow = read_rules(y);
    if (auto y = x.optional("trust"))
      out.users = read_trust(y);
    x.read("knows_hosts", out.knows_hosts);
    return out;
  }

  static site::trust read_trust(const yaml::node& x) {
    site::trust out;
    x.read("tokens", out.tokens);
    auto read_list = [&](std::string_view key, auto take) {
      auto list = x.optional(key);
      auto all = one_or_many(list);
      for (const auto& one : all)
        take(one);
      // In memory "none" means all; in a file it would be misread.
      if (list.is_list() && all.empty() && key != "brings")
        list.fail("is empty; leave it out to accept every one, or say "
                  "\"tokens: false\"");
    };
    read_list("projects", [&](const yaml::node& one) {
      out.projects.push_back(read_name(one));
    });
    read_list("roles", [&](const yaml::node& one) {
      auto any = one.is_text() && one.as<std::string>() == "*";
      out.roles.push_back(any ? "*" : read_name(one));
    });
    if (x.optional("brings"))
      out.brings.emplace();
    read_list("brings", [&](const yaml::node& one) {
      out.brings->emplace_back(read_site_name(one));
    });
    return out;
  }

  std::vector<site::rule> read_rules(const yaml::node& x) {
    std::vector<site::rule> out;
    for (const auto& y : x.each()) {
      site::rule rule;
      auto name = y.at("service");
      if (name.is_text() && name.as<std::string>() == "*")
        rule.service = service_id{"*"};
      else if (const auto* service = read_service(name, app_))
        rule.service = service->name;
      if (auto verbs = y.optional("verbs")) {
        for (const auto& verb : one_or_many(verbs))
          rule.verbs.push_back(read_verb(verb));
        // In memory "none" means all; in a file it would be misread.
        if (verbs.is_list() && rule.verbs.empty())
          verbs.fail("is empty; leave it out to allow every verb");
      }
      out.push_back(std::move(rule));
    }
    return out;
  }

  site::admin_endpoint read_admin(const yaml::node& x,
                                  const std::string& data) {
    site::admin_endpoint out;
    if (!x) {
      out.unix_path = (fs::path{data} / "admin.sock").lexically_normal();
      return out;
    }
    read_path(x, "unix", out.unix_path);
    if (auto y = x.optional("listen"))
      out.listen = read_listen(y);
    read_path(x, "token_file", out.token_file);
    auto tls = x.optional("tls");
    out.tls = read_tls(tls, "client_ca");
    if (out.unix_path.empty() == !out.listen)
      x.fail("needs either \"unix\", a path, or \"listen\", an address");
    else if (out.listen && out.token_file.empty())
      x.fail("with \"listen\" it needs \"token_file\"");
    else if (out.listen && out.tls.certificate.empty()
             && !site::is_loopback(out.listen->host))
      x.fail("beyond loopback it listens only with \"tls\"");
    if (!out.listen && tls)
      tls.fail("is for \"listen\" only");
    return out;
  }

  site::replication read_replication(const yaml::node& x, const site_id& self) {
    site::replication out;
    for (const auto& one : one_or_many(x.optional("witnesses"))) {
      site_id name{read_site_name(one)};
      auto twice = std::ranges::any_of(out.witnesses, [&](const site_id& y) {
        return same_name(y.value, name.value);
      });
      if (!name.empty() && same_name(name.value, self.value))
        one.fail("is this site itself, which cannot be a witness of what it "
                 "has");
      else if (!name.empty() && twice)
        one.fail("\"" + name.value + "\" is given twice");
      out.witnesses.push_back(std::move(name));
    }
    read_path(x, "key_file", out.key_file);
    if (!out.key_file.empty())
      out.key_where = x.at("key_file").where() + ": replication.key_file";
    else if (!out.witnesses.empty())
      x.at("witnesses")
        .fail("needs \"key_file\": what a witness keeps is "
              "sealed. Make one with `cheops key generate` and "
              "copy it to each site that is no witness");
    return out;
  }

  site::log_settings read_log(const yaml::node& x) {
    site::log_settings out;
    if (auto y = x.optional("level")) {
      (void) y.as<int>(
        {{"trace", 0}, {"debug", 1}, {"info", 2}, {"warn", 3}, {"error", 4}});
      out.level = y.as<std::string>();
    }
    if (auto y = x.optional("access");
        y.is_text() && y.as<std::string>() == "-")
      out.access = "-";
    else
      read_path(x, "access", out.access);
    return out;
  }

  const application::description& app_;
  fs::path folder_;
  std::map<std::string, std::string> listens_; ///< Address -> who has it.
  std::map<service_id, std::string> fronts_;
  std::map<std::string, std::string> peers_; ///< Folded name -> its place.
};

/// The networks of a configuration without any: where its peers are.
std::vector<std::string> default_networks(const site::config& x) {
  std::vector<std::string> out;
  auto loopback = site::is_loopback(x.link.listen.host);
  for (const auto& peer : x.peers) {
    if (site::is_loopback(peer.link.host))
      loopback = true;
    else if (site::to_ip(peer.link.host))
      out.push_back(peer.link.host);
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  if (loopback) {
    out.emplace_back("127.0.0.0/8");
    out.emplace_back("::1");
  }
  return out;
}

} // namespace

site::config read_config(const yaml::node& root,
                         const application::description& app,
                         const std::string& folder) {
  return reader{app, folder}.read(root);
}

void check_config(const yaml::node& root, site::config& x) {
  constexpr auto socket_path_max = sizeof(sockaddr_un::sun_path) - 1;
  if (x.admin.unix_path.size() > socket_path_max) {
    // Without an entry of its own it lies in the data folder.
    auto at = root.optional("admin");
    (at ? at.at("unix") : root.at("data"))
      .fail("\"" + x.admin.unix_path + "\" is longer than "
            + std::to_string(socket_path_max)
            + " bytes, the system's bound for a socket");
  }
  auto has_front = x.peer_front.listen.port != 0;
  auto has_link = x.link.listen.port != 0;
  if (has_front != has_link)
    root.fail("\"peer_front\" and \"link\" go together: peers need both");
  else if (!x.peers.empty() && !has_link)
    root.at("peers").fail("peers need \"peer_front\" and \"link\" here too");
  if (x.peers.size() > x.bounds.peers)
    root.at("peers").fail("more than limits.peers, "
                          + std::to_string(x.bounds.peers));
  if (x.tls.empty()) {
    constexpr auto why =
      "a node listens for peers beyond loopback only with TLS (key \"tls\")";
    for (auto key : {"peer_front", "link"}) {
      const auto& listen =
        key == std::string_view{"link"} ? x.link.listen : x.peer_front.listen;
      if (listen.port != 0 && !site::is_loopback(listen.host))
        root.at(key).at("listen").fail(why);
    }
    auto peers = root.optional("peers").each();
    for (std::size_t i = 0; i < peers.size(); ++i)
      if (!site::is_loopback(x.peers[i].link.host))
        peers[i].at("link").fail(
          "a node calls peers beyond loopback only with TLS (key \"tls\")");
  }
  if (!root.optional("networks"))
    x.networks = default_networks(x);
}

} // namespace cheops::glue
