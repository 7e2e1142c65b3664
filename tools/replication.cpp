#include "tools/replication.hpp"

#include "http/vault.hpp"
#include "store/rocks.hpp"

#include <cerrno>
#include <cstring>
#include <string_view>
#include <sys/stat.h>

namespace cheops::tools {

namespace {

using ports::replication_counters;
using member = std::uint64_t replication_counters::*;

struct number {
  std::string_view name;
  std::string_view help;
  member what;
};

constexpr number numbers[] = {
  {"cheops_replicants", "Replicants with a copy at this site.",
   &replication_counters::replicants},
  {"cheops_replicants_awake", "Replicants whose owner is in memory.",
   &replication_counters::awake},
  {"cheops_replicant_elections_total", "Times that another leader was seen.",
   &replication_counters::elections},
  {"cheops_replicant_operations_decided_total", "Operations that got a fate.",
   &replication_counters::decided},
  {"cheops_replicant_entries_done_total",
   "Entries that this site's application has done.",
   &replication_counters::done},
  {"cheops_replicant_retries_total", "Calls that were put off to be repeated.",
   &replication_counters::retries},
  {"cheops_replicant_apply_lag",
   "Entries taken from logs and not yet done here.",
   &replication_counters::apply_lag},
  {"cheops_replicant_writes_total", "Changes asked for here and answered.",
   &replication_counters::writes},
  {"cheops_replicant_writes_refused_total",
   "Changes of which surely nothing was done.", &replication_counters::refused},
  {"cheops_replicant_writes_open_total", "Changes whose fate was left open.",
   &replication_counters::open},
  {"cheops_replicant_messages_dropped_total",
   "Messages of peers that found no room.", &replication_counters::dropped},
  {"cheops_store_batches_total", "Batches that were stored.",
   &replication_counters::batches},
  {"cheops_store_commits_total", "Synced writes that the batches took.",
   &replication_counters::commits},
};

/// Microseconds, shown as seconds.
constexpr number durations[] = {
  {"cheops_store_commit_seconds_total", "Time spent in synced writes.",
   &replication_counters::commit_us},
  {"cheops_replicant_write_seconds_total",
   "Time from the question to the answer, of all changes.",
   &replication_counters::write_us},
};

error no_folder(const std::string& folder) {
  return {errc::io,
          "the folder " + folder + " cannot be made: " + std::strerror(errno),
          {},
          "open the store",
          "make it, or name another: data"};
}

} // namespace

void peer_rights::reload(std::shared_ptr<const site::config> config) {
  std::lock_guard lock{guard_};
  config_.swap(config);
}

bool peer_rights::allows(const site_id& peer, const service_id& service,
                         replicant::change does) const {
  using application::verb;
  using replicant::change;
  auto as = does == change::create   ? verb::create
            : does == change::remove ? verb::remove
                                     : verb::update;
  std::shared_ptr<const site::config> now;
  {
    std::lock_guard lock{guard_};
    now = config_;
  }
  return site::allowed(*now, *app_, peer, service, as);
}

result<std::shared_ptr<const ports::vault>>
open_vault(const site::config& config) {
  const auto& from = config.replication;
  if (from.key_file.empty())
    return std::shared_ptr<const ports::vault>{};
  auto out = http::open_vault(from.key_file);
  if (out)
    return std::move(*out);
  auto why = out.error();
  why.what = from.key_where + ": " + why.what;
  why.site = config.name.value;
  return why;
}

result<replication>
open_replication(const std::shared_ptr<const site::config>& from,
                 const std::shared_ptr<const application::description>& app) {
  const auto& config = *from;
  if (config.data.empty())
    return replication{};
  if (::mkdir(config.data.c_str(), 0700) != 0 && errno != EEXIST)
    return no_folder(config.data);
  auto keys = open_vault(config);
  if (!keys)
    return keys.error();
  store::rocks_options with;
  with.folder = config.data + "/store";
  auto opened = store::rocks::open(with);
  if (!opened)
    return opened.error();
  actors::replication_plan plan;
  plan.self = config.name;
  plan.store_id = (*opened)->id();
  plan.store = std::move(*opened);
  replication out;
  if (*keys)
    out.keys = std::make_shared<http::changing_vault>(std::move(*keys));
  plan.keys = out.keys;
  plan.witnesses = config.replication.witnesses;
  out.connector = glue::make_connector(glue::connector_plan_of(config, app));
  plan.connector = out.connector;
  out.rights = std::make_shared<peer_rights>(from, app);
  plan.allows = [rights = out.rights](const site_id& peer,
                                      const service_id& service,
                                      replicant::change does) {
    return rights->allows(peer, service, does);
  };
  plan.rules.entry_bytes_max = config.bounds.entry_bytes;
  plan.rules.build_bytes_max = config.bounds.replicant_bytes;
  auto replicants = actors::replicants::open(std::move(plan));
  if (!replicants)
    return replicants.error();
  out.replicants = std::move(*replicants);
  return out;
}

void show(http::metrics& in,
          const std::shared_ptr<const actors::replicants>& what) {
  for (const auto& x : numbers)
    in.add_gauge(std::string{x.name}, std::string{x.help}, [what, x] {
      return static_cast<double>(what->counters().*x.what);
    });
  for (const auto& x : durations)
    in.add_gauge(std::string{x.name}, std::string{x.help}, [what, x] {
      return static_cast<double>(what->counters().*x.what) / 1e6;
    });
  using values = std::vector<std::pair<std::string, double>>;
  in.add_gauges("cheops_replicants_by_state",
                "Replicants by how this site stands to them.", "state", [what] {
                  auto n = what->counters();
                  auto rest = n.pending + n.diverged + n.uncertain;
                  auto ok = n.replicants > rest ? n.replicants - rest : 0;
                  return values{
                    {"ok", static_cast<double>(ok)},
                    {"pending", static_cast<double>(n.pending)},
                    {"diverged", static_cast<double>(n.diverged)},
                    {"uncertain", static_cast<double>(n.uncertain)}};
                });
  in.add_gauges("cheops_replicants_behind",
                "Replicants in which a peer has not dealt with all that is "
                "decided.",
                "peer", [what] {
                  values out;
                  for (const auto& [site, n] : what->counters().behind)
                    out.emplace_back(site.value, static_cast<double>(n));
                  return out;
                });
  in.add_gauge("cheops_store_failed",
               "1: the store takes nothing more; replicated writes are "
               "refused until the node is restarted.",
               [what] { return what->health() ? 0.0 : 1.0; });
}

} // namespace cheops::tools
