#include "tools/openstack/small_cloud.hpp"

#include "glue/adapters.hpp"
#include "glue/registry.hpp"
#include "http/digest.hpp"
#include "support/free_port.hpp"

#include <boost/json.hpp>

#include <stdexcept>

namespace small_cloud {

namespace {

namespace json = boost::json;

constexpr std::array<const char*, 4> names{"Keystone", "Glance", "Neutron",
                                           "Nova"};

http::service_response with_status(unsigned status, std::string body = "{}") {
  http::service_response out;
  out.status = status;
  out.body = std::move(body);
  return out;
}

http::service_response openstack_error(unsigned status, const char* what) {
  json::object inner{{"code", status}, {"message", what}};
  return with_status(status, json::serialize(json::object{{"fault", inner}}));
}

http::route to(const char* method, const char* path, http::handler run) {
  http::route out;
  out.method = method;
  out.path = path;
  out.run = std::move(run);
  out.needs_token = false;
  return out;
}

template <class T>
T must(result<T> x) {
  if (!x)
    throw std::runtime_error{to_string(x.error())};
  return std::move(*x);
}

std::unique_ptr<http::service> serve(std::vector<http::route> routes) {
  http::service_settings with;
  with.at.listen = mesh::address{"127.0.0.1", 0};
  with.routes = std::move(routes);
  with.threads = 12; // More than clients wait for in any test.
  with.connections_max = 256;
  with.check_host = false;
  return must(http::service::start(std::move(with)));
}

std::string local(std::uint16_t port) {
  return "http://127.0.0.1:" + std::to_string(port);
}

/// "andy" of "Berlin.andy".
std::string user_of(std::string_view token) {
  return std::string{token.substr(token.find('.') + 1)};
}

json::array roles_of(const std::string& user) {
  json::array out;
  auto add = [&](const char* role) {
    out.push_back(json::object{{"id", role}, {"name", role}});
  };
  if (user == "admin" || user == "nova" || user == "glance"
      || user == "neutron")
    add("admin");
  if (user == "nova" || user == "glance" || user == "neutron")
    add("service");
  add("member");
  return out;
}

} // namespace

http::client_response ask(const std::string& method, const std::string& url,
                          fields with, const std::string& body) {
  http::client_request what;
  what.method = method;
  what.url = url;
  what.fields = std::move(with);
  what.body = body;
  what.timeout = std::chrono::seconds{20};
  if (!body.empty())
    what.fields.emplace_back("Content-Type", "application/json");
  return must(http::fetch(what));
}

// -- a site ------------------------------------------------------------------

cloud_site::cloud_site(const std::string& its_name) : name(its_name) {
  auto call_of = [this](auto handle) {
    return [this, handle](const http::service_request& in) {
      return (this->*handle)(in);
    };
  };
  services_[keystone] =
    serve({to("GET", "/v3/auth/tokens", call_of(&cloud_site::ask_keystone)),
           to("POST", "/v3/auth/tokens", call_of(&cloud_site::give_token))});
  services_[glance] =
    serve({to("GET", "/v2/images/{id}", call_of(&cloud_site::image))});
  services_[neutron] =
    serve({to("GET", "/v2.0/networks", call_of(&cloud_site::networks))});
  services_[nova] =
    serve({to("POST", "/v2.1/servers", call_of(&cloud_site::make_server)),
           to("GET", "/v2.1/servers/{id}", call_of(&cloud_site::show_server))});
  config->name = site_id{name};
  config->threads = 1;
  config->peer_front.listen = {"127.0.0.1", support::free_port()};
  for (std::size_t i = 0; i < services_.size(); ++i) {
    site::front x;
    x.service = service_id{names[i]};
    // The same again after a restart: services have it in their files.
    fronts_[i] = support::free_port();
    x.listen = {"127.0.0.1", fronts_[i]};
    x.to.at = {"127.0.0.1", services_[i]->port()};
    config->fronts.push_back(x);
  }
  app_ = std::make_shared<application::description>(must(glue::load_description(
    CHEOPS_SOURCE_DIR "/glue/applications/openstack.yaml")));
}

void cloud_site::start() {
  server_.reset();
  server_ = must(http::server::start(
    config, app_, http::metrics::make(),
    glue::make_adapter(app_, *config, http::keyed_digest())));
}

std::string cloud_site::front(service_index which) const {
  return local(fronts_[which]);
}

void cloud_site::disable(const std::string& user) {
  std::lock_guard lock{guard_};
  disabled_.insert(user);
}

std::vector<call> cloud_site::calls(service_index which) {
  std::lock_guard lock{guard_};
  return std::exchange(calls_[which], {});
}

void cloud_site::saw(service_index which, const http::service_request& in) {
  std::lock_guard lock{guard_};
  calls_[which].push_back({in.method + " " + in.path,
                           std::string{in.get("X-Auth-Token")},
                           std::string{in.get("X-Service-Token")},
                           std::string{in.get("X-Openstack-Request-Id")}});
}

// -- Keystone ----------------------------------------------------------------

/// Fernet tokens hold no secret of another site: one that was issued elsewhere
/// is not a token, and one with something behind it is not either.
bool cloud_site::is_valid(std::string_view token) {
  std::lock_guard lock{guard_};
  return token.starts_with(name + ".") && token.find('!') == token.npos
         && !disabled_.contains(user_of(token));
}

http::service_response
cloud_site::ask_keystone(const http::service_request& in) {
  saw(keystone, in);
  auto subject = in.get("X-Subject-Token");
  if (!is_valid(in.get("X-Auth-Token")))
    return openstack_error(401, "The request you have made requires "
                                "authentication.");
  if (!is_valid(subject))
    return openstack_error(404, "Could not find token.");
  auto user = user_of(subject);
  json::array catalogue;
  for (auto i : {glance, neutron, nova})
    catalogue.push_back(json::object{
      {"name", names[i]},
      {"endpoints", json::array{json::object{{"url", front(i)}}}}});
  json::object token{{"user", json::object{{"id", user}, {"name", user}}},
                     {"project", json::object{{"id", "p"}, {"name", "demo"}}},
                     {"roles", roles_of(user)},
                     {"catalog", catalogue},
                     {"expires_at", "2099-01-01T00:00:00.000000Z"}};
  auto out = with_status(
    200, json::serialize(json::object{{"token", std::move(token)}}));
  out.fields.emplace_back("X-Subject-Token", subject);
  return out;
}

http::service_response cloud_site::give_token(const http::service_request& in) {
  saw(keystone, in);
  auto whole = json::parse(in.body);
  std::string user;
  if (const auto* named = whole.at("auth").as_object().if_contains("user")) {
    user = std::string{named->as_string()};
  } else {
    std::string shown{whole.at_pointer("/auth/identity/token/id").as_string()};
    if (!is_valid(shown))
      return openstack_error(401, "The request you have made requires "
                                  "authentication.");
    user = user_of(shown);
  }
  auto out = with_status(201, R"({"token": {}})");
  out.fields.emplace_back("X-Subject-Token", token(user));
  return out;
}

// -- what a service does with a token ----------------------------------------

unsigned cloud_site::validate(const std::string& as, std::string_view subject,
                              std::string& who) {
  auto told = ask(
    "GET", front(keystone) + "/v3/auth/tokens",
    {{"X-Auth-Token", token(as)}, {"X-Subject-Token", std::string{subject}}});
  if (told.status == 200) {
    auto whole = json::parse(told.body);
    auto& id = whole.at("token").at("user").at("id").as_string();
    who.assign(id.data(), id.size());
    // The catalogue that a service works with is that of its own site.
    if (told.body.find(front(glance)) == std::string::npos)
      throw std::runtime_error{"the catalogue is of another site"};
    return 200;
  }
  return told.status == 404 ? 401 : 503;
}

http::service_response cloud_site::image(const http::service_request& in) {
  saw(glance, in);
  std::string who;
  if (auto status = validate("glance", in.get("X-Auth-Token"), who);
      status != 200)
    return openstack_error(status, "Glance does not know you");
  const auto& id = in.parameters.at("id");
  if (!images.contains(id))
    return openstack_error(404, "No image found");
  return with_status(200, json::serialize(json::object{
                            {"id", id}, {"site", name}, {"user", who}}));
}

http::service_response cloud_site::networks(const http::service_request& in) {
  saw(neutron, in);
  std::string who;
  if (auto status = validate("neutron", in.get("X-Auth-Token"), who);
      status != 200)
    return openstack_error(status, "Neutron does not know you");
  return with_status(200, json::serialize(json::object{{"site", name}}));
}

// -- Nova --------------------------------------------------------------------

/// As Nova does: the image with the user's token and its own beside it, the
/// network with its own alone; and the request's id on all.
http::service_response
cloud_site::make_server(const http::service_request& in) {
  saw(nova, in);
  std::string user_token{in.get("X-Auth-Token")};
  std::string who;
  if (auto status = validate("nova", user_token, who); status != 200)
    return openstack_error(status, "Nova does not know you");
  auto wanted = json::parse(in.body).at("server").at("imageRef").as_string();
  std::pair<std::string, std::string> id{
    "X-Openstack-Request-Id", std::string{in.get("X-Openstack-Request-Id")}};
  if (id.second.empty())
    id.second = "req-00000000-0000-4000-8000-000000000000";
  auto got =
    ask("GET", front(glance) + "/v2/images/" + std::string{wanted},
        {{"X-Auth-Token", user_token}, {"X-Service-Token", token("nova")}, id});
  if (got.status == 404)
    return openstack_error(400, "Can not find requested image");
  if (got.status != 200)
    return openstack_error(got.status == 403 ? 403 : 500,
                           "Unexpected API Error");
  auto net = ask("GET", front(neutron) + "/v2.0/networks",
                 {{"X-Auth-Token", token("nova")}, id});
  if (net.status != 200)
    return openstack_error(500, "Unexpected API Error");
  auto image = json::parse(got.body);
  auto network = json::parse(net.body);
  std::lock_guard lock{guard_};
  auto number = name + "-" + std::to_string(servers_.size());
  servers_[number] = who;
  json::object made{{"id", number},
                    {"image_of", image.at("site")},
                    {"network_of", network.at("site")},
                    {"user", who}};
  return with_status(202, json::serialize(json::object{{"server", made}}));
}

http::service_response
cloud_site::show_server(const http::service_request& in) {
  saw(nova, in);
  std::string who;
  if (auto status = validate("nova", in.get("X-Auth-Token"), who);
      status != 200)
    return openstack_error(status, "Nova does not know you");
  std::lock_guard lock{guard_};
  auto found = servers_.find(in.parameters.at("id"));
  if (found == servers_.end() || found->second != who)
    return openstack_error(404, "Instance could not be found.");
  return with_status(200);
}

// -- three of them -----------------------------------------------------------

three_sites::three_sites() {
  paris.images = {"paris-only"};
  rome.images = {"rome-only"};
  for (auto* x : {&berlin, &paris, &rome})
    x->start();
  publish();
}

void three_sites::publish(const std::set<std::string>& down) {
  std::vector<cloud_site*> all{&berlin, &paris, &rome};
  ++version_;
  for (auto* self : all) {
    auto view = std::make_shared<mesh::view>();
    view->self = self->config->name;
    view->version = version_;
    for (auto* x : all) {
      mesh::site one;
      one.name = x->config->name;
      one.peer_front = x->peer_front();
      auto cut = down.contains(x->name) || down.contains(self->name);
      one.state = x == self ? mesh::reach::self
                  : cut     ? mesh::reach::down
                            : mesh::reach::up;
      view->sites.push_back(std::move(one));
    }
    self->publish(view);
  }
}

} // namespace small_cloud
