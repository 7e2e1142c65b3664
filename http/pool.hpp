#pragma once

#include "cheops/mesh/view.hpp"
#include "cheops/result.hpp"
#include "http/buffer.hpp"
#include "http/metrics.hpp"
#include "http/ref.hpp"
#include "http/stream.hpp"
#include "http/tls.hpp"
#include "http/wheel.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <deque>
#include <memory>
#include <string>
#include <vector>

/// Connections to backends and peers, kept between requests. A thread has
/// pools of its own.
namespace cheops::http {

class pool;
class upstream;
struct worker;

/// Who uses, or waits for, a connection.
class upstream_user {
public:
  virtual void on_upstream(ref<upstream> x) = 0;
  virtual void on_no_upstream(const error& why, refusal counted) = 0;
  virtual void on_upstream_readable() = 0;
  virtual void on_upstream_writable() = 0;

protected:
  ~upstream_user() = default;
};

/// One connection to an endpoint.
class upstream final : public counted {
public:
  upstream(worker& on, ref<pool> from);
  ~upstream() override;

  stream io;
  buffer in;
  bool reused = false; ///< It has carried an exchange before.

  void wait_readable();
  void wait_writable();
  /// For good; tells nobody.
  void close();
  [[nodiscard]] pool& from() const noexcept { return *from_; }
  /// A peer's certificate, looked at again under the settings of now.
  [[nodiscard]] bool still_trusted() const;

private:
  friend class pool;
  void connect();
  void resolve();
  void dial(std::size_t index);
  void secure();
  void handshake();
  void connected();
  void handshake_failed();
  void not_trusted(std::string what);
  void unreachable(std::string what);
  void failed(error why, refusal metric);
  void on_readable();
  void on_writable();
  void on_limit();

  worker& on_;
  ref<pool> from_;
  upstream_user* user_ = nullptr;
  enum class state : std::uint8_t { connecting, used, idle, closed };
  state state_ = state::connecting;
  bool counted_busy_ = false;
  bool held_ = false; ///< By an injected fault, before the dial.
  std::unique_ptr<boost::asio::ip::tcp::resolver> resolver_;
  std::vector<boost::asio::ip::tcp::endpoint> addresses_;
  timeout limit_;
};

struct endpoint {
  mesh::address at;
  ssl_context tls;     ///< Null: plain.
  std::string name;    ///< SNI.
  site_id site;        ///< Where it is.
  std::string service; ///< For messages; empty: a peer front.
  bool peer = false;   ///< Its certificate must be that of `site`.
};

class pool final : public counted {
public:
  pool(worker& on, endpoint to);

  /// Calls `user` back, at once where there is a connection at rest.
  /// `fresh`: not one that has rested. `careful`: a request that cannot be
  /// sent twice, so a look at the connection is worth a system call.
  void acquire(upstream_user& user, bool fresh, bool careful);
  /// `user` wants nothing any more; a connection being made for it is closed.
  void cancel(upstream_user& user);
  /// After an exchange; `reusable`: in order, and at its end.
  void give_back(ref<upstream> x, bool reusable);
  /// Closes what rests; what is in use is closed when given back.
  void retire();
  /// Dials again what an injected fault has held.
  void kick();

  [[nodiscard]] const endpoint& to() const noexcept { return to_; }
  [[nodiscard]] const std::string& label() const noexcept { return label_; }

private:
  friend class upstream;
  void connect_for(upstream_user& user);
  void no_longer_connecting(upstream& x);
  void forget(upstream& x); ///< It is closed.
  void serve_waiting();

  worker& on_;
  endpoint to_;
  std::string label_; ///< "host:port".
  std::vector<ref<upstream>> idle_;
  std::vector<ref<upstream>> connecting_;
  std::deque<upstream_user*> waiting_;
  std::size_t open_ = 0; ///< All but the closed.
  bool retired_ = false;
};

} // namespace cheops::http
