#pragma once

#include "cheops/traffic/decide.hpp"
#include "glue/adapters.hpp"
#include "glue/openstack/digest.hpp"
#include "glue/openstack/token.hpp"
#include "support/boost_test.hpp"

#include <algorithm>
#include <string>
#include <vector>

/// One site with OpenStack's adapter, and what Keystone would say.
namespace openstack_site {

using namespace cheops;
using namespace cheops::traffic;
using namespace cheops::glue;
using namespace std::chrono_literals;

constexpr auto id = "req-0af76519-16cd-43dd-8448-eb211c80319c";
constexpr auto headline = "{Nova: Berlin, Glance: Paris}";

inline application::description cloud() {
  application::description app;
  app.name = "openstack";
  app.adapter = "openstack";
  auto add = [&](const char* name, const char* type,
                 std::vector<const char*> calls) {
    app.services.emplace_back();
    auto& x = app.services.back();
    x.name = service_id{name};
    x.aliases = {type};
    x.authenticates = true;
    for (const auto* other : calls)
      x.calls.emplace_back(other);
  };
  add("Keystone", "identity", {});
  add("Glance", "image", {});
  add("Neutron", "network", {});
  add("Placement", "placement", {});
  add("Nova", "compute", {"Glance", "Neutron", "Placement"});
  return app;
}

inline std::string
keystone_says(const std::string& user, const std::string& roles,
              const std::string& catalogue = "[]",
              const std::string& expires = "2026-01-01T01:00:00Z") {
  return R"({"token":{"user":{"id":"id-)" + user + R"(","name":")" + user
         + R"("},"project":{"id":"p-)" + user + R"(","name":"demo"},"roles":)"
         + roles + R"(,"catalog":)" + catalogue + R"(,"expires_at":")" + expires
         + R"("}})";
}

inline const std::string member = R"([{"name":"member"}])";
inline const std::string service_role =
  R"([{"name":"admin"},{"name":"service"}])";
inline const std::string our_catalogue =
  R"([{"endpoints":[{"url":"http://berlin:19292/p-nova"}]}])";

inline std::string value_of(const std::vector<header>& in,
                            std::string_view name) {
  auto i = std::ranges::find(in, name, &header::name);
  return i == in.end() ? "" : i->value;
}

inline bool drops(const edits& in, std::string_view name) {
  return std::ranges::find(in.drop, name) != in.drop.end();
}

inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Berlin's node.
struct berlin {
  std::shared_ptr<site::config> config = std::make_shared<site::config>();
  std::shared_ptr<application::description> app =
    std::make_shared<application::description>(cloud());
  std::shared_ptr<correlation> ids =
    std::make_shared<correlation>(16000, 600s, 7);
  std::shared_ptr<adapter> plug;
  std::unique_ptr<decider> d;
  mesh::view view;
  clock::time_point now = clock::time_point{} + 1000h;
  std::chrono::system_clock::time_point wall =
    std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};

  berlin() {
    config->name = site_id{"Berlin"};
    for (auto name : {"Berlin", "Paris", "Rome"}) {
      view.sites.emplace_back();
      view.sites.back().name = site_id{name};
    }
    view.self = config->name;
    start();
  }
  /// A front of each service, before one web server.
  void add_fronts() {
    std::uint16_t port = 15000;
    for (const auto& x : app->services) {
      config->fronts.emplace_back();
      auto& front = config->fronts.back();
      front.service = x.name;
      front.listen = {"10.0.0.1", port++};
      front.to.at = {"10.0.0.1", 80};
    }
  }
  /// Anew, as after a restart: with another key and empty tables.
  void start(std::uint64_t key = 1) {
    plug = make_adapter(app, *config, fake_digest(key));
    d = std::make_unique<decider>(config, app, ids, 42, plug);
  }
  void pass(std::chrono::seconds time) {
    now += time;
    wall += time;
  }

  decision ask(const char* front, const std::vector<field>& fields,
               std::string_view method = "GET",
               std::string_view target = "/x") {
    return d->decide({method, target, fields},
                     {app->find(front), site_id{}, {}}, view, now, wall);
  }
  decision ask_as(const char* peer, std::vector<field> fields,
                  std::string_view method = "GET",
                  std::string_view target = "/x") {
    fields.push_back({"Cheops-Hops", "1"});
    return d->decide({method, target, fields}, {nullptr, site_id{peer}, {}},
                     view, now, wall);
  }
  void tell(const decision& asked, unsigned status, const std::string& body) {
    BOOST_REQUIRE((asked.what == verdict::ask));
    d->learn(*asked.ask, small_answer{status, {}, body}, view, {now, wall});
  }
  void tell(const decision& asked, const error& why) {
    BOOST_REQUIRE((asked.what == verdict::ask));
    d->learn(*asked.ask, why, view, {now, wall});
  }
  moment at() const { return {now, wall}; }

  /// A token as this node passes it to the services here, for `peer`.
  std::string marked(const char* token, const char* peer = "Rome",
                     const char* scope = "{Glance: Berlin}",
                     std::vector<field> more = {}) {
    more.push_back({"Cheops-Service", "Glance"});
    more.push_back({"Cheops-Scope", scope});
    more.push_back({"X-Auth-Token", token});
    auto x = ask_as(peer, more);
    BOOST_REQUIRE((x.what == verdict::run));
    return value_of(x.for_local.set, "X-Auth-Token");
  }
  decision validate(const std::string& subject, std::string_view asker = "G",
                    std::string_view method = "GET") {
    return ask("Keystone",
               {{"X-Auth-Token", asker}, {"X-Subject-Token", subject}}, method,
               "/v3/auth/tokens");
  }
  /// Up to the answer of the issuer.
  decision validated(const std::string& subject, const std::string& told,
                     unsigned status = 200) {
    auto x = validate(subject);
    if (x.what == verdict::ask && x.ask->site == config->name) {
      tell(x, 200, keystone_says("nova", service_role, our_catalogue));
      x = validate(subject);
    }
    tell(x, status, told);
    return validate(subject);
  }
};

} // namespace openstack_site
