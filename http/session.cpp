#include "http/session.hpp"

#include "cheops/site/network.hpp"
#include "http/worker.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace cheops::http {

namespace {

/// How long, and for how much, we listen to a client that we are done with,
/// so that our last answer is not lost to a reset.
constexpr std::chrono::milliseconds linger_limit{2000};
/// A client that has ended its sending is asked whether it is there when its
/// answer has not come by then.
constexpr std::chrono::milliseconds ask_after{250};
constexpr std::size_t linger_bytes_max = 16 * 1024 * 1024;

std::string fingerprint_of(const X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1)
    return {};
  return {reinterpret_cast<const char*>(digest), size};
}

std::string node_of(const boost::asio::ip::address& x) {
  return x.is_v6() ? "\"[" + x.to_string() + "]\"" : x.to_string();
}

} // namespace

session::session(worker& on, boost::asio::ip::tcp::socket&& from,
                 std::size_t index)
  : io(std::move(from)),
    on_(on),
    with_(on.current),
    front_index_(index),
    front_peer_(index >= on.current->fronts.size()),
    limit_([](void* self) { static_cast<session*>(self)->on_limit(); }, this),
    exchange_(*this) {
  boost::system::error_code ec;
  auto far = io.socket().remote_endpoint(ec);
  if (!ec)
    client_ = far.address().to_string();
  auto secure = front_peer_ ? with_->peer_accepts : front()->accepts;
  if (ec)
    return;
  const auto* proto = secure ? "https" : "http";
  forwarded_.own =
    "Forwarded: for=" + node_of(far.address()) + ";proto=" + proto;
  forwarded_.address = "X-Forwarded-For: " + client_ + "\r\n";
  forwarded_.proto = std::string{"X-Forwarded-Proto: "} + proto + "\r\n";
  judge_client();
}

session::~session() = default;

const front_settings* session::front() const noexcept {
  return front_peer_ ? nullptr : &with_->fronts[front_index_];
}

std::string_view session::front_name() const noexcept {
  return front_peer_ ? "peer" : std::string_view{front()->service->name.value};
}

// -- its life ----------------------------------------------------------------

void session::start(bool turned_away) {
  self_ = on_.sessions.insert(on_.sessions.end(), ref<session>{this});
  on_.counts.connections(front_name(), 1);
  if (!io.watch(on_.poll)) {
    close();
    return;
  }
  auto tls = front_peer_ ? with_->peer_accepts : front()->accepts;
  if (turned_away) {
    if (tls)
      close();
    else
      refuse({refusal::too_many_connections, 503,
              "as many connections are open as limits.connections allows"});
    return;
  }
  limit_.arm(on_.clock, on_.times().header);
  if (!tls) {
    state_ = state::reading;
    wait_readable();
  } else if (io.secure(tls.get(), true)) {
    handshake();
  } else {
    close();
  }
}

void session::handshake() {
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
    on_.counts.refused(refused_certificate(io.tls())
                         ? refusal::bad_peer_certificate
                         : refusal::bad_handshake);
    close();
    return;
  }
  if (!take_certificate()) {
    on_.counts.refused(refusal::bad_peer_certificate);
    close();
    return;
  }
  state_ = state::reading;
  on_readable();
}

/// What this front accepts now may be less than at the handshake.
bool session::still_welcome() const {
  const auto& now = *on_.current;
  const auto& accepts =
    front_peer_ ? now.peer_accepts : now.fronts[front_index_].accepts;
  return io.tls() == nullptr || still_trusted(io.tls(), accepts.get());
}

bool session::take_certificate() {
  if (with_ != on_.current && !still_welcome())
    return false; // Revoked during the handshake.
  if (front_peer_) {
    certified_ = site_id{site_of(io.tls())};
    return !certified_.empty();
  }
  if (SSL_get_verify_result(io.tls()) == X509_V_OK)
    if (auto* x = SSL_get0_peer_certificate(io.tls()))
      certificate_ = fingerprint_of(x);
  return true;
}

void session::drain() {
  if (state_ == state::handshake || (state_ == state::reading && in.empty()))
    close();
}

void session::cut_off() {
  close(true);
}

void session::close(bool hard) {
  if (state_ == state::closed)
    return;
  ref<session> hold{this};
  state_ = state::closed;
  exchange_.on_client_gone();
  limit_.disarm();
  io.close(hard);
  on_.counts.connections(front_name(), -1);
  on_.shared->connections[front_index_]->fetch_sub(1,
                                                   std::memory_order_relaxed);
  on_.sessions.erase(self_);
  on_.session_ended();
}

void session::on_reload() {
  if (state_ == state::handshake)
    return; // Its end looks.
  if (!still_welcome()) {
    on_.counts.refused(refusal::bad_peer_certificate);
    close(true);
    return;
  }
  if (state_ == state::busy)
    exchange_.on_reload();
}

void session::on_faults() {
  if (state_ == state::busy)
    exchange_.on_faults();
  else if (state_ == state::reading)
    wait_readable();
}

// -- reading -----------------------------------------------------------------

void session::wait_readable() {
  if (ended_) {
    io.when_broken(
      *this, [](counted& self) { static_cast<session&>(self).on_readable(); });
    return;
  }
  io.when_readable(
    *this, [](counted& self) { static_cast<session&>(self).on_readable(); });
}

/// A peer's node ends its sending only when its own client is gone, and so do
/// clients under TLS, though they might wait (RFC 8446, 6.1).
bool session::client_ended() {
  if (front_peer_ || io.tls() != nullptr)
    return false;
  ended_ = true;
  look_again(ask_after);
  wait_readable();
  return true;
}

void session::look_again(std::chrono::milliseconds after) {
  limit_.arm(on_.clock, after);
}

void session::wait_gone() {
  io.when_gone(
    *this, [](counted& self) { static_cast<session&>(self).on_readable(); });
}

void session::wait_writable() {
  io.when_writable(
    *this, [](counted& self) { static_cast<session&>(self).on_writable(); });
}

void session::on_readable() {
  switch (state_) {
  case state::handshake:
    handshake();
    break;
  case state::reading:
    read_head();
    break;
  case state::busy:
    exchange_.on_client_readable();
    break;
  case state::lingering:
    drop_input();
    break;
  case state::refusing:
  case state::closed:
    break;
  }
}

void session::on_writable() {
  switch (state_) {
  case state::handshake:
    handshake();
    break;
  case state::busy:
    exchange_.on_client_writable();
    break;
  case state::refusing:
    flush_refusal();
    break;
  default:
    break;
  }
}

void session::read_head() {
  if (front_peer_)
    if (const auto* f = on_.faults_of(certified_))
      if (f->in.cut)
        return; // An injected fault; its end wakes us.
  // The empty lines that may come before a head do not count.
  auto room = in.room(on_.bounds().header_bytes + blank_bytes_max);
  auto r = io.try_read(room);
  switch (r.what) {
  case io::done:
    in.commit(r.bytes);
    process();
    break;
  case io::again:
    wait_readable();
    break;
  default:
    close();
    break;
  }
}

void session::process() {
  if (processing_)
    return; // The loop below goes on when its exchange returns.
  ref<session> hold{this};
  processing_ = true;
  auto more = false;
  while (state_ == state::reading && !in.empty() && !more) {
    switch (reader_.read(in.view(), on_.bounds())) {
    case head_reader::outcome::more:
      more = true;
      break;
    case head_reader::outcome::refused:
      refuse(reader_.why());
      break;
    case head_reader::outcome::complete:
      state_ = state::busy;
      heading_ = false;
      limit_.disarm();
      if (with_ != on_.current)
        take_settings();
      exchange_.start(reader_.got(), reader_.skipped());
      break;
    }
  }
  processing_ = false;
  if (state_ == state::reading && ended_) {
    close(); // All that it asked for is answered.
  } else if (state_ == state::reading) {
    await_head();
  } else if (state_ == state::busy) {
    if (ended_)
      look_again(ask_after);
    wait_readable(); // For its body, or to see it go.
  }
}

void session::await_head() {
  if (!heading_ && !in.empty()) {
    heading_ = true;
    limit_.arm(on_.clock, on_.times().header);
  } else if (in.empty()) {
    in.rest();
    exchange_.rest();
    limit_.arm(on_.clock, on_.times().idle);
  }
  wait_readable();
}

void session::judge_client() {
  forwarded_.believed =
    front_peer_ || site::contains(front()->config.forwarded_from, client_);
}

/// Listeners stay as they are, so the indices of fronts do too.
void session::take_settings() {
  if (on_.current->fronts.size() == with_->fronts.size())
    with_ = on_.current;
  judge_client();
}

void session::exchange_done(bool keep) {
  if (state_ != state::busy)
    return;
  if (!keep || on_.draining) {
    linger();
    return;
  }
  reader_.reset();
  state_ = state::reading;
  process();
}

void session::on_limit() {
  ref<session> hold{this};
  if (state_ == state::busy) {
    exchange_.on_client_silent();
    return;
  }
  if (state_ == state::reading && heading_) {
    refuse({refusal::slow_header, 408, "the header took too long to come"});
    return;
  }
  if (state_ == state::handshake)
    on_.counts.refused(refusal::slow_header);
  close();
}

// -- the last words ----------------------------------------------------------

void session::tell_of_bad_handshake(std::string_view why) {
  auto now = std::chrono::duration_cast<seldom::instant>(
    traffic::clock::now().time_since_epoch());
  if (auto n = on_.bad_handshakes.count(now))
    spdlog::info("front {}: a client at {} is turned away: {} ({} since the "
                 "last such line)",
                 front_name(), client_, why, n);
}

void session::refuse(const defect& why) {
  on_.counts.refused(why.why);
  if (why.why == refusal::bad_handshake)
    tell_of_bad_handshake(why.what);
  // Room may have been made for bytes that then did not come.
  reader_.moved_to(in.view().data());
  error e{why.status == 503 ? errc::overloaded : errc::bad_request,
          std::string{why.what}, on_.site().value, "read the request", ""};
  auto answer = to_problem(why.status, e, with_->app->errors, on_.site().value);
  write_problem(out_.before, answer, reader_.got().method == "HEAD", true,
                false);
  if (on_.log != nullptr) {
    access_record line;
    line.time = std::chrono::system_clock::now();
    line.service = front_name();
    line.client = client_;
    line.peer = certified_.value;
    line.method = reader_.got().method;
    line.target = reader_.got().target;
    line.status = why.status;
    line.error = describe(e.code).slug;
    on_.log->write(line);
  }
  state_ = state::refusing;
  limit_.arm(on_.clock, linger_limit);
  flush_refusal();
}

void session::flush_refusal() {
  std::uint64_t sent = 0;
  switch (out_.flush(io, in, sent)) {
  case io::done:
    linger();
    break;
  case io::again:
    wait_writable();
    break;
  default:
    close();
    break;
  }
}

void session::linger() {
  state_ = state::lingering;
  io.end_writing();
  in.clear();
  limit_.arm(on_.clock, linger_limit);
  drop_input();
}

void session::drop_input() {
  ref<session> hold{this};
  for (int turn = 0; turn < 16; ++turn) {
    auto r = io.try_read(in.room(buffer::small));
    dropped_ += r.bytes;
    if (r.what == io::again)
      break;
    if (r.what != io::done || dropped_ > linger_bytes_max) {
      close();
      return;
    }
  }
  wait_readable();
}

} // namespace cheops::http
