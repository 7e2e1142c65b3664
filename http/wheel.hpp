#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

/// Timeouts of a thread. Nearly every timeout is put off or called off
/// before it comes, so that is what costs nothing: a store. The wheel looks
/// at an entry only when the slot comes that it was last put into.
namespace cheops::http {

class wheel;

/// One timeout; its owner holds it. It fires between `after` and `after`
/// plus two ticks.
class timeout {
public:
  using action = void (*)(void* owner);

  timeout(action run, void* owner) noexcept : run_(run), owner_(owner) {}
  timeout(const timeout&) = delete;
  timeout& operator=(const timeout&) = delete;
  ~timeout();

  /// From now on; an earlier arming counts no more.
  void arm(wheel& on, std::chrono::milliseconds after);
  void disarm() noexcept { due_ = never; }
  [[nodiscard]] bool armed() const noexcept { return due_ != never; }

private:
  friend class wheel;
  static constexpr std::uint64_t never = ~std::uint64_t{0};
  void unlink() noexcept;

  action run_;
  void* owner_;
  wheel* on_ = nullptr;
  std::uint64_t due_ = never; ///< In ticks.
  std::uint64_t slot_ = 0;    ///< The tick at which it is looked at.
  timeout* next_ = nullptr;
  timeout** link_ = nullptr; ///< What points at us.
};

class wheel {
public:
  static constexpr std::chrono::milliseconds tick{50};

  explicit wheel(boost::asio::io_context& io);
  wheel(const wheel&) = delete;
  wheel& operator=(const wheel&) = delete;
  ~wheel();

  /// Ends the ticking; entries stay silent.
  void stop();

private:
  friend class timeout;
  static constexpr std::size_t slots = 512;

  void link(timeout& x);
  void wait();
  void turn();
  [[nodiscard]] std::uint64_t clock_ticks() const;

  boost::asio::steady_timer timer_;
  std::uint64_t now_ = 0; ///< In ticks; right only while it turns.
  std::size_t linked_ = 0;
  bool turning_ = false;
  bool stopped_ = false;
  std::vector<timeout*> heads_;
};

} // namespace cheops::http
