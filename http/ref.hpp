#pragma once

#include <cassert>
#include <utility>

/// Shared ownership within one thread: a count without atomics. Connections
/// are held by the operations that wait on them.
namespace cheops::http {

class counted {
public:
  counted() = default;
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;

protected:
  virtual ~counted() = default;

private:
  template <class T>
  friend class ref;
  unsigned holders_ = 0;
};

template <class T>
class ref {
public:
  ref() = default;
  explicit ref(T* x) noexcept : x_(x) { hold(); }
  ref(const ref& other) noexcept : x_(other.x_) { hold(); }
  ref(ref&& other) noexcept : x_(std::exchange(other.x_, nullptr)) {}
  ref& operator=(ref other) noexcept {
    std::swap(x_, other.x_);
    return *this;
  }
  ~ref() { reset(); }

  void reset() noexcept {
    if (auto* x = static_cast<counted*>(std::exchange(x_, nullptr)))
      if (--x->holders_ == 0)
        delete x;
  }
  [[nodiscard]] T* get() const noexcept { return x_; }
  T* operator->() const noexcept {
    assert(x_ != nullptr);
    return x_;
  }
  T& operator*() const noexcept {
    assert(x_ != nullptr);
    return *x_;
  }
  explicit operator bool() const noexcept { return x_ != nullptr; }

private:
  void hold() noexcept {
    if (x_ != nullptr)
      ++static_cast<counted*>(x_)->holders_;
  }
  T* x_ = nullptr;
};

} // namespace cheops::http
