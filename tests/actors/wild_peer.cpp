#include "actors/wild_peer.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace cheops::support {

std::string frame_of(wire::kind kind, std::string payload,
                     std::uint16_t flags) {
  wire::frame x;
  x.kind = kind;
  x.flags = flags;
  x.payload = std::move(payload);
  return wire::encode(x);
}

wild_peer::wild_peer(const site::config& to, const site::config& as)
  : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
    trust_(actors::tls::trust::load(as.tls, as.name).value()) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(to.link.listen.port);
  timeval patience{30, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0)
    throw std::runtime_error("wild_peer: cannot connect");
  session_.emplace(*trust_, mesh::link::role::dialled);
}

wild_peer::~wild_peer() {
  ::close(fd_);
}

void wild_peer::write_out() {
  std::vector<char> bytes;
  session_->output(bytes);
  std::size_t done = 0;
  while (done < bytes.size()) {
    auto n =
      ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (n <= 0)
      return; // The other side has gone; reading will tell.
    done += static_cast<std::size_t>(n);
  }
}

bool wild_peer::read_once() {
  char buffer[65536];
  auto n = ::recv(fd_, buffer, sizeof buffer, 0);
  timed_out_ = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
  if (n <= 0)
    return false;
  auto progress = session_->feed({buffer, static_cast<std::size_t>(n)});
  secured_ = secured_ || progress.secured;
  cut_.feed(progress.plain);
  return !progress.failed;
}

void wild_peer::begin_handshake() {
  (void) session_->feed({});
  write_out();
  // The server's whole flight makes our own last one ready: it stays here.
  while (!secured_)
    if (!read_once())
      throw std::runtime_error("wild_peer: the handshake failed");
}

bool wild_peer::greet(const wire::hello& hello) {
  if (!secured_)
    begin_handshake();
  session_->write(frame_of(wire::kind::hello, wire::encode(hello)));
  write_out();
  return next(wire::kind::hello).has_value();
}

void wild_peer::send(const std::string& bytes) {
  session_->write(bytes);
  write_out();
}

std::optional<wire::frame> wild_peer::next(wire::kind kind) {
  for (;;) {
    auto x = cut_.next();
    if (!x)
      return std::nullopt;
    if (!*x) {
      if (!read_once())
        return std::nullopt;
      continue;
    }
    if ((*x)->kind == wire::kind::goodbye)
      if (auto said = wire::decode_goodbye((*x)->payload))
        goodbye = said->text;
    if ((*x)->kind == kind)
      return std::move(**x);
  }
}

bool wild_peer::is_hung_up_on() {
  while (next(wire::kind::goodbye)) {
  }
  return !timed_out_;
}

} // namespace cheops::support
