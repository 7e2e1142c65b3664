#include "cheops/text.hpp"
#include "glue/kubernetes/rights.hpp"
#include "glue/registry.hpp"
#include "http/identity.hpp"
#include "tools/cli/probe.hpp"
#include "tools/cli/program.hpp"
#include "tools/time.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>

/// `cheops check`: a doctor. Looks at everything a site rests on and says
/// what to do about what is wrong. Changes nothing.
namespace cheops::cli {

namespace json = boost::json;

using std::chrono::milliseconds;
using std::chrono::system_clock;
using namespace std::chrono_literals;

namespace {

enum class grade : std::uint8_t { ok, warn, fail };

constexpr std::string_view name_of(grade x) {
  return x == grade::ok ? "ok" : x == grade::warn ? "warn" : "fail";
}

struct finding {
  grade how;
  std::string what; ///< "front ServiceA".
  std::string seen; ///< "127.0.0.1:8001 is free".
  std::string todo; ///< What to do; empty if nothing.
};

/// What is looked at, and what was found.
class doctor {
public:
  explicit doctor(const session& s)
    : session_(s), wait_(std::min(s.timeout(), milliseconds{3000})) {}

  std::vector<finding> findings;

  void run();

private:
  void add(grade how, std::string what, std::string seen,
           std::string todo = {}) {
    findings.push_back(
      {how, std::move(what), std::move(seen), std::move(todo)});
  }

  bool look_at_files();
  void look_at_admin();
  void look_at_ports();
  void look_at_port(const std::string& what, const mesh::address& at);
  void look_at_certificates();
  void look_at_certificate(const std::string& what,
                           const site::tls_files& files, bool of_site);
  void look_at_backends();
  void look_at_backend(const site::front& front);
  void look_at_identity(const site::front& front);
  void look_at_rights(const std::string& what, const site::backend& at);
  void look_at_peers();
  void look_at_clock(const std::string& what, std::string_view date);

  const session& session_;
  milliseconds wait_; ///< For one probe.
  site::config site_;
  std::string adapter_;  ///< Of the application.
  bool running_ = false; ///< The node of this configuration answers.
  json::value mesh_;     ///< Its /v1/sites.
};

void doctor::run() {
  if (!look_at_files())
    return;
  look_at_admin();
  look_at_ports();
  look_at_certificates();
  look_at_backends();
  look_at_peers();
}

bool doctor::look_at_files() {
  auto config = session_.config();
  if (!config) {
    add(grade::fail, "configuration", config.error().what,
        config.error().hint.empty() ? "correct the file" : config.error().hint);
    return false;
  }
  site_ = std::move(*config);
  add(grade::ok, "configuration",
      session_.options.config_file + ", site " + site_.name.value);
  auto app = glue::load_description(site_.application_file);
  if (!app) {
    add(grade::fail, "application", app.error().what,
        app.error().hint.empty() ? "cheops app check FILE" : app.error().hint);
    return true;
  }
  adapter_ = app->adapter;
  add(grade::ok, "application",
      app->name + ", " + std::to_string(app->services.size()) + " services");
  for (const auto& front : site_.fronts)
    if (!app->find(front.service.value))
      add(grade::fail, "front " + front.service.value,
          app->name + " has no such service", "correct the front's service");
  if (site_.experiments)
    add(grade::warn, "experiments", "faults can be injected here",
        "set experiments: false where users are served");
  return true;
}

void doctor::look_at_admin() {
  const auto& at = site_.admin;
  if (at.unix_path.empty() && !at.listen) {
    add(grade::warn, "admin", "no endpoint is configured",
        "add admin: {unix: PATH}");
    return;
  }
  auto version = session_.call("GET", "/v1/version");
  if (!version) {
    auto down = version.error().code == errc::unreachable;
    add(down ? grade::warn : grade::fail, "admin", version.error().what,
        down
          ? "start the node: cheopsd --config " + session_.options.config_file
          : version.error().hint);
    return;
  }
  const auto* site =
    version->is_object() ? version->as_object().if_contains("site") : nullptr;
  running_ = site && site->is_string()
             && std::string_view{site->as_string()} == site_.name.value;
  if (!running_) {
    add(grade::fail, "admin", "another site's node answers there",
        "give each site an admin endpoint of its own");
    return;
  }
  add(grade::ok, "admin", "the node answers");
  auto ready = session_.call_raw("GET", "/readyz?verbose");
  if (ready && ready->status == 200)
    add(grade::ok, "ready", "the node serves");
  else
    add(grade::fail, "ready",
        ready ? ready->body.substr(0, ready->body.find('\n'))
              : ready.error().what,
        "read the node's log");
  if (auto sites = session_.call("GET", "/v1/sites"))
    mesh_ = std::move(*sites);
}

void doctor::look_at_ports() {
  for (const auto& front : site_.fronts)
    look_at_port("front " + front.service.value, front.listen);
  if (site_.peer_front.listen.port != 0)
    look_at_port("peer front", site_.peer_front.listen);
  if (site_.link.listen.port != 0)
    look_at_port("link listener", site_.link.listen);
}

void doctor::look_at_port(const std::string& what, const mesh::address& at) {
  auto where = mesh::to_string(at);
  switch (probe_port(at)) {
  case port_state::free:
    if (running_)
      add(grade::fail, what, "nothing listens on " + where,
          "the node runs with another configuration: restart it");
    else
      add(grade::ok, what, where + " is free");
    return;
  case port_state::taken:
    if (running_)
      add(grade::ok, what, where + " is in use, the node runs");
    else
      add(grade::fail, what, where + " is taken by another program",
          "find it: ss -ltnp 'sport = :" + std::to_string(at.port) + "'");
    return;
  case port_state::denied:
    add(grade::fail, what, "no right to listen on " + where,
        "take a port above 1023, or give the node CAP_NET_BIND_SERVICE");
    return;
  case port_state::not_ours:
    add(grade::fail, what, at.host + " is no address of this machine",
        "correct the address, or bring the interface up");
    return;
  case port_state::bad_host:
    add(grade::fail, what, at.host + " does not resolve",
        "write an IP address");
    return;
  }
}

void doctor::look_at_certificates() {
  auto alone = site_.peers.empty() && site_.link.listen.port == 0;
  if (!site_.tls.empty())
    look_at_certificate("site certificate", site_.tls, true);
  else if (!alone)
    add(grade::warn, "site certificate", "none: links are not encrypted",
        "cheops ca issue " + site_.name.value + ", and set tls:");
  for (const auto& front : site_.fronts)
    if (!front.tls.certificate.empty())
      look_at_certificate("certificate of " + front.service.value, front.tls,
                          false);
}

void doctor::look_at_certificate(const std::string& what,
                                 const site::tls_files& files, bool of_site) {
  auto facts = probe_certificate(files);
  if (!facts) {
    add(grade::fail, what, facts.error().what, facts.error().hint);
    return;
  }
  auto now = system_clock::now();
  auto again = std::string{"issue a new one: cheops ca "}
               + (of_site ? "issue " + site_.name.value : "issue-front NAME");
  auto until = utc_ms(facts->not_after).substr(0, 10);
  if (now < facts->not_before)
    add(grade::fail, what, "not valid before " + utc_ms(facts->not_before),
        "set this machine's clock");
  else if (now > facts->not_after)
    add(grade::fail, what, "expired on " + until, again);
  else if (!facts->key_fits)
    add(grade::fail, what, files.key + " is another certificate's key", again);
  else if (!facts->key_private)
    add(grade::fail, what, files.key + " can be read by others",
        "chmod 600 " + files.key);
  else if (of_site && facts->site != site_.name.value)
    add(grade::fail, what,
        facts->site.empty()
          ? "names no site"
          : "is of site " + facts->site + ", not of " + site_.name.value,
        again);
  else if (of_site && !facts->signed_by_ca)
    add(grade::fail, what, files.ca + " does not vouch for it",
        "copy the authority's ca.crt, or " + again);
  else if (facts->not_after - now < 30 * 24h)
    add(grade::warn, what, "expires on " + until, again);
  else
    add(grade::ok, what, "valid until " + until);
}

void doctor::look_at_backends() {
  for (const auto& front : site_.fronts)
    look_at_backend(front);
}

void doctor::look_at_backend(const site::front& front) {
  auto what = "backend of " + front.service.value;
  http::client_request ask;
  ask.method = "HEAD";
  ask.url = (front.to.tls ? "https://" : "http://")
            + mesh::to_string(front.to.at) + "/";
  ask.tls = front.to.files;
  ask.verify = front.to.verify;
  ask.timeout = wait_;
  auto answer = http::fetch(ask);
  if (!answer) {
    add(grade::fail, what, answer.error().what,
        "start " + front.service.value + " at " + mesh::to_string(front.to.at)
          + ", or correct the front's backend");
    return;
  }
  // Any answer will do: what is at "/" is the application's own business.
  add(grade::ok, what, ask.url + " answers");
  look_at_clock("clock of " + front.service.value, answer->get("Date"));
  look_at_identity(front);
}

/// Who the node is there: for that alone, not for what passes for users.
void doctor::look_at_identity(const site::front& front) {
  const auto& at = front.to;
  auto what = "identity at " + front.service.value;
  auto of_kubernetes = adapter_ == "kubernetes";
  if (at.identity.empty()) {
    if (of_kubernetes)
      add(grade::warn, what, "none: Site1 & Site2 is refused here",
          "set backend.identity (docs/kubernetes.md)");
    return;
  }
  if (!at.identity.certificate.empty())
    look_at_certificate("certificate of the " + what, site::node_files(at),
                        false);
  if (!at.identity.token_file.empty())
    if (auto token = http::read_bearer(at.identity.token_file); !token) {
      add(grade::fail, what, token.error().what, token.error().hint);
      return;
    }
  if (of_kubernetes)
    look_at_rights(what, at);
}

void doctor::look_at_rights(const std::string& what, const site::backend& at) {
  namespace k8s = glue::kubernetes;
  http::client_request ask;
  ask.method = "POST";
  ask.url = "https://" + mesh::to_string(at.at) + std::string{k8s::review_path};
  ask.fields = {{"Content-Type", "application/json"},
                {"Accept", "application/json"}};
  ask.tls = site::node_files(at);
  ask.token_file = at.identity.token_file;
  ask.verify = at.verify;
  ask.timeout = wait_;
  for (const auto& right : k8s::needed_rights()) {
    ask.body = k8s::review_of(right);
    auto answer = http::fetch(ask);
    if (!answer)
      return add(grade::fail, what, answer.error().what, answer.error().hint);
    if (answer->status == 401)
      return add(grade::fail, what, "the API server does not know it",
                 "issue another certificate or token, as docs/kubernetes.md "
                 "says");
    auto may = k8s::allowed_by(answer->body);
    if (!may || !*may)
      return add(grade::fail, what, "it may not " + k8s::to_string(right),
                 "kubectl apply -f packaging/kubernetes/rbac.yaml, with the "
                 "node's name in it");
  }
  add(grade::ok, what, "it may act for users");
}

/// Compares with our clock; the field has whole seconds.
void doctor::look_at_clock(const std::string& what, std::string_view date) {
  auto theirs = tools::from_http_date(date);
  if (!theirs)
    return;
  auto ahead =
    std::chrono::duration<double>(
      *theirs - std::chrono::floor<std::chrono::seconds>(system_clock::now()))
      .count();
  if (std::abs(ahead) < 3)
    return add(grade::ok, what, "within 3 s of ours");
  auto off = std::to_string(std::llround(std::abs(ahead))) + " s "
             + (ahead > 0 ? "ahead of" : "behind") + " ours";
  add(std::abs(ahead) < 60 ? grade::warn : grade::fail, what, off,
      "run an NTP client on both machines");
}

std::string member(const json::value& x, std::string_view name) {
  const auto* found = x.is_object() ? x.as_object().if_contains(name) : nullptr;
  return found && found->is_string() ? std::string{found->as_string()}
                                     : std::string{};
}

void doctor::look_at_peers() {
  for (const auto& peer : site_.peers) {
    auto took = probe_connect(peer.link, wait_);
    auto what = "peer " + peer.name.value;
    if (took)
      add(grade::ok, what,
          mesh::to_string(peer.link) + " answers in " + tools::rounded(*took));
    else
      add(grade::warn, what, took.error().what,
          "is its node running, and does a firewall let us through?");
  }
  const auto* sites =
    mesh_.is_object() ? mesh_.as_object().if_contains("sites") : nullptr;
  if (!sites || !sites->is_array())
    return;
  for (const auto& x : sites->as_array()) {
    auto name = member(x, "name");
    auto state = member(x, "state");
    if (state == "self")
      continue;
    add(state == "up" ? grade::ok : grade::warn, "link to " + name, state,
        state == "up" ? "" : "cheops get links " + name + " -o wide");
    auto front = member(x, "peer_front");
    if (state != "up" || front.empty() || site_.tls.empty())
      continue;
    http::client_request ask;
    ask.method = "HEAD";
    ask.url = "https://" + front + "/";
    ask.tls = site_.tls;
    // Only its clock is asked for; the link has checked who it is.
    ask.verify = false;
    ask.timeout = wait_;
    if (auto answer = http::fetch(ask))
      look_at_clock("clock of " + name, answer->get("Date"));
    else
      add(grade::warn, "peer front of " + name, answer.error().what,
          "does a firewall let us through to " + front + "?");
  }
}

int run_check(const session& s) {
  if (!s.has_config())
    return s.usage("which site is to be checked?",
                   "Give --config FILE or set CHEOPS_CONFIG.");
  doctor it{s};
  it.run();
  auto bad = std::ranges::count(it.findings, grade::fail, &finding::how);
  auto doubtful = std::ranges::count(it.findings, grade::warn, &finding::how);
  json::array items;
  for (const auto& x : it.findings)
    items.push_back({{"grade", name_of(x.how)},
                     {"what", x.what},
                     {"seen", x.seen},
                     {"todo", x.todo}});
  json::object whole;
  whole["findings"] = std::move(items);
  table rows{"finding", {{"WHAT"}, {"GRADE"}, {"SEEN"}, {"TO DO"}}, {}};
  for (const auto& x : it.findings)
    rows.rows.push_back({x.what, std::string{name_of(x.how)}, x.seen, x.todo});
  if (s.output() != format::table) {
    s.print(rows, whole);
    return bad == 0 ? exit_ok : exit_failed;
  }
  for (const auto& x : it.findings) {
    auto mark = "[" + std::string{name_of(x.how)} + "]";
    mark.resize(7, ' ');
    std::cout << mark << x.what << ": " << x.seen << "\n";
    if (!x.todo.empty())
      std::cout << "       -> " << x.todo << "\n";
  }
  std::cout << (bad > 0        ? "Something is wrong: "
                : doubtful > 0 ? "Usable: "
                               : "All is well: ")
            << bad << " failed, " << doubtful << " warnings.\n";
  return bad == 0 ? exit_ok : exit_failed;
}

} // namespace

void add_check(program& to) {
  auto* check = to.add(&to.root, "check",
                       "look at all that a site rests on, and say what to do",
                       [&to] { return run_check(to.common); });
  check->group("Operate");
}

} // namespace cheops::cli
