#include "http/settings.hpp"

#include "cheops/percent.hpp"
#include "http/identity.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace cheops::http {

namespace {

bool is_loopback(const std::string& host) {
  boost::system::error_code ec;
  auto ip = boost::asio::ip::make_address(host, ec);
  return ec ? host == "localhost" : ip.is_loopback();
}

result<front_settings> make_front(const site::front& from,
                                  const application::description& app,
                                  const site_id& here) {
  front_settings out;
  out.config = from;
  out.service = app.find(from.service.value);
  if (out.service == nullptr)
    return error{errc::bad_config,
                 "there is a front for service \"" + from.service.value
                   + "\", which the application does not have",
                 here.value, "start fronts", ""};
  out.backend = mesh::to_string(from.to.at);
  if (!from.tls.empty()) {
    auto made = front_context(from.tls);
    if (!made)
      return made.error();
    out.accepts = *made;
  }
  if (from.to.tls) {
    auto made = backend_context(from.to);
    if (!made)
      return made.error();
    out.calls = *made;
    auto as_node = from.to;
    as_node.files = site::node_files(from.to);
    made = backend_context(as_node);
    if (!made)
      return made.error();
    out.calls_as_node = *made;
  }
  if (auto ok = check_identity(from.to); !ok)
    return ok.error();
  return out;
}

} // namespace

const front_settings*
settings::front_of(const service_id& service) const noexcept {
  auto i = std::ranges::find(
    fronts, service,
    [](const auto& x) -> const auto& { return x.service->name; });
  return i == fronts.end() ? nullptr : &*i;
}

result<settings_ptr>
settings::make(std::shared_ptr<const site::config> config,
               std::shared_ptr<const application::description> app) {
  auto out = std::make_shared<settings>();
  out->via_name = percent_encoded(config->name.value);
  for (const auto& x : config->fronts) {
    auto made = make_front(x, *app, config->name);
    if (!made)
      return made.error();
    out->fronts.push_back(std::move(*made));
  }
  if (!config->tls.empty()) {
    auto accepts = peer_context(config->tls, true);
    if (!accepts)
      return accepts.error();
    auto calls = peer_context(config->tls, false);
    if (!calls)
      return calls.error();
    out->peer_accepts = *accepts;
    out->peer_calls = *calls;
  } else if (config->peer_front.listen.port != 0
             && !is_loopback(config->peer_front.listen.host)) {
    return error{
      errc::bad_config, "the peer front listens beyond loopback without TLS",
      config->name.value, "start fronts", "set tls, or listen on 127.0.0.1"};
  }
  out->config = std::move(config);
  out->app = std::move(app);
  return settings_ptr{std::move(out)};
}

} // namespace cheops::http
