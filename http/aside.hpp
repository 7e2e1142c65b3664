#pragma once

#include "cheops/traffic/adapter.hpp"
#include "http/body.hpp"
#include "http/head.hpp"
#include "http/pool.hpp"
#include "http/pump.hpp"
#include "http/wheel.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace cheops::http {

struct worker;

/// A small question of the node's own, on a pooled connection, beside the
/// request that needs to know. One answer, once; destroyed before, it asks no
/// more.
class aside_call final : public upstream_user {
public:
  /// The call may be destroyed in it, and by it.
  using done = void (*)(void* owner, result<traffic::small_answer> told);

  aside_call(worker& on, ref<pool> to, const traffic::aside& what,
             std::chrono::milliseconds answer, done then, void* owner);
  ~aside_call();
  aside_call(const aside_call&) = delete;
  aside_call& operator=(const aside_call&) = delete;

  void start();
  [[nodiscard]] const site_id& site() const noexcept { return to_->to().site; }
  /// The injected faults have changed.
  void on_faults();
  /// The link to its site was lost: it tells so.
  void on_peer_down();

  void on_upstream(ref<upstream> x) override;
  void on_no_upstream(const error& why, refusal counted) override;
  void on_upstream_readable() override;
  void on_upstream_writable() override;

private:
  [[nodiscard]] bool held() const noexcept;
  [[nodiscard]] bool delays();
  void push();
  [[nodiscard]] bool take(); ///< False: it has told.
  void broke(bool in_order);
  void failed(errc code, std::string what);
  void drop(bool reusable);
  void tell(result<traffic::small_answer> told);

  worker& on_;
  ref<pool> to_;
  std::chrono::milliseconds answer_limit_;
  done tell_;
  void* owner_;
  ref<upstream> up_;
  std::string head_;
  pump out_;
  std::uint64_t sent_ = 0;
  bool waited_ = false; ///< For an injected delay.
  bool waiting_ = false;
  bool fresh_ = false;
  bool some_came_ = false;
  bool has_head_ = false;
  bool keeps_ = false;
  head_reader reader_{side::answer};
  body_reader body_;
  traffic::small_answer answer_;
  std::optional<boost::asio::steady_timer> delay_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  timeout limit_;
};

} // namespace cheops::http
