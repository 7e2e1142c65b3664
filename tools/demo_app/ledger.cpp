#include "tools/demo_app/ledger.hpp"

#include "tools/demo_app/answers.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace demo {

namespace json = boost::json;

namespace {

json::object to_json(const deed& x) {
  return {{"what", x.what}, {"kind", x.kind}, {"id", x.id}, {"name", x.name}};
}

/// False for a line that a crash left half written.
bool read_line(const std::string& line, deed& to) {
  boost::system::error_code failed;
  auto whole = json::parse(line, failed);
  if (failed || !whole.is_object())
    return false;
  auto& x = whole.get_object();
  to.what = text_of(x, "what");
  to.kind = text_of(x, "kind");
  to.id = text_of(x, "id");
  to.name = text_of(x, "name");
  const auto* version = x.if_contains("version");
  auto* body = x.if_contains("body");
  if (!version || !version->is_number() || !body || !body->is_object())
    return false;
  to.version = version->to_number<std::uint64_t>();
  to.body = std::move(body->get_object());
  return true;
}

} // namespace

ledger::ledger(const std::string& file, std::size_t deeds_max)
  : deeds_max_(deeds_max), named_(!file.empty()) {
  if (!named_)
    return;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    deed x;
    if (!read_line(line, x))
      continue;
    old_.push_back(x);
    remember(std::move(x));
  }
  out_.open(file, std::ios::app);
  // What a crash left of a line must not spoil the next.
  out_ << '\n' << std::flush;
}

std::vector<deed> ledger::take_old() {
  std::lock_guard lock(guard_);
  return std::exchange(old_, {});
}

void ledger::remember(deed x) {
  x.body.clear();
  if (deeds_.size() < deeds_max_)
    deeds_.push_back(std::move(x));
}

void ledger::add(deed x) {
  std::lock_guard lock(guard_);
  if (named_) {
    auto line = to_json(x);
    line["version"] = x.version;
    line["body"] = x.body;
    out_ << json::serialize(line) << '\n' << std::flush;
  }
  remember(std::move(x));
}

std::uint64_t ledger::last() const {
  std::lock_guard lock(guard_);
  return deeds_.size();
}

std::string ledger::render(std::uint64_t after, std::size_t most) const {
  std::lock_guard lock(guard_);
  json::array all;
  auto end = after < deeds_.size()
               ? after + std::min<std::uint64_t>(most, deeds_.size() - after)
               : after;
  for (auto i = after; i < end; ++i) {
    auto line = to_json(deeds_[i]);
    line["number"] = i + 1;
    all.push_back(std::move(line));
  }
  return json::serialize(
    json::object{{"deeds", std::move(all)}, {"last", deeds_.size()}});
}

} // namespace demo
