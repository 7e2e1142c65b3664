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
        unreachable("the name \"" + from_->to().at.host + "\" is not known");
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
    failed({errc::io, "no socket can be had: " + ec.message(), "", "connect",
            "raise the limit on open files"},
           refusal::no_upstream_slot);
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
      unreachable(from_->label() + " cannot be reached: " + e.message());
  });
}

void upstream::secure() {
  const auto& to = from_->to();
  if (!to.tls) {
    connected();
    return;
  }
  if (!io.secure(to.tls.get(), false, to.name)) {
    failed({errc::io, "no TLS connection can be made", "", "connect", ""},
           refusal::upstream_broken);
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
  default:
    handshake_failed();
    return;
  }
  const auto& to = from_->to();
  if (to.peer && site_of(io.tls()) != to.site.value)
    not_trusted("the certificate at " + from_->label() + " is that of site \""
                + site_of(io.tls()) + "\", not of " + to.site.value);
  else if (!still_trusted())
    not_trusted("the certificate at " + from_->label() + " is trusted no more");
  else
    connected();
}

void upstream::handshake_failed() {
  auto why = refused_because(io.tls());
  if (!why.empty()) {
    not_trusted("the certificate at " + from_->label() + " is refused: " + why);
    return;
  }
  failed({errc::broken,
          "the TLS handshake with " + from_->label()
            + " failed: " + std::string{io.why()},
          "", "TLS handshake",
          from_->to().peer ? "do both sites have certificates of one CA?"
                           : "does the backend speak TLS there?"},
         refusal::bad_handshake);
}

void upstream::not_trusted(std::string what) {
  failed(
    {errc::broken, std::move(what), "", "TLS handshake",
     from_->to().peer
       ? "compare the certificates of both sites: cheops check"
       : "compare ca and server_name of the backend of " + from_->to().service},
    refusal::bad_peer_certificate);
}

bool upstream::still_trusted() const {
  const auto& to = from_->to();
  return !to.peer || !to.tls || to.tls == on_.current->peer_calls
         || http::still_trusted(io.tls(), on_.current->peer_calls.get());
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

void upstream::unreachable(std::string what) {
  const auto& to = from_->to();
  failed({errc::unreachable, std::move(what), "", "connect",
          to.peer ? "look at the link: cheops get links"
                  : "is the backend of " + to.service + " running?"},
         to.peer ? refusal::peer_unreachable : refusal::upstream_broken);
}

void upstream::failed(error why, refusal metric) {
  ref<upstream> hold{this};
  auto* user = std::exchange(user_, nullptr);
  why.site = from_->to().site.value;
  close();
  if (user != nullptr)
    user->on_no_upstream(why, metric);
}

void upstream::on_limit() {
  ref<upstream> hold{this};
  if (state_ == state::connecting)
    unreachable("no connection to " + from_->label() + " within "
                + std::to_string(on_.times().connect.count()) + " ms");
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
