#pragma once

#include "cheops/replication.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

/// What clients ask, on its way through the actors. Each is answered once: in
/// order, or when its last holder ends without having answered.
namespace cheops::actors {

[[nodiscard]] error not_now(std::string what, std::string hint);
/// The holder of a question ended before anything was done for it.
[[nodiscard]] error nobody_answers();

/// A question that changes nothing.
template <class Ask, class T>
class look_question {
public:
  look_question(Ask what, ports::completion<result<T>> done)
    : asks(std::move(what)), done_(std::move(done)) {}
  look_question(const look_question&) = delete;
  look_question& operator=(const look_question&) = delete;
  ~look_question() {
    if (done_)
      done_(nobody_answers());
  }

  void answer(result<T> x) {
    if (auto done = std::exchange(done_, nullptr))
      done(std::move(x));
  }

  Ask asks;

private:
  ports::completion<result<T>> done_;
};

struct read_ask {
  replicant::meta_id meta;
};
using read_question = look_question<read_ask, replicant::read_answer>;

struct list_ask {
  ports::list_filter which;
  std::optional<replicant::meta_id> after;
  std::size_t lines_max = 0;
};
using list_question = look_question<list_ask, ports::list_page>;

struct view_ask {
  replicant::meta_id meta;
};
using view_question =
  look_question<view_ask, std::optional<ports::replicant_view>>;

struct operation_ask {
  replicant::meta_id meta;
  replicant::operation_id id;
};
using operation_question =
  look_question<operation_ask, std::optional<ports::operation_view>>;

/// Where the members of a group shall be, before their stores are known.
struct scale_ask {
  ports::creation to;
  bool remove_at_leavers = true;
};

/// A question that may change something.
class change_question {
public:
  using done_type = ports::completion<result<ports::write_answer>>;

  change_question(replicant::meta_id on, done_type done)
    : meta(on), done_(std::move(done)) {}
  change_question(const change_question&) = delete;
  change_question& operator=(const change_question&) = delete;
  ~change_question();

  void answer(result<ports::write_answer> x) {
    if (auto done = std::exchange(done_, nullptr))
      done(std::move(x));
  }
  void refuse(replicant::refusal why);

  replicant::meta_id meta; ///< Of a create: once it is known.
  std::variant<replicant::asked, scale_ask, replicant::scale_asked,
               replicant::resolve_asked>
    what;
  std::optional<ports::creation> makes;
  /// Of a named create: the least generation that may live.
  std::uint32_t generation = 0;
  /// Given to the rules: what becomes of it is theirs to say, and if nobody
  /// says it, its fate is open.
  bool given = false;
  replicant::operation_id id;

private:
  done_type done_;
};

using change_ptr = std::shared_ptr<change_question>;

} // namespace cheops::actors
