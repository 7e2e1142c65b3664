#include "actors/doorman.hpp"

#include "actors/socket.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/io/network/acceptor_impl.hpp>
#include <caf/io/network/scribe_impl.hpp>

#include <memory>

namespace cheops::actors {

namespace {

namespace network = caf::io::network;

/// How CAF's acceptor takes a connection from the kernel's queue.
struct accepting {
  std::shared_ptr<socket::spare> spare;

  bool try_accept(network::native_socket& out, network::native_socket from) {
    out = socket::accept(from, *spare);
    return true;
  }
};

class doorman final : public caf::io::doorman {
public:
  using tell = std::function<void(caf::io::connection_handle, int)>;

  doorman(network::default_multiplexer& mx, int fd, tell accepted)
    : caf::io::doorman(network::accept_hdl_from_socket(fd)),
      acceptor_(mx, fd, accepting{std::make_shared<socket::spare>()}),
      accepted_(std::move(accepted)) {}

  bool new_connection() override {
    if (detached())
      return false;
    auto& mx = acceptor_.backend();
    auto fd = acceptor_.accepted_socket();
    auto scribe = mx.new_scribe(fd);
    auto handle = scribe->hdl();
    accepted_(handle, fd);
    parent()->add_scribe(std::move(scribe));
    return caf::io::doorman::new_connection(&mx, handle);
  }

  void launch() override { acceptor_.start(this); }

  void graceful_shutdown() override {
    acceptor_.graceful_shutdown();
    detach(&acceptor_.backend(), false);
  }

  void add_to_loop() override { acceptor_.activate(this); }
  void remove_from_loop() override { acceptor_.passivate(); }

  std::string addr() const override {
    auto x = network::remote_addr_of_fd(acceptor_.fd());
    return x ? *x : std::string{};
  }

  uint16_t port() const override {
    auto x = network::local_port_of_fd(acceptor_.fd());
    return x ? *x : uint16_t{0};
  }

private:
  network::acceptor_impl<accepting> acceptor_;
  tell accepted_;
};

} // namespace

caf::io::doorman_ptr
make_doorman(caf::io::network::default_multiplexer& mx, int fd,
             std::function<void(caf::io::connection_handle, int)> accepted) {
  return caf::make_counted<doorman>(mx, fd, std::move(accepted));
}

} // namespace cheops::actors
