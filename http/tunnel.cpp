// After a 101: bytes both ways, until both sides have ended.
#include "http/exchange.hpp"
#include "http/session.hpp"
#include "http/worker.hpp"

namespace cheops::http {

namespace {

constexpr int reads_max = 16;

} // namespace

void exchange::begin_tunnel() {
  const auto& h = answer_head_.got();
  status_ = h.status;
  keep_client_ = keep_upstream_ = false;
  answer_additions with_what;
  with_what.keeps_ours = to_peer_;
  with_what.upgrade = true;
  write_answer(to_client_.before, h, with_what);
  up_->in.consume(h.bytes.size());
  stage_ = stage::tunnel;
  head_out_ = true;
  client_ended_ = up_ended_ = false;
  w_.counts.tunnels(1);
  tunnel_turn();
}

void exchange::tunnel_turn() {
  ref<session> hold{&s_};
  if (held(true, true) || held(true, false) || held(false, true)
      || held(false, false))
    return;
  std::uint64_t up = 0;
  auto down_ok =
    up_ended_
    || tunnel_way(up_->io, up_->in, to_client_, s_.io, sent_, up_ended_);
  auto up_ok =
    down_ok
    && (client_ended_
        || tunnel_way(s_.io, s_.in, to_upstream_, up_->io, up, client_ended_));
  taken_ += up;
  if (!up_ok || (up_ended_ && client_ended_)) {
    w_.counts.tunnels(-1);
    end(false);
    return;
  }
  // A side that takes nothing is not read for either.
  if (!to_client_.empty())
    s_.wait_writable();
  else if (!up_ended_)
    up_->wait_readable();
  if (!to_upstream_.empty())
    up_->wait_writable();
  else if (!client_ended_)
    s_.wait_readable();
  rearm();
}

/// Moves what there is. An end is passed on behind the last byte, and the other
/// way goes on. False: a connection has failed.
bool exchange::tunnel_way(stream& from, buffer& held, pump& out, stream& to,
                          std::uint64_t& sent, bool& ended) {
  for (int turn = 0; turn < reads_max; ++turn) {
    if (out.takes_piece() && !held.empty())
      out.piece(held.size(), 0, held);
    if (!out.empty()) {
      auto r = out.flush(to, held, sent);
      if (r != io::done)
        return r == io::again;
    }
    auto room = held.room(with().config->bounds.buffer_bytes);
    auto r = from.try_read(room);
    if (r.what == io::closed) {
      to.end_writing();
      ended = true;
      return true;
    }
    if (r.what != io::done)
      return r.what == io::again;
    held.commit(r.bytes);
  }
  return true;
}

} // namespace cheops::http
