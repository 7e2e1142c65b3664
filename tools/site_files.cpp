#include "tools/site_files.hpp"

#include "glue/config.hpp"
#include "glue/registry.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace cheops::tools {

namespace {

using site::config;

/// A key that counts at the start only.
struct fixed_key {
  std::string_view name;
  bool (*same)(const config& was, const config& is);
};

template <auto Member>
bool same(const config& was, const config& is) {
  return was.*Member == is.*Member;
}

template <auto Member>
bool same_limit(const config& was, const config& is) {
  return was.bounds.*Member == is.bounds.*Member;
}

bool same_files(const site::tls_files& a, const site::tls_files& b) {
  return a.certificate == b.certificate && a.key == b.key && a.ca == b.ca
         && a.crl == b.crl;
}

constexpr fixed_key fixed_keys[] = {
  {"site", same<&config::name>},
  {"application", same<&config::application_file>},
  {"data", same<&config::data>},
  {"threads", same<&config::threads>},
  {"peer_front.listen",
   [](const config& was, const config& is) {
     return was.peer_front.listen == is.peer_front.listen;
   }},
  {"link.listen",
   [](const config& was, const config& is) {
     return was.link.listen == is.link.listen;
   }},
  {"tls (to have it or not)",
   [](const config& was, const config& is) {
     return was.tls.empty() == is.tls.empty();
   }},
  {"admin.unix",
   [](const config& was, const config& is) {
     return was.admin.unix_path == is.admin.unix_path;
   }},
  {"admin.listen",
   [](const config& was, const config& is) {
     return was.admin.listen == is.admin.listen;
   }},
  {"admin.token_file",
   [](const config& was, const config& is) {
     return was.admin.token_file == is.admin.token_file;
   }},
  {"admin.tls",
   [](const config& was, const config& is) {
     return same_files(was.admin.tls, is.admin.tls);
   }},
  {"replication.witnesses",
   [](const config& was, const config& is) {
     return was.replication.witnesses == is.replication.witnesses;
   }},
  {"replication.key_file",
   [](const config& was, const config& is) {
     return was.replication.key_file == is.replication.key_file;
   }},
  {"log.access",
   [](const config& was, const config& is) {
     return was.log.access == is.log.access;
   }},
  {"limits.tokens", same_limit<&site::limits::tokens>},
  {"limits.scoped_resources", same_limit<&site::limits::scoped_resources>},
  {"limits.entry_bytes", same_limit<&site::limits::entry_bytes>},
  {"limits.replicant_bytes", same_limit<&site::limits::replicant_bytes>},
  {"limits.application_calls", same_limit<&site::limits::application_calls>},
};

/// The key of a front that cannot change; empty: each can.
std::string fixed_front_key(const config& was, const config& is) {
  if (was.fronts.size() != is.fronts.size())
    return "fronts (their number)";
  for (std::size_t i = 0; i < was.fronts.size(); ++i) {
    const auto& old = was.fronts[i];
    auto key = "fronts[" + std::to_string(i) + "], " + old.service.value + ": ";
    auto now = std::ranges::find(is.fronts, old.service, &site::front::service);
    if (now == is.fronts.end())
      return key + "service";
    if (now->listen != old.listen)
      return key + "listen";
    if (now->tls.empty() != old.tls.empty())
      return key + "tls (to have it or not)";
  }
  return {};
}

/// The bytes of a file, as they are; bounded by who reads them as YAML.
std::string bytes_of(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

} // namespace

result<site_files> load_site(const std::string& config_file) {
  auto config = glue::load_config(config_file);
  if (!config)
    return config.error();
  auto text = bytes_of(config->application_file);
  auto app = glue::parse_description(text, config->application_file);
  if (!app)
    return app.error();
  return site_files{
    std::make_shared<const site::config>(std::move(*config)),
    std::make_shared<const application::description>(std::move(*app)),
    std::move(text)};
}

result<void> check_reload(const site_files& was, const site_files& is) {
  auto refuse = [&](std::string_view key) -> result<void> {
    return error{
      errc::bad_config, std::string{key} + " cannot change while cheopsd runs",
      was.config->name.value, "reload", "restart cheopsd, or put the key back"};
  };
  for (const auto& key : fixed_keys)
    if (!key.same(*was.config, *is.config))
      return refuse(key.name);
  if (auto key = fixed_front_key(*was.config, *is.config); !key.empty())
    return refuse(key);
  if (was.description != is.description)
    return refuse("application: the description "
                  + is.config->application_file);
  return {};
}

} // namespace cheops::tools
