#include "http/worker.hpp"

#include "http/listener.hpp"
#include "http/session.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace cheops::http {

namespace {

/// Until the node says more: what the configuration names. A request for a
/// peer of it that comes this early is refused as one to try again, not as
/// one for a site that nobody knows.
mesh::view_ptr configured(const site::config& from) {
  auto out = std::make_shared<mesh::view>();
  out->self = from.name;
  out->sites.emplace_back();
  out->sites.back().name = from.name;
  out->sites.back().state = mesh::reach::self;
  for (const auto& peer : from.peers) {
    out->sites.emplace_back();
    out->sites.back().name = peer.name;
  }
  std::ranges::sort(out->sites, {}, &mesh::site::name);
  return out;
}

/// RFC 6066, 3: an address is no name for SNI.
std::string sni_of(const site::backend& to) {
  const auto& name = to.server_name.empty() ? to.at.host : to.server_name;
  boost::system::error_code ec;
  boost::asio::ip::make_address(name, ec);
  return ec ? name : std::string{};
}

} // namespace

worker::worker(std::shared_ptr<plane> with, settings_ptr first)
  : shared(std::move(with)),
    current(std::move(first)),
    mesh(configured(*current->config)),
    decider(current->config, current->app, shared->traces, 0, shared->adapted,
            shared->replicas),
    counts(shared->counters->add_shard()),
    clock(io),
    random(std::random_device{}()),
    tags_(shared->loop_key, current->via_name) {
  poll.start(io);
  if (shared->log)
    log = &shared->log->add_writer();
}

worker::~worker() {
  inbox->close();
  // What the event loop still holds goes before what it refers to.
  for (auto* pools : {&backends_, &nodes_})
    for (auto& [name, pool] : *pools)
      pool->retire();
  for (auto& [name, pool] : peers_)
    pool->retire();
  sessions.clear();
  poll.stop();
}

// -- told by the server ------------------------------------------------------

void worker::publish(mesh::view_ptr view) {
  auto before = std::exchange(mesh, std::move(view));
  for (const auto& now : mesh->sites) {
    const auto* was = before->find(now.name);
    if (now.state != mesh::reach::down || was == nullptr
        || was->state == mesh::reach::down)
      continue;
    if (auto i = peers_.find(now.name); i != peers_.end()) {
      i->second->retire();
      peers_.erase(i);
    }
    auto all = sessions;
    for (auto& x : all)
      x->running().on_peer_down(now.name);
  }
}

void worker::publish(const mesh::fault_table& table) {
  faults = table;
  auto all = sessions;
  for (auto& x : all)
    x->on_faults();
  auto pools = peers_;
  for (auto& [name, pool] : pools)
    pool->kick();
}

void worker::reload(settings_ptr next) {
  current = std::move(next);
  decider.configure(current->config);
  for (auto* pools : {&backends_, &nodes_})
    for (auto& [name, pool] : std::exchange(*pools, {}))
      pool->retire();
  for (auto& [name, pool] : std::exchange(peers_, {}))
    pool->retire();
  auto all = sessions;
  for (auto& x : all)
    x->on_reload();
}

void worker::drain() {
  draining = true;
  for (auto& x : listeners)
    x->close();
  auto all = sessions;
  for (auto& x : all)
    x->drain();
  session_ended();
}

void worker::cut_off() {
  draining = true;
  auto all = sessions;
  for (auto& x : all)
    x->cut_off();
  session_ended();
}

void worker::session_ended() {
  if (!draining || stopped || !sessions.empty())
    return;
  stopped = true;
  clock.stop();
  poll.stop();
  for (auto* pools : {&backends_, &nodes_})
    for (auto& [name, pool] : *pools)
      pool->retire();
  for (auto& [name, pool] : peers_)
    pool->retire();
  // Behind what the loop has in hand: a connection that it accepted meanwhile
  // would stay open as long as the loop is kept.
  boost::asio::post(io, [this] { io.stop(); });
}

// -- used by exchanges -------------------------------------------------------

endpoint worker::backend_of(const front_settings& front) const {
  endpoint to;
  to.at = front.config.to.at;
  to.tls = front.calls;
  to.name = sni_of(front.config.to);
  to.site = site();
  to.service = front.service->name.value;
  return to;
}

ref<pool> worker::backend_pool(const front_settings& front) {
  auto& slot = backends_[front.service->name];
  if (!slot)
    slot = ref<pool>{new pool(*this, backend_of(front))};
  return slot;
}

ref<pool> worker::node_pool(const front_settings& front) {
  auto& slot = nodes_[front.service->name];
  if (!slot) {
    auto to = backend_of(front);
    to.tls = front.calls_as_node;
    slot = ref<pool>{new pool(*this, std::move(to))};
  }
  return slot;
}

worker::way worker::way_to(const site_id& name) {
  const auto* found = mesh->find(name);
  if (found == nullptr)
    return {{}, "the site is not known here"};
  const auto& peer = *found;
  if (peer.state == mesh::reach::down)
    return {{}, "the site is cut off"};
  if (peer.peer_front.port == 0)
    return {{}, "the address of its peer front is not known yet"};
  auto& slot = peers_[peer.name];
  if (slot && slot->to().at != peer.peer_front) {
    slot->retire();
    slot = {};
  }
  if (!slot) {
    endpoint to;
    to.at = peer.peer_front;
    to.tls = current->peer_calls;
    to.site = peer.name;
    to.peer = true;
    slot = ref<pool>{new pool(*this, std::move(to))};
  }
  return {slot, {}};
}

const mesh::peer_faults* worker::faults_of(const site_id& peer) const noexcept {
  if (faults.empty())
    return nullptr;
  auto i = faults.find(peer);
  return i == faults.end() ? nullptr : &i->second;
}

bool worker::lost(double probability) {
  return probability > 0
         && std::uniform_real_distribution<>{0, 1}(random) < probability;
}

std::string_view worker::via_line(const service_id& service,
                                  traffic::clock::time_point now) {
  auto minute = loop_tags::minute_of(now);
  if (minute != via_minute_) {
    via_lines_.clear();
    via_minute_ = minute;
  }
  auto& line = via_lines_[service];
  if (line.empty())
    line = tags_.line(service.value, minute);
  return line;
}

bool worker::came_back(const head& in, const service_id& service,
                       traffic::clock::time_point now) const {
  return tags_.came_back(in, service.value, loop_tags::minute_of(now));
}

} // namespace cheops::http
