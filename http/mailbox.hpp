#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace cheops::http {

/// The way to a worker's thread for others, who may outlive the worker.
class mailbox {
public:
  explicit mailbox(boost::asio::io_context& to) : to_(&to) {}

  /// Runs `what` on the worker's thread, soon; drops it once that is gone.
  /// From any thread.
  void post(std::function<void()> what) {
    std::lock_guard lock{guard_};
    if (to_ != nullptr)
      boost::asio::post(*to_, std::move(what));
  }

  void close() {
    std::lock_guard lock{guard_};
    to_ = nullptr;
  }

private:
  std::mutex guard_;
  boost::asio::io_context* to_;
};

/// Who waits for an answer from another thread; it may leave before that
/// comes. Used on its worker's thread alone, but for `into`.
template <class Owner>
class awaited {
public:
  explicit awaited(Owner& who) : at_(std::make_shared<Owner*>(&who)) {}
  ~awaited() { *at_ = nullptr; }
  awaited(const awaited&) = delete;
  awaited& operator=(const awaited&) = delete;

  /// A function for another thread to call once: it has the owner's `then`
  /// called with what it was given, unless the owner has left.
  template <class T>
  [[nodiscard]] std::function<void(T)> into(std::shared_ptr<mailbox> by,
                                            void (Owner::*then)(T)) const {
    return [by = std::move(by), at = at_, then](T x) {
      auto kept = std::make_shared<T>(std::move(x));
      by->post([at, then, kept] {
        if (*at != nullptr)
          ((*at)->*then)(std::move(*kept));
      });
    };
  }

private:
  std::shared_ptr<Owner*> at_;
};

} // namespace cheops::http
