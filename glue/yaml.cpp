#include "glue/yaml.hpp"

#include "cheops/names.hpp"
#include "cheops/site/network.hpp"
#include "glue/quantity.hpp"
#include "glue/yaml_tree.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <fstream>
#include <system_error>

namespace cheops::glue::yaml {

struct state {
  std::string name;
  value root;
  std::vector<complaint> complaints;
};

namespace {

constexpr std::size_t complaints_shown_max = 20;
constexpr std::size_t complaints_max = 100;

std::string found(const value& x) {
  switch (x.what) {
  case value::kind::null:
    return "nothing";
  case value::kind::scalar:
    return quoted(x.text);
  case value::kind::list:
    return "a list";
  case value::kind::map:
    break;
  }
  return "a mapping";
}

std::string join(std::string_view path, std::string_view key) {
  constexpr auto plain = "abcdefghijklmnopqrstuvwxyz"
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/";
  std::string out{path};
  if (!out.empty())
    out += '.';
  return out += key.find_first_not_of(plain) == std::string_view::npos
                  ? std::string{key}
                  : quoted(key);
}

std::string item_path(std::string_view path, std::size_t i) {
  return std::string{path} + "[" + std::to_string(i) + "]";
}

void complain(state& to, int line, int column, std::string_view path,
              std::string_view what) {
  if (to.complaints.size() == complaints_max)
    return;
  std::string text{path};
  if (!text.empty())
    text += ": ";
  to.complaints.push_back({line, column, text.append(what)});
}

std::string known_keys(const std::vector<std::string>& keys) {
  std::string out;
  for (const auto& x : keys)
    out += (out.empty() ? "" : ", ") + x;
  return out;
}

void find_unknown_keys(state& to, const value& in, const std::string& path) {
  if (to.complaints.size() == complaints_max)
    return;
  for (std::size_t i = 0; i < in.items.size(); ++i)
    find_unknown_keys(to, in.items[i], item_path(path, i));
  // A map that nobody looked into has had its complaint already.
  auto strict = !in.taken_whole && !in.asked.empty();
  for (const auto& e : in.entries) {
    if (strict && std::ranges::find(in.asked, e.key) == in.asked.end()) {
      // Long keys are not worth the quadratic comparison.
      auto near = e.key.size() > 64 ? "" : nearest_name(e.key, in.asked);
      auto hint = near.empty() ? "; known here: " + known_keys(in.asked)
                               : "; did you mean \"" + near + "\"?";
      complain(to, e.line, e.column, path,
               "unknown key " + quoted(e.key) + hint);
      continue;
    }
    find_unknown_keys(to, e.what, join(path, e.key));
  }
}

std::string text_of(const state& in, const complaint& x) {
  auto out = in.name;
  if (x.line > 0)
    out += ":" + std::to_string(x.line) + ":" + std::to_string(x.column);
  return out + ": " + x.text;
}

error to_error(std::string what) {
  error x;
  x.code = errc::bad_config;
  x.what = std::move(what);
  return x;
}

template <class T>
bool read_number(std::string_view text, T& out) {
  const auto* end = text.data() + text.size();
  auto [at, ec] = std::from_chars(text.data(), end, out);
  return ec == std::errc{} && at == end && !text.empty();
}

/// "1 to 100", "at least 1", or nothing where any number will do.
template <class T>
std::string range_text(T low, T high, auto show) {
  auto has_low = low > std::numeric_limits<T>::lowest();
  auto has_high = high < std::numeric_limits<T>::max();
  if (has_low && has_high)
    return show(low) + " to " + show(high);
  return has_low ? "at least " + show(low)
                 : (has_high ? "at most " + show(high) : "");
}

template <class T>
T read_whole_number(const node& at, const value& x, T low, T high) {
  T out{};
  if (x.what == value::kind::scalar && x.plain && read_number(x.text, out)
      && out >= low && out <= high)
    return out;
  auto range = range_text(low, high, [](T y) { return std::to_string(y); });
  at.expected("a whole number" + (range.empty() ? "" : " (" + range + ")"));
  return T{};
}

} // namespace

// -- node --------------------------------------------------------------------

node::operator bool() const noexcept {
  return what_ && what_->what != value::kind::null;
}

bool node::is_text() const noexcept {
  return what_ && what_->what == value::kind::scalar;
}

bool node::is_list() const noexcept {
  return what_ && what_->what == value::kind::list;
}

bool node::is_map() const noexcept {
  return what_ && what_->what == value::kind::map;
}

node node::child(std::string_view key, const value* what) const {
  return {of_, what, join(path_, key)};
}

bool node::is_map_or_fail() const {
  if (is_map())
    return true;
  if (what_)
    expected("a mapping");
  return false;
}

node node::at(std::string_view key) const {
  auto x = optional(key);
  // Nothing behind the key is shown by whoever reads it.
  if (!x.what_ && is_map())
    fail("missing key \"" + std::string{key} + "\"");
  return x;
}

node node::optional(std::string_view key) const {
  if (!is_map_or_fail())
    return child(key, nullptr);
  auto& asked = what_->asked;
  if (std::ranges::find(asked, key) == asked.end())
    asked.emplace_back(key);
  auto i = std::ranges::find(what_->entries, key, &entry::key);
  return child(key, i == what_->entries.end() ? nullptr : &i->what);
}

std::vector<node> node::each() const {
  std::vector<node> out;
  if (!*this)
    return out;
  if (!is_list()) {
    expected("a list");
    return out;
  }
  out.reserve(what_->items.size());
  for (const auto& x : what_->items)
    out.push_back({of_, &x, item_path(path_, out.size())});
  return out;
}

std::vector<std::pair<std::string, node>> node::entries() const {
  std::vector<std::pair<std::string, node>> out;
  if (!*this || !is_map_or_fail())
    return out;
  what_->taken_whole = true;
  out.reserve(what_->entries.size());
  for (const auto& x : what_->entries)
    out.emplace_back(x.key, child(x.key, &x.what));
  return out;
}

void node::fail(std::string_view what) const {
  assert(of_ && "a default-made node has no file to complain about");
  complain(*of_, what_ ? what_->line : 0, what_ ? what_->column : 0, path_,
           what);
}

void node::expected(std::string_view what) const {
  if (what_)
    fail("expected " + std::string{what} + ", found " + found(*what_));
}

std::string node::where() const {
  if (!of_)
    return "";
  if (!what_)
    return of_->name;
  return of_->name + ":" + std::to_string(what_->line) + ":"
         + std::to_string(what_->column);
}

std::string node::text() const {
  auto is_control = [](char c) {
    auto code = static_cast<unsigned char>(c);
    return (code < 0x20 && c != '\n' && c != '\t') || code == 0x7f;
  };
  if (is_text() && std::ranges::none_of(what_->text, is_control))
    return what_->text;
  expected(is_text() ? "text without control characters" : "text");
  return "";
}

bool node::truth() const {
  if (is_text() && what_->plain
      && (what_->text == "true" || what_->text == "false"))
    return what_->text == "true";
  expected("true or false");
  return false;
}

std::int64_t node::integer(std::int64_t low, std::int64_t high) const {
  return what_ ? read_whole_number(*this, *what_, low, high) : 0;
}

std::uint64_t node::natural(std::uint64_t low, std::uint64_t high) const {
  return what_ ? read_whole_number(*this, *what_, low, high) : 0;
}

double node::real(double low, double high) const {
  double out = 0;
  if (is_text() && what_->plain && read_number(what_->text, out)
      && std::isfinite(out) && out >= low && out <= high)
    return out;
  auto show = [](double x) {
    std::array<char, 32> room{};
    auto end = std::to_chars(room.data(), room.data() + room.size(), x).ptr;
    return std::string{room.data(), end};
  };
  auto range = range_text(low, high, show);
  expected("a number" + (range.empty() ? "" : " (" + range + ")"));
  return 0;
}

std::chrono::microseconds node::duration(std::chrono::microseconds low,
                                         std::chrono::microseconds high) const {
  if (is_text())
    if (auto x = to_duration(what_->text); x && *x >= low && *x <= high)
      return *x;
  expected("a duration such as 50ms, 2s or 1m ("
           + (low.count() == 0 ? "at most " : to_text(low) + " to ")
           + to_text(high) + ")");
  return std::chrono::microseconds{0};
}

std::uint64_t node::size(std::uint64_t low, std::uint64_t high) const {
  if (is_text())
    if (auto x = to_size(what_->text); x && *x >= low && *x <= high)
      return *x;
  auto range = range_text(low, high, size_text);
  expected("a size such as 64KiB or 3MiB"
           + (range.empty() ? "" : " (" + range + ")"));
  return 0;
}

mesh::address node::address() const {
  if (is_text())
    if (auto x = mesh::to_address(what_->text); x && site::is_host(x->host))
      return *x;
  expected("host:port");
  return {};
}

std::size_t node::word(const std::vector<std::string_view>& words) const {
  if (is_text()) {
    auto i = std::ranges::find(words, what_->text);
    if (i != words.end())
      return static_cast<std::size_t>(i - words.begin());
  }
  std::string all;
  for (std::size_t i = 0; i < words.size(); ++i)
    all += (i == 0                  ? ""
            : i + 1 == words.size() ? " or "
                                    : ", ")
           + std::string{words[i]};
  expected(all);
  return words.size();
}

// -- document ----------------------------------------------------------------

node document::root() const {
  return {of_, &of_->root, ""};
}

bool document::clean() const noexcept {
  return of_->complaints.empty();
}

result<void> document::check() const {
  find_unknown_keys(*of_, of_->root, "");
  auto all = std::move(of_->complaints);
  of_->complaints.clear();
  std::ranges::stable_sort(all, [](const complaint& a, const complaint& b) {
    return std::pair{a.line, a.column} < std::pair{b.line, b.column};
  });
  // Aliases show one place several times.
  auto same = [](const complaint& a, const complaint& b) {
    return a.line == b.line && a.column == b.column && a.text == b.text;
  };
  all.erase(std::unique(all.begin(), all.end(), same), all.end());
  if (all.empty())
    return {};
  std::string text;
  for (std::size_t i = 0; i < std::min(all.size(), complaints_shown_max); ++i)
    text += (i == 0 ? "" : "\n") + text_of(*of_, all[i]);
  if (all.size() > complaints_shown_max)
    text += "\n… and more";
  return to_error(std::move(text));
}

result<document> parse(std::string_view text, std::string name) {
  auto of = std::make_shared<state>();
  of->name = std::move(name);
  auto tree = parse_tree(text);
  if (!tree)
    return to_error(text_of(*of, tree.error()));
  of->root = std::move(*tree);
  if (of->root.what == value::kind::null)
    return to_error(of->name + ": the file is empty");
  return document{std::move(of)};
}

result<document> read_file(const std::string& path) {
  std::string text(file_bytes_max + 1, '\0');
  errno = 0;
  std::ifstream in{path, std::ios::binary};
  if (in)
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad() || (in.fail() && !in.eof()))
    return to_error(
      path + ": cannot be read: " + std::generic_category().message(errno));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return parse(text, path);
}

} // namespace cheops::glue::yaml
