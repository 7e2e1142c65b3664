#include "tools/scenario/config_file.hpp"

#include "http/ca.hpp"
#include "http/file.hpp"
#include "http/vault.hpp"

#include <boost/json.hpp>

namespace cheops::scenario {

namespace {

/// A YAML scalar: JSON's strings are YAML's.
std::string quoted(const std::string& x) {
  return boost::json::serialize(boost::json::value(x));
}

std::string quoted(const mesh::address& x) {
  return quoted(mesh::to_string(x));
}

} // namespace

std::string render_config(const scenario& what, const std::string& description,
                          const live_site& self,
                          const std::vector<std::unique_ptr<live_site>>& all,
                          const std::string& network) {
  auto tls = identity_of(self);
  std::string out = "# Written by cheops-scenario from " + what.file + ".\n";
  auto line = [&out](std::string_view key, const std::string& value) {
    out.append(key).append(": ").append(value).append("\n");
  };
  line("site", quoted(self.name));
  line("application", quoted(description));
  line("data", quoted(self.folder + "/data"));
  line("threads", "1");
  line("experiments", "true");
  out += "fronts:\n";
  for (const auto& [service, at] : self.at.fronts) {
    line("  - service", quoted(service));
    line("    listen", quoted(at));
    line("    backend",
         quoted("http://" + mesh::to_string(self.at.application.at(service))));
  }
  out += "peer_front:\n";
  line("  listen", quoted(self.at.peer_front));
  out += "link:\n";
  line("  listen", quoted(self.at.link));
  out += "tls:\n";
  line("  certificate", quoted(tls.certificate));
  line("  key", quoted(tls.key));
  line("  ca", quoted(tls.ca));
  line("networks", '[' + quoted(network) + ']');
  out += all.size() > 1 ? "peers:\n" : "";
  for (const auto& peer : all) {
    if (peer->index == self.index)
      continue;
    line("  - site", quoted(peer->name));
    line("    link", quoted(peer->at.link));
  }
  const auto& allow = what.sites[self.index].allow_yaml;
  out += "default_allow:";
  if (!allow.empty())
    out += ' ' + allow;
  else
    for (const auto& service : what.application.services)
      out += "\n  - service: " + quoted(service);
  if (!what.sites[self.index].witnesses.empty()) {
    out += "\nreplication:\n";
    boost::json::array names;
    for (const auto& x : what.sites[self.index].witnesses)
      names.emplace_back(x);
    line("  witnesses", boost::json::serialize(names));
    line("  key_file", quoted(key_file_of(self)));
  }
  out += "\nadmin:\n";
  line("  unix", quoted(self.admin_socket()));
  out += "log:\n";
  line("  access", quoted(self.folder + "/access.log"));
  return out + what.node_yaml;
}

identity identity_of(const live_site& x) {
  auto folder = x.folder + "/tls/";
  return {folder + "site.crt", folder + "site.key", folder + "ca.crt"};
}

std::string key_file_of(const live_site& x) {
  return x.folder + "/replication.key";
}

result<void> share_key(const scenario& what,
                       const std::vector<std::unique_ptr<live_site>>& all) {
  auto key = http::fresh_vault_file();
  for (const auto& x : all) {
    if (what.sites[x->index].witnesses.empty())
      continue;
    if (auto done = http::write_secret(key_file_of(*x), key); !done)
      return done;
  }
  return {};
}

result<void>
issue_identities(const std::string& folder,
                 const std::vector<std::unique_ptr<live_site>>& all) {
  auto authority = folder + "/ca";
  if (auto made = http::ca::init(authority, {"cheops-scenario", 7}); !made)
    return made.error();
  for (const auto& x : all) {
    http::ca::request what;
    what.name = x->name;
    what.days = 7;
    what.into = x->folder + "/tls";
    auto issued = http::ca::issue(authority, what);
    if (!issued)
      return issued.error();
  }
  return {};
}

} // namespace cheops::scenario
