#include "http/pool.hpp"
#include "http/worker.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <utility>

namespace cheops::http {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

/// A name that gives more addresses than this is not tried to its end.
constexpr std::size_t addresses_max = 8;

} // namespace

upstream::upstream(worker& on, ref<pool> from)
  : io(on.io),
    on_(on),
    from_(std::move(from)),
    limit_([](void* self) { static_cast<upstream*>(self)->on_limit(); }, this) {
}

upstream::~upstream() = default;

// -- connecting --------------------------------------------------------------

void upstream::connect() {
  limit_.arm(on_.clock, on_.times().connect);
  if (from_->to().peer)
    if (const auto* f = on_.faults_of(from_->to().site))
      if (f->in.cut || f->out.cut) {
        held_ = true; // As a network would, until the limit or the heal.
        return;
      }
  resolve();
}

void upstream::resolve() {
  const auto& at = from_->to().at;
  boost::system::error_code ec;
  auto ip = asio::ip::make_address(at.host, ec);
  if (!ec) {
    addresses_.assign(1, tcp::endpoint{ip, at.port});
    dial(0);
    return;
  }
  resolver_ = std::make_unique<tcp::resolver>(on_.io);
  resolver_->async_resolve(
    at.host, std::to_string(at.port),
    [this, hold = ref<upstream>(this)](const boost::system::error_code& e,
                                       const tcp::resolver::results_type& r) {
      if (state_ != state::connecting)
        return;
      if (e || r.empty()) {
        failed(errc::unreachable,
               "the name \"" + from_->to().at.host + "\" is not known",
               refusal::upstream_broken);
        return;
      }
      addresses_.clear();
      for (const auto& x : r)
        if (addresses_.size() < addresses_max)
          addresses_.push_back(x.endpoint());
      dial(0);
    });
}

void upstream::dial(std::size_t index) {
  boost::system::error_code ec;
  auto& socket = io.socket();
  if (socket.is_open())
    socket.close(ec);
  const auto& to = addresses_[index];
  socket.open(to.protocol(), ec);
  if (ec) {
    failed(errc::io, "no socket can be had: " + ec.message(),
           refusal::upstream_broken);
    return;
  }
  socket.async_connect(to, [this, index, hold = ref<upstream>(this)](
                             const boost::system::error_code& e) {
    if (state_ != state::connecting)
      return;
    if (!e && io.watch(on_.poll))
      secure();
    else if (index + 1 < addresses_.size())
      dial(index + 1);
    else
      failed(errc::unreachable,
             from_->label() + " cannot be reached: " + e.message(),
             refusal::upstream_broken);
  });
}

void upstream::secure() {
  const auto& to = from_->to();
  if (!to.tls) {
    connected();
    return;
  }
  if (!io.secure(to.tls.get(), false, to.name)) {
    failed(errc::io, "no TLS connection can be made", refusal::upstream_broken);
    return;
  }
  handshake();
}

void upstream::handshake() {
  switch (io.try_handshake()) {
  case io::again:
    if (io.handshake_wants_write())
      wait_writable();
    else
      wait_readable();
    return;
  case io::done:
    break;
  default: {
    auto why = refused_because(io.tls());
    failed(errc::unreachable,
           "the TLS handshake with " + from_->label() + " failed"
             + (why.empty() ? "" : ": " + why),
           refusal::bad_peer_certificate);
    return;
  }
  }
  const auto& to = from_->to();
  if (to.peer && site_of(io.tls()) != to.site.value) {
    failed(errc::unreachable,
           "the certificate at " + from_->label() + " is that of site \""
             + site_of(io.tls()) + "\", not of " + to.site.value,
           refusal::bad_peer_certificate);
    return;
  }
  connected();
}

void upstream::connected() {
  ref<upstream> hold{this};
  state_ = state::used;
  limit_.disarm();
  from_->no_longer_connecting(*this);
  counted_busy_ = true;
  on_.counts.pooled(from_->label(), 0, 1);
  user_->on_upstream(ref<upstream>{this});
}

void upstream::failed(errc code, const std::string& what, refusal metric) {
  ref<upstream> hold{this};
  auto* user = std::exchange(user_, nullptr);
  const auto& to = from_->to();
  error why{code, what, to.site.value, "connect", ""};
  why.hint = to.peer ? "look at the link: cheops get links"
                     : "is the backend of " + to.service + " running?";
  if (to.peer && code == errc::unreachable)
    metric =
      metric == refusal::upstream_broken ? refusal::peer_unreachable : metric;
  close();
  if (user != nullptr)
    user->on_no_upstream(why, metric);
}

void upstream::on_limit() {
  ref<upstream> hold{this};
  if (state_ == state::connecting)
    failed(errc::unreachable,
           "no connection to " + from_->label() + " within "
             + std::to_string(on_.times().connect.count()) + " ms",
           from_->to().peer ? refusal::peer_unreachable
                            : refusal::upstream_timeout);
  else if (state_ == state::idle)
    close();
}

// -- in use ------------------------------------------------------------------

void upstream::wait_readable() {
  io.when_readable(
    *this, [](counted& self) { static_cast<upstream&>(self).on_readable(); });
}

void upstream::wait_writable() {
  io.when_writable(
    *this, [](counted& self) { static_cast<upstream&>(self).on_writable(); });
}

void upstream::on_readable() {
  switch (state_) {
  case state::connecting:
    handshake();
    break;
  case state::used:
    if (user_ != nullptr)
      user_->on_upstream_readable();
    break;
  case state::idle:
    // An end, or bytes that nobody asked for. But a wake-up may be of
    // yesterday, and TLS has words of its own (session tickets).
    if (char c; io.try_read({&c, 1}).what == io::again)
      wait_readable();
    else
      close();
    break;
  case state::closed:
    break;
  }
}

void upstream::on_writable() {
  if (state_ == state::connecting)
    handshake();
  else if (state_ == state::used && user_ != nullptr)
    user_->on_upstream_writable();
}

void upstream::close() {
  if (state_ == state::closed)
    return;
  ref<upstream> hold{this};
  state_ = state::closed;
  user_ = nullptr;
  limit_.disarm();
  if (resolver_)
    resolver_->cancel();
  io.close();
  if (counted_busy_)
    on_.counts.pooled(from_->label(), 0, -1);
  counted_busy_ = false;
  from_->forget(*this);
}

} // namespace cheops::http
