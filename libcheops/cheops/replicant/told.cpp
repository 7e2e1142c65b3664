#include "cheops/replicant/told.hpp"

#include "cheops/percent.hpp"
#include "cheops/replicant/places.hpp"
#include "cheops/text.hpp"

#include <algorithm>

namespace cheops::replicant {

namespace {

constexpr const char* step_name = "replicate";

std::string site_text(const site_line& x) {
  auto out = is_token(x.site.value) ? x.site.value : "\"" + x.site.value + "\"";
  out += '=';
  if (x.state == site_state::ok && x.status != 0)
    out += std::to_string(x.status);
  else
    out += to_string(x.state);
  return out;
}

struct refusal_text {
  errc code;
  unsigned status;
  const char* what;
  const char* hint;
};

/// In the order of `refusal`.
constexpr refusal_text refusals[] = {
  {errc::io, 500, "it was refused without a reason", ""},
  {errc::no_quorum, 503,
   "too few of its sites can be reached, and nothing was done",
   "try again when the sites are linked (cheops get links); reads go on"},
  {errc::overloaded, 503, "too many requests wait for it, and nothing was done",
   "try again later"},
  {errc::overloaded, 503,
   "its witness is at its cap while a site is away, and nothing was done",
   "bring the other site back, or remove it: cheops scale replicant"},
  {errc::conflict, 421, "this site does not keep it any more",
   "ask a site that does: cheops describe replicant"},
  {errc::too_large, 413,
   "it is over limits.entry_bytes, or would make its history too long",
   "replace the resource (PUT), or delete it and create it anew"},
  {errc::stale, 412, "it was changed since it was read, and nothing was done",
   "read it again, and decide anew"},
  {errc::key_reused, 422,
   "its Idempotency-Key was another request's, and nothing was done",
   "use a fresh key for each request"},
  {errc::not_found, 404, "there is no such resource, and nothing was done", ""},
  {errc::not_found, 404, "it was deleted, and nothing was done",
   "to create one of that name, try again once every site knows"},
  {errc::conflict, 409,
   "another group of sites has that name, and nothing was done",
   "see which: cheops get replicants"},
  {errc::unreachable, 503,
   "the application of this site cannot be reached, and nothing was done",
   "try again when it runs, or ask another of the sites"},
  {errc::bad_request, 400,
   "an id in the request cannot be translated, and nothing was done",
   "compare the application's description with what it is sent"},
  {errc::bad_request, 400, "these sites make no set of members",
   "name each site once, two at least where there is a witness"},
  {errc::io, 500, "what is stored of it here cannot be read",
   "see the log of the node; another site has it"},
  {errc::conflict, 409,
   "a witness votes on it, so it is sealed, and a site that is to read it has "
   "no key; nothing was done",
   "give the site the key of the others (replication.key_file), or ask one "
   "that has it"},
};

} // namespace

// -- names -------------------------------------------------------------------

std::string to_string(const operation_name& x) {
  return to_string(x.meta) + "_" + to_string(x.id);
}

std::optional<operation_name> parse_operation_name(std::string_view text) {
  auto mark = text.find('_');
  if (mark == std::string_view::npos)
    return std::nullopt;
  auto meta = parse_meta(text.substr(0, mark));
  auto id = parse_operation(text.substr(mark + 1));
  if (!meta || !id)
    return std::nullopt;
  return operation_name{*meta, *id};
}

std::string path_of(const site_id& site, const operation_name& x) {
  return std::string{operations_path} + percent_encoded(site.value) + "/"
         + to_string(x);
}

std::optional<operation_at> parse_operation_path(std::string_view target) {
  auto path = target.substr(0, target.find('?'));
  if (!path.starts_with(operations_path))
    return std::nullopt;
  path.remove_prefix(operations_path.size());
  auto slash = path.find('/');
  if (slash == std::string_view::npos)
    return std::nullopt;
  auto site = percent_decoded(path.substr(0, slash));
  auto what = parse_operation_name(path.substr(slash + 1));
  if (!site || site->empty() || !what)
    return std::nullopt;
  return operation_at{site_id{std::move(*site)}, *what};
}

// -- fields ------------------------------------------------------------------

std::string sites_text(const std::vector<site_line>& sites,
                       const site_id& here) {
  std::string out;
  auto add = [&](const site_line& x) {
    out += (out.empty() ? "" : ", ") + site_text(x);
  };
  for (const auto& x : sites)
    if (x.site == here)
      add(x);
  for (const auto& x : sites)
    if (x.site != here)
      add(x);
  return out;
}

std::vector<traffic::header> fields_of(const ports::write_answer& x,
                                       const site_id& here) {
  std::vector<traffic::header> out;
  if (!x.how.sites.empty())
    out.push_back({"Cheops-Sites", sites_text(x.how.sites, here)});
  if (x.meta != meta_id{})
    out.push_back({"Cheops-Replicant", to_string(x.meta)});
  if (x.how.index != 0)
    out.push_back({"Cheops-Replicant-Index", std::to_string(x.how.index)});
  if (x.how.operation != operation_id{})
    out.push_back(
      {"Cheops-Operation", to_string(operation_name{x.meta, x.how.operation})});
  return out;
}

std::vector<traffic::header> fields_of(const ports::local_replica& x) {
  std::vector<traffic::header> out{
    {"Cheops-Replicant", to_string(x.meta)},
    {"Cheops-Replicant-Index", std::to_string(x.done)}};
  if (x.state != site_state::ok)
    out.push_back({"Cheops-Replicant-State", std::string{to_string(x.state)}});
  return out;
}

// -- errors ------------------------------------------------------------------

told_error explain(refusal why, const meta_id& meta, std::uint16_t asked) {
  auto i = std::min(static_cast<std::size_t>(why), std::size(refusals) - 1);
  const auto& text = refusals[i];
  told_error out;
  out.status = why == refusal::stale && asked != 0 ? asked : text.status;
  auto name = meta == meta_id{} ? "" : "replicant " + to_string(meta) + ": ";
  out.why = {text.code, name + text.what, {}, step_name, text.hint};
  return out;
}

error undecided(const operation_name& x, const site_id& here) {
  return {errc::undecided,
          "the operation " + to_string(x)
            + " was neither done nor given up in time: its fate is open",
          here.value, step_name,
          "look at it at " + path_of(here, x)
            + " before you try again, or send the same Idempotency-Key"};
}

told_error explain(const read_answer& x, const meta_id& meta) {
  if (x.why != refusal::none)
    return explain(x.why, meta);
  return {{errc::conflict,
           "replicant " + to_string(meta) + ": the copy of this site is "
             + std::string{to_string(x.state)}
             + ", so that it does not show what the others have",
           {},
           "read",
           "read at another site, or settle it here: cheops describe replicant "
             + to_string(meta)},
          409};
}

} // namespace cheops::replicant
