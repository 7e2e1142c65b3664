#include "actors/questions.hpp"

namespace cheops::actors {

error not_now(std::string what, std::string hint) {
  return {errc::overloaded, std::move(what), {}, "replicate", std::move(hint)};
}

error nobody_answers() {
  return not_now("the node is stopping, or an actor of it has ended",
                 "try again in a moment");
}

change_question::~change_question() {
  if (!done_)
    return;
  if (!given) {
    answer(nobody_answers());
    return;
  }
  ports::write_answer out;
  out.meta = meta;
  out.how.operation = id;
  out.how.how = replicant::ending::open;
  answer(std::move(out));
}

void change_question::refuse(replicant::refusal why) {
  ports::write_answer out;
  out.meta = meta;
  out.how.how = replicant::ending::refused;
  out.how.why = why;
  answer(std::move(out));
}

} // namespace cheops::actors
