#include "glue/yaml_tree.hpp"

#include "glue/yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <cassert>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace cheops::glue::yaml {

namespace {

/// What a tree may weigh, so that aliases cannot blow a file up.
constexpr std::size_t weight_max = 8 * file_bytes_max;
constexpr std::size_t node_weight = 16;

/// Ends a parse; never leaves this file.
struct stop {
  complaint why;
};

std::size_t weight_of(const value& x) {
  auto sum = node_weight + x.text.size();
  for (const auto& item : x.items)
    sum += weight_of(item);
  for (const auto& e : x.entries)
    sum += e.key.size() + weight_of(e.what);
  return sum;
}

/// Builds the tree from the parser's events.
class builder final : public YAML::EventHandler {
public:
  [[nodiscard]] value take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& at) override {
    if (documents_++ > 0)
      refuse(at, "a second document; only one is read");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& at, YAML::anchor_t anchor) override {
    add(make(value::kind::null, at), anchor);
  }

  void OnScalar(const YAML::Mark& at, const std::string& tag,
                YAML::anchor_t anchor, const std::string& text) override {
    check_tag(at, tag);
    auto x = make(value::kind::scalar, at);
    x.plain = tag != "!";
    x.text = text;
    add(std::move(x), anchor);
  }

  void OnAlias(const YAML::Mark& at, YAML::anchor_t anchor) override {
    auto i = anchors_.find(anchor);
    if (i == anchors_.end())
      refuse(at, "an alias within the value that it stands for");
    spend(at, weight_of(i->second));
    add(i->second, YAML::NullAnchor);
  }

  void OnSequenceStart(const YAML::Mark& at, const std::string& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(value::kind::list, at, tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& at, const std::string& tag,
                  YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    open(value::kind::map, at, tag, anchor);
  }
  void OnMapEnd() override { close(); }

private:
  /// A list or map that is being read.
  struct frame {
    value what;
    YAML::anchor_t anchor;
    std::optional<value> key = std::nullopt; ///< Read, its value not yet.
    std::map<std::string, int> lines = {};   ///< Of the keys of a map.
  };

  [[noreturn]] static void refuse(const YAML::Mark& at, std::string why) {
    throw stop{{at.line + 1, at.column + 1, std::move(why)}};
  }
  [[noreturn]] static void refuse(const value& at, std::string why) {
    throw stop{{at.line, at.column, std::move(why)}};
  }

  static void check_tag(const YAML::Mark& at, const std::string& tag) {
    // "?" and "!" are what the parser itself gives plain and quoted values.
    if (!tag.empty() && tag != "?" && tag != "!")
      refuse(at, "a tag; tags are not supported");
  }

  void spend(const YAML::Mark& at, std::size_t weight) {
    spent_ += weight;
    if (spent_ > weight_max)
      refuse(at, "the aliases up to here make the file too large");
  }

  value make(value::kind what, const YAML::Mark& at) {
    spend(at, node_weight);
    value x;
    x.what = what;
    x.line = at.line + 1;
    x.column = at.column + 1;
    return x;
  }

  void open(value::kind what, const YAML::Mark& at, const std::string& tag,
            YAML::anchor_t anchor) {
    check_tag(at, tag);
    if (frames_.size() == depth_max)
      refuse(at, "nested deeper than " + std::to_string(depth_max));
    frames_.push_back({make(what, at), anchor});
  }

  void close() {
    assert(!frames_.empty());
    auto done = std::move(frames_.back());
    frames_.pop_back();
    add(std::move(done.what), done.anchor);
  }

  /// A whole value has been read: it goes where the parser stands.
  void add(value x, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor)
      anchors_[anchor] = x;
    if (frames_.empty()) {
      root_ = std::move(x);
      return;
    }
    auto& in = frames_.back();
    if (in.what.what == value::kind::list) {
      in.what.items.push_back(std::move(x));
    } else if (!in.key) {
      check_key(in, x);
      in.key = std::move(x);
    } else {
      auto& k = *in.key;
      in.what.entries.push_back(
        {std::move(k.text), k.line, k.column, std::move(x)});
      in.key.reset();
    }
  }

  static void check_key(frame& map, const value& key) {
    if (key.what != value::kind::scalar)
      refuse(key, "a key that is not plain text");
    auto done = map.lines.emplace(key.text, key.line);
    if (!done.second)
      refuse(key, "key " + quoted(key.text) + " is given twice; first in line "
                    + std::to_string(done.first->second));
  }

  value root_;
  std::vector<frame> frames_;
  std::map<YAML::anchor_t, value> anchors_;
  std::size_t spent_ = 0;
  int documents_ = 0;
};

} // namespace

void throw_exception_from_error(const complaint& x,
                                const boost::source_location&) {
  throw std::runtime_error(x.text);
}

tree_result parse_tree(std::string_view text) {
  if (text.size() > file_bytes_max)
    return complaint{
      0, 0, "larger than " + std::to_string(file_bytes_max) + " bytes"};
  try {
    std::istringstream in{std::string{text}};
    YAML::Parser parser{in};
    builder to;
    while (parser.HandleNextDocument(to))
      continue;
    return to.take();
  } catch (const stop& x) {
    return x.why;
  } catch (const YAML::Exception& x) {
    if (x.mark.is_null())
      return complaint{0, 0, x.msg};
    return complaint{x.mark.line + 1, x.mark.column + 1, x.msg};
  } catch (const std::exception& x) {
    return complaint{0, 0, x.what()};
  }
}

std::string quoted(std::string_view x) {
  constexpr std::size_t shown_max = 60;
  std::string out = "\"";
  for (auto c : x.substr(0, shown_max)) {
    auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (code < 0x20 || code == 0x7f) {
      constexpr auto digits = "0123456789abcdef";
      out += {'\\', 'x', digits[code >> 4], digits[code & 15]};
    } else {
      out += c;
    }
  }
  return out + (x.size() > shown_max ? "…\"" : "\"");
}

} // namespace cheops::glue::yaml
