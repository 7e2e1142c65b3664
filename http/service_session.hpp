#pragma once

#include "http/service_rules.hpp"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>

#include <set>

/// The connections of a service. For service.cpp.
namespace cheops::http {

class service_connection {
public:
  virtual ~service_connection() = default;
  virtual void close() = 0;
};
using service_connections = std::set<service_connection*>;

/// Serves a client until it or we close; it owns itself, and is in `live` as
/// long. Everything but handlers runs on the client's I/O thread. `tls` unset:
/// in the clear.
void serve(boost::asio::generic::stream_protocol::socket client,
           boost::asio::ssl::context* tls, const service_state& state,
           service_connections& live);

} // namespace cheops::http
