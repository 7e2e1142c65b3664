#include "actors/link.hpp"

#include "actors/doorman.hpp"
#include "actors/receipt.hpp"
#include "actors/socket.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>
#include <caf/io/network/default_multiplexer.hpp>

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
/// What is read at once: CAF clears a buffer of this size before each read,
/// so it is small until there is more to read.
constexpr std::size_t read_least = 4 * 1024;
constexpr std::size_t read_most = 64 * 1024;
/// Reads in a row that a quarter of the buffer would have done for.
constexpr int small_reads_max = 64;
/// Enough to write that waiting for more would gain nothing.
constexpr std::size_t write_at_once = 32 * 1024;

struct link_state {
  static inline const char* name = "link";
  link_plan plan;
  rules::state core;
  std::optional<tls::session> session;
  std::shared_ptr<actors::ledger> ledger;
  caf::io::connection_handle socket;
  site_id peer;
  std::string to_write;      ///< In the clear; waits for push_out.
  std::size_t unwritten = 0; ///< With CAF, not with the kernel yet.
  std::size_t read_at_once = read_least;
  int small_reads = 0;
  bool pushing = false; ///< A push_out is in the mailbox.
  bool closing = false;
};

using link_ptr = caf::stateful_actor<link_state, caf::io::broker>*;

rules::instant now(link_ptr self) {
  return std::chrono::duration_cast<rules::instant>(
    self->clock().now().time_since_epoch());
}

template <class T>
void report(link_ptr self, T what, receipt_ptr receipt = nullptr) {
  auto& st = self->state;
  self->send(st.plan.supervisor,
             link_report{self->id(), st.peer, std::move(what), st.core.stats,
                         std::move(receipt)},
             caf::actor_cast<caf::actor>(self));
}

/// Hands what is to be written to the socket.
void push_out(link_ptr self) {
  auto& st = self->state;
  auto& buffer = self->wr_buf(st.socket);
  auto before = buffer.size();
  if (st.session) {
    st.session->write(st.to_write);
    st.session->output(buffer);
  } else {
    buffer.insert(buffer.end(), st.to_write.begin(), st.to_write.end());
  }
  st.to_write.clear();
  st.unwritten += buffer.size() - before;
  self->flush(st.socket);
}

// One record and one system call for what many messages gave to write.
void perform(link_ptr self, rules::write& x) {
  auto& st = self->state;
  st.to_write += x.bytes;
  if (st.to_write.size() >= write_at_once)
    return push_out(self);
  if (st.pushing)
    return;
  st.pushing = true;
  self->send(self, atom::push_out_v);
}

// The socket is shut when what was written has gone; its end then ends us.
void perform(link_ptr self, rules::close& x) {
  auto& st = self->state;
  report(self, x);
  st.closing = true;
  push_out(self);
  if (st.unwritten == 0)
    socket::shut(st.plan.fd);
  else
    self->delayed_send(self, goodbye_patience, atom::stop_v);
}

receipt_ptr receipt_for(link_ptr self, std::size_t cost) {
  return std::make_shared<receipt>(self->state.ledger, cost);
}

void perform(link_ptr self, rules::arrived& x) {
  auto& st = self->state;
  st.plan.router->deliver(
    {st.peer, std::move(x.envelope), receipt_for(self, x.cost)});
}

void perform(link_ptr self, rules::gossip& x) {
  auto receipt = receipt_for(self, x.cost);
  report(self, std::move(x), std::move(receipt));
}

void perform(link_ptr self, rules::wake& x) {
  self->delayed_send(self, std::max(x.at - now(self), rules::instant{0}),
                     atom::wake_v);
}

void perform(link_ptr self, rules::greeted& x) {
  self->state.peer = x.hello.site;
  report(self, x);
}

template <class T>
void perform(link_ptr self, T& x) {
  report(self, x);
}

void advance(link_ptr self, const rules::input& in) {
  auto& st = self->state;
  if (st.closing)
    return;
  auto effects = rules::step(st.core, in, now(self));
  for (auto& effect : effects)
    std::visit([self](auto& x) { perform(self, x); }, effect);
}

/// With all that the ledger has by now.
void settle(link_ptr self) {
  if (auto cost = self->state.ledger->collect(); cost > 0)
    advance(self, rules::consumed{cost});
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

/// Reads as much at once as there was to read lately.
void adapt_read(link_ptr self, std::size_t came) {
  auto& st = self->state;
  auto size = st.read_at_once;
  st.small_reads = came > size / 4 ? 0 : st.small_reads + 1;
  if (came == size)
    size = std::min(2 * size, read_most);
  else if (st.small_reads == small_reads_max)
    size = read_least;
  if (size == st.read_at_once)
    return;
  st.read_at_once = size;
  st.small_reads = 0;
  self->configure_read(st.socket, caf::io::receive_policy::at_most(size));
}

void on_data(link_ptr self, const caf::io::new_data_msg& m) {
  auto& st = self->state;
  adapt_read(self, m.buf.size());
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
  push_out(self);
}

/// CAF keeps a monitor for as long as the monitored lives: that of a link that
/// has gone would stay with the supervisor for good, and be told of its end.
void leave(link_ptr self) {
  self->demonitor(self->state.plan.supervisor->address());
  self->quit();
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
  leave(self);
}

void on_submit(link_ptr self, wire::envelope& x) {
  auto& st = self->state;
  auto back = [&](wire::delivery why) {
    st.plan.router->give_back(std::move(x), why);
  };
  auto bytes = wire::encode(x);
  switch (rules::room_for(st.core, bytes.size())) {
  case rules::room::full:
    ++st.core.stats.refused;
    return back(wire::delivery::full);
  case rules::room::too_large:
    return back(wire::delivery::too_large);
  case rules::room::not_up:
    return back(wire::delivery::unreachable);
  case rules::room::yes:
    advance(self, rules::posted{wire::kind::envelope, std::move(bytes)});
  }
}

void on_order(link_ptr self, const link_order& x) {
  // What does not fit now is gossip: the digests will show that it lacks.
  if (const auto* p = std::get_if<rules::posted>(&x.what))
    if (rules::room_for(self->state.core, p->payload.size())
        != rules::room::yes)
      return;
  advance(self, x.what);
}

void on_setup(link_ptr self, const setup& x) {
  auto& st = self->state;
  st.plan.rules = link_rules(*x.config, st.plan.rules.hello);
  advance(self, rules::retuned{st.plan.rules});
  // A handshake under way is judged by these, too, when it is done.
  st.plan.trust = x.trust;
  if (!st.session || st.core.phase == rules::phase::securing)
    return;
  auto site = x.trust->judge(st.session->chain());
  if (!site || *site != st.core.certified)
    advance(self,
            rules::ended{wire::farewell::refused,
                         "its certificate is no longer good: "
                           + (site ? "another site" : site.error().what)});
}

void beat_later(link_ptr self) {
  auto& st = self->state;
  auto pause = rules::instant{st.core.with.heartbeat};
  self->delayed_send(self, pause - (now(self) - st.plan.beat) % pause,
                     caf::tick_atom_v);
}

void on_tick(link_ptr self) {
  if (self->state.closing)
    return;
  beat_later(self);
  settle(self);
  advance(self, rules::ticked{});
}

void on_transferred(link_ptr self, std::size_t left) {
  auto& st = self->state;
  st.unwritten = left;
  if (st.closing && left == 0)
    socket::shut(st.plan.fd);
  advance(self, rules::drained{left + st.to_write.size()});
}

void start(link_ptr self) {
  auto& st = self->state;
  self->ack_writes(st.socket, true);
  self->configure_read(st.socket,
                       caf::io::receive_policy::at_most(st.read_at_once));
  beat_later(self);
  if (st.plan.as == rules::role::accepted)
    report(self, accepted{});
  if (!st.plan.trust) {
    advance(self, rules::secured{});
    return;
  }
  st.session.emplace(*st.plan.trust, st.plan.as);
  if (st.plan.as == rules::role::dialled && !deaf(st)) {
    (void) st.session->feed({});
    push_out(self);
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
  st.ledger =
    std::make_shared<ledger>(self->address(), st.core.with.input_bytes / 8);
  self->set_error_handler([](caf::error&) {});
  self->monitor(st.plan.supervisor);
  self->set_down_handler([self](caf::down_msg&) { self->quit(); });
  start(self);
  return {
    [self](const caf::io::new_data_msg& m) { on_data(self, m); },
    [self](const caf::io::data_transferred_msg& m) {
      on_transferred(self, static_cast<std::size_t>(m.remaining));
    },
    [self](const caf::io::connection_closed_msg&) { on_closed(self); },
    [self](const link_order& x) { on_order(self, x); },
    [self](const setup& x) { on_setup(self, x); },
    [self](atom::submit, wire::envelope& x) { on_submit(self, x); },
    [self](caf::tick_atom) { on_tick(self); },
    [self](atom::push_out) {
      self->state.pushing = false;
      push_out(self);
    },
    [self](atom::settle) { settle(self); },
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

struct listener_state {
  static inline const char* name = "listener";
  link_plan plan;
  std::map<caf::io::connection_handle, int> fresh; ///< Descriptors.
};

using listener_ptr = caf::stateful_actor<listener_state, caf::io::broker>*;

caf::behavior listener(listener_ptr self, int fd, const link_plan& plan) {
  auto& st = self->state;
  st.plan = plan;
  auto& mx = dynamic_cast<caf::io::network::default_multiplexer&>(
    self->system().middleman().backend());
  self->add_doorman(
    make_doorman(mx, fd, [self](caf::io::connection_handle x, int socket) {
      self->state.fresh[x] = socket;
    }));
  self->set_error_handler([](caf::error&) {});
  self->monitor(st.plan.supervisor);
  self->set_down_handler([self](caf::down_msg&) { self->quit(); });
  return {
    [self](const caf::io::new_connection_msg& m) {
      auto p = self->state.plan;
      auto i = self->state.fresh.find(m.handle);
      p.fd = i->second;
      self->state.fresh.erase(i);
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
  // A replicant as a new site gets it: what rebuilds it, an entry that is
  // under way, and what goes around them.
  x.message_bytes =
    std::max<std::size_t>(
      config.bounds.replicant_bytes + config.bounds.entry_bytes, 1024 * 1024)
    + 64 * 1024;
  x.output_bytes =
    std::max<std::size_t>(config.bounds.link_output_bytes,
                          x.message_bytes + 2 * mesh::link::write_window);
  // The longest message and what its frames count for, whatever else is here.
  x.input_bytes =
    std::max<std::size_t>(config.bounds.link_input_bytes, 2 * x.message_bytes);
  return x;
}

} // namespace cheops::actors
