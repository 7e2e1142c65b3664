#pragma once

#include "cheops/mesh/view.hpp"
#include "cheops/site/config.hpp"
#include "http/client.hpp"
#include "http/metrics.hpp"
#include "http/server.hpp"
#include "http/service.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

/// Sites of a small OpenStack in this process, each behind a data plane of
/// Cheops: services that know what Keystone, Glance, Neutron and Nova do with
/// tokens and request ids, and nothing of Cheops.
namespace small_cloud {

using namespace cheops;
using fields = std::vector<std::pair<std::string, std::string>>;

enum service_index : std::size_t { keystone, glance, neutron, nova };

/// A call that a service saw.
struct call {
  std::string line; ///< "GET /v2/images/x".
  std::string token;
  std::string service_token;
  std::string id;
};

class cloud_site {
public:
  explicit cloud_site(const std::string& name);
  cloud_site(const cloud_site&) = delete;
  cloud_site& operator=(const cloud_site&) = delete;

  const std::string name;
  std::shared_ptr<site::config> config = std::make_shared<site::config>();
  /// Set before `start`.
  std::set<std::string> images;

  /// Starts (anew: with a fresh key and empty tables) the node.
  void start();
  void stop() { server_.reset(); }
  void publish(mesh::view_ptr view) { server_->publish(std::move(view)); }
  [[nodiscard]] mesh::address peer_front() const {
    return config->peer_front.listen;
  }
  [[nodiscard]] std::string front(service_index which) const;

  // -- Keystone --------------------------------------------------------------
  /// A token as Keystone gives it out: "Berlin.andy".
  [[nodiscard]] std::string token(const std::string& user) const {
    return name + "." + user;
  }
  void disable(const std::string& user);

  /// What the services saw since this was asked last.
  [[nodiscard]] std::vector<call> calls(service_index which);

private:
  http::service_response ask_keystone(const http::service_request& in);
  http::service_response give_token(const http::service_request& in);
  http::service_response image(const http::service_request& in);
  http::service_response networks(const http::service_request& in);
  http::service_response make_server(const http::service_request& in);
  http::service_response show_server(const http::service_request& in);

  /// What the services' middleware does. 200: fine, and who it is.
  unsigned validate(const std::string& as, std::string_view token,
                    std::string& who);
  void saw(service_index which, const http::service_request& in);
  [[nodiscard]] bool is_valid(std::string_view token);

  std::array<std::unique_ptr<http::service>, 4> services_;
  std::shared_ptr<application::description> app_;
  std::unique_ptr<http::server> server_;
  std::array<std::uint16_t, 4> fronts_{};
  std::mutex guard_; ///< Of what follows.
  std::array<std::vector<call>, 4> calls_;
  std::set<std::string> disabled_;
  std::map<std::string, std::string> servers_; ///< Id -> image's site.
};

/// Berlin, Paris and Rome.
struct three_sites {
  cloud_site berlin{"Berlin"};
  cloud_site paris{"Paris"};
  cloud_site rome{"Rome"};

  three_sites();
  /// What each knows of the others; of `down` that it is cut off.
  void publish(const std::set<std::string>& down = {});

private:
  std::uint64_t version_ = 0;
};

/// A request as a client sends it.
[[nodiscard]] http::client_response ask(const std::string& method,
                                        const std::string& url, fields with,
                                        const std::string& body = "");

} // namespace small_cloud
