#include "actors/link.hpp"

#include "actors/socket.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/doorman_impl.hpp>
#include <caf/io/network/scribe_impl.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <random>

namespace cheops::actors {

namespace {

using namespace std::chrono_literals;
namespace rules = mesh::link;

/// How long a goodbye may take to leave, before the socket is shut anyway.
constexpr auto goodbye_patience = 200ms;

struct link_state {
  static inline const char* name = "link";
  link_plan plan;
  rules::state core;
  std::optional<tls::session> session;
  caf::io::connection_handle socket;
  site_id peer;
  bool closing = false;
};

using link_ptr = caf::stateful_actor<link_state, caf::io::broker>*;

rules::instant now(link_ptr self) {
  return std::chrono::duration_cast<rules::instant>(
    self->clock().now().time_since_epoch());
}

template <class T>
void report(link_ptr self, T what) {
  auto& st = self->state;
  self->send(st.plan.supervisor,
             link_report{self->id(), st.peer, std::move(what), st.core.stats},
             caf::actor_cast<caf::actor>(self));
}

void to_socket(link_ptr self, std::string_view bytes) {
  auto& buffer = self->wr_buf(self->state.socket);
  buffer.insert(buffer.end(), bytes.begin(), bytes.end());
}

void flush(link_ptr self) {
  auto& st = self->state;
  if (st.session)
    to_socket(self, st.session->output());
  self->flush(st.socket);
}

void perform(link_ptr self, const rules::write& x) {
  auto& st = self->state;
  if (st.session)
    st.session->write(x.bytes);
  else
    to_socket(self, x.bytes);
}

// The socket is shut when what was written has gone; its end then ends us.
void perform(link_ptr self, const rules::close& x) {
  report(self, x);
  self->state.closing = true;
  self->delayed_send(self, goodbye_patience, atom::stop_v);
}

void perform(link_ptr self, const rules::arrived& x) {
  auto& st = self->state;
  self->send(st.plan.router, delivered{st.peer, x.envelope});
}

void perform(link_ptr self, const rules::wake& x) {
  self->delayed_send(self, std::max(x.at - now(self), rules::instant{0}),
                     atom::wake_v);
}

void perform(link_ptr self, const rules::greeted& x) {
  self->state.peer = x.hello.site;
  report(self, x);
}

template <class T>
void perform(link_ptr self, const T& x) {
  report(self, x);
}

void advance(link_ptr self, const rules::input& in) {
  auto& st = self->state;
  if (st.closing)
    return;
  auto effects = rules::step(st.core, in, now(self));
  for (const auto& effect : effects)
    std::visit([self](const auto& x) { perform(self, x); }, effect);
  flush(self);
}

/// While an injected cut lasts, nothing of a handshake passes either.
bool deaf(const link_state& st) {
  return st.core.phase == rules::phase::securing
         && (st.core.faults.in.cut || st.core.faults.out.cut);
}

void on_secured(link_ptr self) {
  auto& st = self->state;
  auto site = st.plan.trust->judge(st.session->chain());
  if (!site) {
    advance(self, rules::ended{wire::farewell::refused, site.error().what});
    return;
  }
  if (st.plan.as == rules::role::accepted)
    st.peer = *site;
  advance(self, rules::secured{*site});
}

void on_data(link_ptr self, const caf::io::new_data_msg& m) {
  auto& st = self->state;
  if (st.closing || deaf(st))
    return;
  std::string_view bytes{m.buf.data(), m.buf.size()};
  if (!st.session) {
    advance(self, rules::received{std::string{bytes}});
    return;
  }
  auto progress = st.session->feed(bytes);
  if (progress.secured)
    on_secured(self);
  if (!progress.plain.empty())
    advance(self, rules::received{std::move(progress.plain)});
  if (progress.failed)
    advance(self, rules::ended{wire::farewell::broken, *progress.failed});
  // The handshake's own bytes, and the alert that says why it failed.
  flush(self);
}

void on_closed(link_ptr self) {
  auto& st = self->state;
  if (!st.closing) {
    auto early = st.core.phase == rules::phase::securing;
    st.closing = true;
    report(self, rules::close{early ? "the connection was refused or reset"
                                    : "the connection was lost",
                              std::nullopt});
  }
  self->quit();
}

handed on_submit(link_ptr self, const wire::envelope& x) {
  auto& st = self->state;
  if (st.closing)
    return handed::unreachable;
  auto bytes = wire::encode(x);
  switch (rules::room_for(st.core, bytes.size())) {
  case rules::room::full:
    return handed::full;
  case rules::room::too_large:
    return handed::too_large;
  case rules::room::not_up:
    return handed::unreachable;
  case rules::room::yes:
    break;
  }
  advance(self, rules::posted{wire::kind::envelope, std::move(bytes)});
  return handed::over;
}

void on_order(link_ptr self, const link_order& x) {
  // What does not fit now is gossip: the digests will show that it lacks.
  if (const auto* p = std::get_if<rules::posted>(&x.what))
    if (rules::room_for(self->state.core, p->payload.size())
        != rules::room::yes)
      return;
  advance(self, x.what);
}

void on_recheck(link_ptr self, const link_recheck& x) {
  auto& st = self->state;
  if (!st.session || !x.trust || st.core.phase == rules::phase::securing)
    return;
  auto site = x.trust->judge(st.session->chain());
  if (!site || *site != st.core.certified)
    advance(self,
            rules::ended{wire::farewell::refused,
                         "its certificate is no longer good: "
                           + (site ? "another site" : site.error().what)});
}

void start(link_ptr self) {
  auto& st = self->state;
  self->ack_writes(st.socket, true);
  self->configure_read(st.socket, caf::io::receive_policy::at_most(65536));
  self->delayed_send(self, st.plan.rules.heartbeat, caf::tick_atom_v);
  if (st.plan.as == rules::role::accepted)
    report(self, accepted{});
  if (!st.plan.trust) {
    advance(self, rules::secured{});
    return;
  }
  st.session.emplace(*st.plan.trust, st.plan.as);
  if (st.plan.as == rules::role::dialled && !deaf(st)) {
    (void) st.session->feed({});
    flush(self);
  }
}

caf::behavior link_on(link_ptr self, caf::io::connection_handle socket,
                      link_plan plan) {
  auto& st = self->state;
  st.socket = socket;
  st.peer = plan.expected;
  std::random_device entropy;
  st.core = rules::start(plan.rules, plan.as, plan.expected, now(self),
                         (std::uint64_t{entropy()} << 32) | entropy());
  st.core.faults = plan.faults;
  st.plan = std::move(plan);
  self->set_error_handler([](caf::error&) {});
  self->monitor(st.plan.supervisor);
  self->set_down_handler([self](caf::down_msg&) { self->quit(); });
  start(self);
  return {
    [self](const caf::io::new_data_msg& m) { on_data(self, m); },
    [self](const caf::io::data_transferred_msg& m) {
      auto left = static_cast<std::size_t>(m.remaining);
      if (self->state.closing && left == 0)
        socket::shut(self->state.plan.fd);
      advance(self, rules::drained{left});
    },
    [self](const caf::io::connection_closed_msg&) { on_closed(self); },
    [self](const link_order& x) { on_order(self, x); },
    [self](const link_recheck& x) { on_recheck(self, x); },
    [self](atom::submit, const wire::envelope& x) {
      return on_submit(self, x);
    },
    [self](caf::tick_atom) {
      if (self->state.closing)
        return;
      self->delayed_send(self, self->state.plan.rules.heartbeat,
                         caf::tick_atom_v);
      advance(self, rules::ticked{});
    },
    [self](atom::wake) { advance(self, rules::ticked{}); },
    [self](atom::stop) { socket::shut(self->state.plan.fd); },
  };
}

caf::behavior dialled_link(link_ptr self, const link_plan& plan) {
  auto& sys = self->system();
  auto scribe = sys.middleman().backend().new_scribe(plan.fd);
  auto handle = scribe->hdl();
  self->add_scribe(std::move(scribe));
  return link_on(self, handle, plan);
}

/// CAF's doorman keeps the socket that it accepts to itself; we need it, to
/// shut a connection whose other side does not end.
class doorman final : public caf::io::network::doorman_impl {
public:
  using sockets = std::map<caf::io::connection_handle, int>;

  doorman(caf::io::network::default_multiplexer& mx, int fd,
          std::shared_ptr<sockets> fresh)
    : doorman_impl(mx, fd), fresh_(std::move(fresh)) {}

  bool new_connection() override {
    if (detached())
      return false;
    auto& mx = acceptor_.backend();
    auto fd = acceptor_.accepted_socket();
    socket::tune(fd);
    auto scribe = mx.new_scribe(fd);
    auto handle = scribe->hdl();
    (*fresh_)[handle] = fd;
    parent()->add_scribe(std::move(scribe));
    return caf::io::doorman::new_connection(&mx, handle);
  }

private:
  std::shared_ptr<sockets> fresh_;
};

struct listener_state {
  static inline const char* name = "listener";
  link_plan plan;
  std::shared_ptr<doorman::sockets> fresh;
};

using listener_ptr = caf::stateful_actor<listener_state, caf::io::broker>*;

caf::behavior listener(listener_ptr self, int fd, const link_plan& plan) {
  auto& st = self->state;
  st.plan = plan;
  st.fresh = std::make_shared<doorman::sockets>();
  auto& mx = dynamic_cast<caf::io::network::default_multiplexer&>(
    self->system().middleman().backend());
  self->add_doorman(caf::make_counted<doorman>(mx, fd, st.fresh));
  self->set_error_handler([](caf::error&) {});
  self->monitor(st.plan.supervisor);
  self->set_down_handler([self](caf::down_msg&) { self->quit(); });
  return {
    [self](const caf::io::new_connection_msg& m) {
      auto p = self->state.plan;
      auto i = self->state.fresh->find(m.handle);
      p.fd = i->second;
      self->state.fresh->erase(i);
      self->fork(link_on, m.handle, std::move(p));
    },
    [self](const caf::io::acceptor_closed_msg&) {
      self->quit(caf::sec::runtime_error);
    },
    [self](const setup& x) {
      self->state.plan.trust = x.trust;
      self->state.plan.rules =
        link_rules(*x.config, self->state.plan.rules.hello);
    },
    [self](atom::stop) { self->quit(); },
  };
}

} // namespace

link_actor spawn_link(caf::actor_system& sys, link_plan plan) {
  return caf::actor_cast<link_actor>(
    sys.middleman().spawn_broker(dialled_link, std::move(plan)));
}

listener_actor spawn_listener(caf::actor_system& sys, int fd, link_plan plan) {
  return caf::actor_cast<listener_actor>(
    sys.middleman().spawn_broker(listener, fd, std::move(plan)));
}

mesh::link::settings link_rules(const site::config& config, wire::hello hello) {
  mesh::link::settings x;
  x.hello = std::move(hello);
  x.heartbeat = config.times.heartbeat;
  x.silence = config.times.link_silence;
  x.dial = config.times.dial;
  x.frame_bytes = config.bounds.frame_bytes;
  // An entry and what goes around it.
  x.message_bytes =
    std::max<std::size_t>(config.bounds.entry_bytes, 1024 * 1024) + 64 * 1024;
  x.output_bytes =
    std::max<std::size_t>(config.bounds.link_output_bytes,
                          x.message_bytes + 2 * mesh::link::write_window);
  return x;
}

} // namespace cheops::actors
