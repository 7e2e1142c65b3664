#pragma once

#include "cheops/mesh/link.hpp"
#include "cheops/mesh/membership.hpp"
#include "cheops/mesh/peering.hpp"

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <vector>

/// Several sites in one thread, driven by one seed: link, peering and
/// membership put together as the actors do, over a network in memory. It
/// checks after each event what must always hold, and throws with the seed
/// where it does not.
namespace cheops::mesh::testing {

using link::instant;

enum class network : std::uint8_t {
  stream,  ///< As TCP: in order, cut anywhere; a cut path holds bytes back.
  hostile, ///< Frames get lost, doubled and reordered, also when not cut.
};

struct settings {
  std::uint64_t seed = 1;
  unsigned sites = 5;
  testing::network network = testing::network::stream;
  bool liar = false; ///< The second site forges statements of others.
};

class world {
public:
  explicit world(settings with);

  /// So much time with cuts, crashes, restarts and injected faults.
  void disturb(instant time);
  /// No fault from now on; all processes run, but for `stays_dead`.
  void heal();
  /// Faultless time.
  void run(instant time);
  /// Runs until there are no `differences`; false if there still are.
  [[nodiscard]] bool settle(instant at_most);

  /// What keeps the living sites from being one mesh; empty if nothing does.
  [[nodiscard]] std::string differences() const;

  void kill(unsigned site, bool silently);
  /// No network of this site's configuration has the address of `other`.
  void disbelieve(unsigned site, unsigned other);
  void cut(unsigned a, unsigned b, instant time);

  [[nodiscard]] reach seen(unsigned by, unsigned site) const;
  [[nodiscard]] instant now() const { return now_; }
  /// Messages of gossip that were sent so far.
  [[nodiscard]] std::size_t gossip() const { return gossip_; }
  [[nodiscard]] std::size_t forged() const { return forged_; }
  [[nodiscard]] std::size_t links_up() const { return links_up_; }

private:
  /// The ends of a connection have ids that differ in the lowest bit.
  using end_id = std::uint64_t;

  struct socket {
    end_id id = 0;
    unsigned at = 0;   ///< Site.
    unsigned with = 0; ///< Site of the other end.
    site_id peer;
    link::state rules;
    bool closing = false;
    bool draining = false;
    // Nothing overtakes what went before on the same way.
    instant reported{}, ordered{}, sent{};
  };

  struct connection {
    site_id peer;
    bool up = false;
    bool refused = false;
    wire::hello hello;
  };

  struct neighbour {
    peering::state rules;
    std::vector<address> at;
    end_id current = 0;
  };

  struct process {
    site_id name;
    bool alive = false;
    std::uint64_t life = 0;
    std::string store;
    std::uint64_t incarnation = 0;
    membership::state members;
    std::map<site_id, neighbour> neighbours;
    std::map<end_id, connection> connections;
    fault_table faults;
    std::uint64_t digest = 0;
    std::set<std::string> disbelieved; ///< Hosts.
  };

  struct event {
    instant at{};
    std::uint64_t order = 0;
    std::function<void()> run;
    friend bool operator<(const event& a, const event& b) {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };

  using report =
    std::variant<std::monostate, link::ready, link::greeted, link::went_up,
                 link::measured, link::gossip, link::compared, link::close>;

  // -- time and chance
  void at(instant when, std::function<void()> run);
  void advance_to(instant when);
  bool chance(double p);
  unsigned below(unsigned n);
  instant between(instant least, instant most);
  [[noreturn]] void fail(const std::string& what) const;

  // -- the network
  instant latency(unsigned a, unsigned b);
  instant& blocked(unsigned from, unsigned to);
  void connect(unsigned from, unsigned to, end_id id);
  void secure(end_id id, unsigned with);
  void transmit(socket& from, std::string bytes);
  void arrive(end_id at, unsigned site, end_id from, const std::string& bytes);
  void reset(end_id id, instant when);
  void lose(end_id id);

  // -- a link, as its actor does
  socket* find(end_id id);
  void open(end_id id, unsigned site, unsigned with, link::role as,
            const site_id& expected);
  void tick(end_id id);
  void advance(end_id id, const link::input& in);
  void perform(socket& s, const link::effect& x);
  void close(socket& s, const link::close& x);
  void shut(end_id id);
  void tell_supervisor(socket& s, report what);

  // -- the supervisor, as its actor does
  void start(unsigned site);
  void stop(unsigned site);
  void receive(unsigned site, std::uint64_t life, end_id id,
               const site_id& peer, const report& what);
  void greet(process& p, end_id id, const link::greeted& x);
  void hear(process& p, const site_id& from, const link::gossip& x);
  void end(process& p, end_id id, const link::close& x);
  void advance(process& p, const site_id& peer, const peering::input& in);
  void advance(process& p, const membership::input& in);
  void perform(process& p, const site_id& peer, const peering::effect& x);
  void perform(process& p, const membership::effect& x);
  void dial(process& p, const site_id& peer);
  void rise(process& p, const site_id& peer, const peering::went_up& x);
  void fall(process& p, const site_id& peer);
  void order(process& p, end_id id, link::input what);
  neighbour& meet(process& p, const site_id& peer);
  peer_faults faults_of(const process& p, const site_id& peer) const;
  unsigned index_of(const process& p) const;

  // -- signatures
  wire::sealed_statement seal(const site_id& signer, std::string body);
  site_id signer(const wire::sealed_statement& x) const;
  void lie();

  // -- faults, and what must hold
  void disturb_once();
  void check(const process& p) const;
  std::string difference(unsigned a, unsigned b) const;

  settings with_;
  std::mt19937_64 random_;
  instant now_{};
  std::uint64_t next_order_ = 0;
  end_id next_connection_ = 2;
  std::priority_queue<event> events_;
  std::map<end_id, std::unique_ptr<socket>> sockets_;
  std::vector<process> sites_;
  std::map<site_id, unsigned> index_;
  std::vector<unsigned> declares_; ///< Whom each site declares.
  std::vector<instant> latency_;
  std::vector<instant> blocked_;
  std::vector<std::uint64_t> secrets_;
  std::map<site_id, std::set<std::string>> signed_; ///< Bodies.
  bool calm_ = true;
  std::size_t gossip_ = 0;
  std::size_t forged_ = 0;
  std::size_t links_up_ = 0;
};

} // namespace cheops::mesh::testing
