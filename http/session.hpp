#pragma once

#include "http/buffer.hpp"
#include "http/exchange.hpp"
#include "http/head.hpp"
#include "http/problem.hpp"
#include "http/ref.hpp"
#include "http/rewrite.hpp"
#include "http/settings.hpp"
#include "http/stream.hpp"
#include "http/wheel.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <list>
#include <string>

namespace cheops::http {

struct worker;

/// A client's connection: reads heads one after the other, and lets the
/// exchange of each run to its end before the next (answers keep the order
/// of pipelined requests).
class session final : public counted {
public:
  /// `index`: of the front in the settings; past the last: the peer front.
  session(worker& on, boost::asio::ip::tcp::socket&& from, std::size_t index);
  ~session() override;

  /// `turned_away`: over the limit; it is told so and no more.
  void start(bool turned_away);
  /// Idle: closes at once. Busy: after the answer that is running.
  void drain();
  /// Closes now, whatever runs.
  void cut_off();
  /// The injected faults have changed.
  void on_faults();
  /// There are new settings: who is not trusted by them is cut off.
  void on_reload();

  // -- for the exchange ------------------------------------------------------
  stream io;
  buffer in;
  void wait_readable();
  void wait_writable();
  /// While nothing more is read: `on_client_readable` then finds it gone.
  void wait_gone();
  /// It will send nothing more, behind a whole request. False: that is to
  /// count as gone.
  [[nodiscard]] bool client_ended();
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  /// Asks the exchange again after that time whether the client is there.
  void look_again(std::chrono::milliseconds after);
  /// The exchange has ended, its answer is out. `keep`: the connection is at
  /// the start of the next request.
  void exchange_done(bool keep);
  /// What follows on this connection is not ours to read: a tunnel ended, or
  /// the client was cut off.
  void close(bool hard = false);

  [[nodiscard]] worker& on() const noexcept { return on_; }
  [[nodiscard]] const settings& with() const noexcept { return *with_; }
  /// Null: the peer front.
  [[nodiscard]] const front_settings* front() const noexcept;
  [[nodiscard]] bool is_peer_front() const noexcept { return front_peer_; }
  [[nodiscard]] std::string_view front_name() const noexcept;
  /// The site in the certificate; empty on user fronts and without TLS.
  [[nodiscard]] const site_id& certified() const noexcept { return certified_; }
  [[nodiscard]] const std::string& client() const noexcept { return client_; }
  [[nodiscard]] const std::string& certificate() const noexcept {
    return certificate_;
  }
  [[nodiscard]] const forwarding& forwarded() const noexcept {
    return forwarded_;
  }
  [[nodiscard]] exchange& running() noexcept { return exchange_; }

private:
  enum class state : std::uint8_t {
    handshake,
    reading,   ///< A head is awaited.
    busy,      ///< The exchange runs.
    refusing,  ///< The last answer of ours goes out.
    lingering, ///< It is out; what the client still sends is thrown away.
    closed,
  };

  void handshake();
  bool take_certificate();
  [[nodiscard]] bool still_welcome() const;
  void on_readable();
  void on_writable();
  void on_limit();
  void read_head();
  void process();
  void await_head();
  void take_settings();
  void judge_client();
  void tell_of_bad_handshake(std::string_view why);
  void refuse(const defect& why);
  void flush_refusal();
  void linger();
  void drop_input();

  worker& on_;
  settings_ptr with_;
  std::size_t front_index_;
  bool front_peer_ = false;
  state state_ = state::handshake;
  bool processing_ = false; ///< `process` is on the stack.
  bool ended_ = false;      ///< The client sends nothing more, and waits.
  bool heading_ = false;    ///< The first bytes of a head have come.
  site_id certified_;
  std::string client_;
  std::string certificate_;
  forwarding forwarded_;
  head_reader reader_{side::request};
  pump out_; ///< Refusals only.
  std::size_t dropped_ = 0;
  timeout limit_;
  exchange exchange_;
  std::list<ref<session>>::iterator self_;
};

} // namespace cheops::http
