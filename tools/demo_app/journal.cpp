#include "tools/demo_app/journal.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace demo {

namespace {

std::string now_text() {
  auto now = std::chrono::system_clock::now();
  auto seconds = std::chrono::system_clock::to_time_t(now);
  auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(
                  now.time_since_epoch())
                  .count()
                % 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  char out[48];
  std::snprintf(out, sizeof out, "%s.%03dZ", date, static_cast<int>(millis));
  return out;
}

boost::json::object to_json(const journal_line& x,
                            const std::string& instance) {
  return {{"number", x.number},   {"time", x.time},
          {"instance", instance}, {"service", x.service},
          {"method", x.method},   {"path", x.path},
          {"status", x.status},   {"traceparent", x.traceparent}};
}

} // namespace

journal::journal(std::string instance, const std::string& file,
                 std::size_t lines_max)
  : instance_(std::move(instance)),
    lines_max_(lines_max),
    named_(!file.empty()) {
  if (named_)
    out_.open(file, std::ios::app);
}

void journal::add(journal_line x) {
  std::lock_guard lock(guard_);
  x.number = ++added_;
  x.time = now_text();
  if (named_)
    out_ << boost::json::serialize(to_json(x, instance_)) << std::endl;
  lines_.push_back(std::move(x));
  if (lines_.size() > lines_max_)
    lines_.pop_front();
  grown_.notify_all();
}

std::uint64_t journal::last() const {
  std::lock_guard lock(guard_);
  return added_;
}

std::string journal::wait(std::uint64_t& after,
                          std::chrono::milliseconds at_most) const {
  std::unique_lock lock(guard_);
  if (!grown_.wait_for(lock, at_most, [&] { return added_ > after; }))
    return {};
  auto next = std::find_if(lines_.begin(), lines_.end(),
                           [&](const auto& x) { return x.number > after; });
  after = next->number;
  return boost::json::serialize(to_json(*next, instance_));
}

std::string journal::render(const std::string& service, std::uint64_t after,
                            std::size_t most) const {
  std::lock_guard lock(guard_);
  boost::json::array calls;
  for (auto i = lines_.rbegin(); i != lines_.rend() && calls.size() < most;
       ++i) {
    if (i->number <= after)
      break;
    if (i->service == service)
      calls.push_back(to_json(*i, instance_));
  }
  std::reverse(calls.begin(), calls.end());
  return boost::json::serialize(boost::json::object{
    {"instance", instance_}, {"last", added_}, {"calls", std::move(calls)}});
}

} // namespace demo
