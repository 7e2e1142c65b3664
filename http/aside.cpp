#include "http/aside.hpp"

#include "cheops/names.hpp"
#include "http/worker.hpp"

#include <algorithm>
#include <utility>

namespace cheops::http {

namespace {

/// Reads of one wake-up: who sends without end must not hold the loop.
constexpr int reads_max = 16;

/// One line of a head: whatever the value holds, it cannot end it.
void append_line(std::string& to, std::string_view name,
                 std::string_view value) {
  to.append(name).append(": ");
  std::ranges::transform(value, std::back_inserter(to), [](char c) {
    auto u = static_cast<unsigned char>(c);
    return u < 0x20 || u == 0x7f ? ' ' : c;
  });
  to.append("\r\n");
}

} // namespace

aside_call::aside_call(worker& on, ref<pool> to, const traffic::aside& what,
                       std::chrono::milliseconds answer, done then, void* owner)
  : on_(on),
    to_(std::move(to)),
    answer_limit_(answer),
    tell_(then),
    owner_(owner),
    limit_(
      [](void* self) {
        auto& x = *static_cast<aside_call*>(self);
        x.failed(errc::timed_out, x.to_->label() + " gave no answer in time");
      },
      this) {
  head_.append(what.method)
    .append(1, ' ')
    .append(what.target)
    .append(" HTTP/1.1\r\n");
  append_line(head_, "Host", to_->label());
  auto accepts = [](const traffic::header& x) {
    return same_name(x.name, "Accept");
  };
  if (std::ranges::none_of(what.fields, accepts))
    append_line(head_, "Accept", "application/json");
  for (const auto& x : what.fields)
    append_line(head_, x.name, x.value);
  if (what.method != "GET" || !what.body.empty())
    append_line(head_, "Content-Length", std::to_string(what.body.size()));
  head_.append("\r\n").append(what.body);
}

aside_call::~aside_call() {
  drop(false);
}

void aside_call::start() {
  limit_.arm(on_.clock, answer_limit_);
  if (held() || delays())
    return; // As a network would, until the limit or the heal.
  reader_.reset();
  has_head_ = some_came_ = false;
  out_.before = head_;
  out_.before_sent = 0;
  waiting_ = true;
  auto hold = to_; // It may tell at once, and be destroyed by it.
  hold->acquire(*this, fresh_, false);
}

// -- injected faults ---------------------------------------------------------

bool aside_call::held() const noexcept {
  const auto* f = to_->to().peer ? on_.faults_of(to_->to().site) : nullptr;
  return f != nullptr && (f->in.cut || f->out.cut);
}

/// There and back at once: nobody sees the way between.
bool aside_call::delays() {
  const auto* f = to_->to().peer ? on_.faults_of(to_->to().site) : nullptr;
  auto delay =
    f != nullptr ? f->in.delay + f->out.delay : std::chrono::microseconds{0};
  if (waited_ || delay.count() <= 0)
    return false;
  delay_.emplace(on_.io, delay);
  delay_->async_wait(
    [this, alive = std::weak_ptr{alive_}](const boost::system::error_code& ec) {
      if (ec || alive.expired())
        return;
      waited_ = true;
      start();
    });
  return true;
}

void aside_call::on_faults() {
  if (!up_ && !waiting_ && !delay_)
    start();
}

void aside_call::on_peer_down() {
  failed(errc::unreachable, "the link to the site was lost");
}

// -- the call ----------------------------------------------------------------

void aside_call::on_upstream(ref<upstream> x) {
  waiting_ = false;
  up_ = std::move(x);
  up_->wait_readable();
  push();
}

void aside_call::on_no_upstream(const error& why, refusal counted) {
  waiting_ = false;
  on_.counts.refused(counted);
  tell(why);
}

void aside_call::push() {
  if (!up_)
    return;
  switch (out_.flush(up_->io, up_->in, sent_)) {
  case io::done:
    break;
  case io::again:
    up_->wait_writable();
    break;
  default:
    broke(false);
    break;
  }
}

void aside_call::on_upstream_writable() {
  push();
}

void aside_call::on_upstream_readable() {
  for (int turn = 0; turn < reads_max; ++turn) {
    auto room = up_->in.room(on_.bounds().header_bytes + std::size_t{1});
    auto r = up_->io.try_read(room);
    if (r.what == io::again)
      break;
    if (r.what != io::done) {
      broke(r.what == io::closed);
      return;
    }
    some_came_ = true;
    up_->in.commit(r.bytes);
    if (!take())
      return;
  }
  up_->wait_readable();
}

bool aside_call::take() {
  auto& in = up_->in;
  while (!has_head_) {
    auto got = reader_.read(in.view(), on_.bounds());
    if (got == head_reader::outcome::more)
      return true;
    const auto& h = reader_.got();
    if (got == head_reader::outcome::refused || h.status == 101) {
      failed(errc::broken, "the answer breaks HTTP's rules");
      return false;
    }
    if (h.status >= 200) {
      has_head_ = true;
      keeps_ = h.body != framing::until_close
               && (h.version == 11 ? !h.close : h.keep_alive);
      answer_.status = h.status;
      for (const auto& f : h.fields)
        answer_.fields.push_back({std::string{f.name}, std::string{f.value}});
      body_.start(h.body, h.length, true, on_.bounds().header_bytes);
    }
    in.consume(h.bytes.size());
    reader_.reset();
  }
  while (!in.empty() && !body_.done()) {
    auto step = body_.scan(in.data(), in.size());
    if (step.bad
        || answer_.body.size() + step.pass > traffic::followed_body_bytes_max) {
      failed(step.bad ? errc::broken : errc::too_large,
             step.bad ? "the answer breaks HTTP's rules"
                      : "the answer is over 1 MiB");
      return false;
    }
    answer_.body.append(in.data(), step.pass);
    in.consume(step.pass + step.drop);
  }
  if (!body_.done())
    return true;
  drop(keeps_ && in.empty() && out_.empty());
  tell(std::move(answer_));
  return false;
}

/// A connection that had rested may have been closed meanwhile: a question is
/// sent again, once.
void aside_call::broke(bool in_order) {
  if (in_order && has_head_ && body_.kind() == framing::until_close) {
    drop(false);
    tell(std::move(answer_));
    return;
  }
  auto again = up_->reused && !some_came_ && !fresh_;
  drop(false);
  if (again) {
    fresh_ = true;
    start();
    return;
  }
  failed(errc::broken, to_->label() + " closed the connection");
}

void aside_call::failed(errc code, std::string what) {
  drop(false);
  tell(error{code, std::move(what), to_->to().site.value, "ask", ""});
}

void aside_call::drop(bool reusable) {
  limit_.disarm();
  delay_.reset();
  if (up_) {
    auto x = std::move(up_);
    up_ = {};
    x->from().give_back(x, reusable);
  } else if (std::exchange(waiting_, false)) {
    to_->cancel(*this);
  }
}

/// The last thing that it does.
void aside_call::tell(result<traffic::small_answer> told) {
  limit_.disarm();
  tell_(owner_, std::move(told));
}

} // namespace cheops::http
