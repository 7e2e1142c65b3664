#include "http/ca.hpp"

#include "tools/cli/program.hpp"

#include <boost/json.hpp>

#include <iostream>

/// `cheops ca`: the mesh's private certificate authority.
namespace cheops::cli {

namespace json = boost::json;

namespace {

struct ca_options {
  std::string folder = "ca";
  http::ca::authority authority;
  http::ca::request request;
  std::string revoked;
};

int init(const session& s, const ca_options& with) {
  auto done = http::ca::init(with.folder, with.authority);
  if (!done)
    return s.fail(done.error());
  std::cout << "Made an authority in " << with.folder << ".\n"
            << "Keep " << with.folder << "/ca.key to yourself. Next: cheops ca "
            << "issue SITE --ca-dir " << with.folder << "\n";
  return exit_ok;
}

int issue(const session& s, const ca_options& with, bool site) {
  auto request = with.request;
  request.site = site;
  if (request.into.empty())
    request.into = request.name;
  auto done = http::ca::issue(with.folder, request);
  if (!done)
    return s.fail(done.error());
  json::object whole;
  whole["name"] = request.name;
  whole["serial"] = done->serial;
  whole["certificate"] = done->certificate;
  whole["key"] = done->key;
  whole["ca"] = done->ca;
  table rows{
    site ? "site" : "front",
    {{"NAME"}, {"CERTIFICATE"}, {"KEY"}, {"CA"}, {"SERIAL", true}},
    {{request.name, done->certificate, done->key, done->ca, done->serial}}};
  s.print(rows, whole);
  return exit_ok;
}

int list(const session& s, const ca_options& with) {
  auto all = http::ca::list(with.folder);
  if (!all)
    return s.fail(all.error());
  table rows{"certificate",
             {{"SERIAL"}, {"NAME"}, {"KIND"}, {"EXPIRES"}, {"REVOKED"}},
             {}};
  json::array items;
  for (const auto& x : *all) {
    const auto* kind = x.site ? "site" : "front";
    rows.rows.push_back({x.serial, x.name, kind, x.not_after, x.revoked});
    json::object item;
    item["serial"] = x.serial;
    item["name"] = x.name;
    item["kind"] = kind;
    item["not_after"] = x.not_after;
    item["revoked"] =
      x.revoked.empty() ? json::value(nullptr) : json::value(x.revoked);
    items.push_back(std::move(item));
  }
  json::object whole;
  whole["certificates"] = std::move(items);
  s.print(rows, whole);
  return exit_ok;
}

int revoke(const session& s, const ca_options& with) {
  auto serials = http::ca::revoke(with.folder, with.revoked);
  if (!serials)
    return s.fail(serials.error());
  for (const auto& x : *serials)
    std::cout << "Revoked " << x << ".\n";
  std::cout << "Copy " << with.folder << "/ca.crl to each site and reload its "
            << "node (SIGHUP).\n";
  return exit_ok;
}

void add_issue(program& to, CLI::App* ca, std::shared_ptr<ca_options> with,
               bool site) {
  auto* sub =
    to.add(ca, site ? "issue" : "issue-front",
           site ? "make a site's certificate for the mesh"
                : "make a server certificate for fronts",
           [&to, with, site] { return issue(to.common, *with, site); });
  auto& request = with->request;
  sub
    ->add_option(site ? "SITE" : "NAME", request.name,
                 site ? "the site's name" : "what the server is called")
    ->required();
  sub->add_option("--dns", request.dns, "a DNS name of it, repeatable")
    ->allow_extra_args(false);
  sub->add_option("--ip", request.addresses, "an address of it, repeatable")
    ->allow_extra_args(false);
  sub->add_option("--days", request.days, "how long it is valid")
    ->capture_default_str();
  sub->add_option("--into", request.into,
                  "the folder for the files; default: the name");
  sub->add_flag("--overwrite", request.overwrite,
                "replace files that are there");
}

} // namespace

void add_ca(program& to) {
  auto with = std::make_shared<ca_options>();
  auto* ca =
    to.root.add_subcommand("ca", "the private certificate authority of a mesh");
  ca->group("Operate")->require_subcommand(1);
  ca->add_option("--ca-dir", with->folder, "the authority's folder")
    ->capture_default_str();
  auto* make = to.add(ca, "init", "make an authority",
                      [&to, with] { return init(to.common, *with); });
  make->add_option("--name", with->authority.name, "its common name")
    ->capture_default_str();
  make->add_option("--days", with->authority.days, "how long it is valid")
    ->capture_default_str();
  add_issue(to, ca, with, true);
  add_issue(to, ca, with, false);
  auto* revoking =
    to.add(ca, "revoke", "revoke certificates and write ca.crl anew",
           [&to, with] { return revoke(to.common, *with); });
  revoking
    ->add_option("SERIAL", with->revoked, "a serial, or a name: all of it")
    ->required();
  to.add(ca, "list", "what was issued",
         [&to, with] { return list(to.common, *with); });
}

} // namespace cheops::cli
