#include "tidy/rules.hpp"

#include <string_view>

namespace tidy {

namespace {

/// Walks over C++ text and copies what is code; the rest becomes spaces.
class blanker {
public:
  explicit blanker(const std::string& text) : text_(text), out_(text) {}

  std::string run() {
    auto line_is_empty = true;
    while (at_ < text_.size()) {
      auto c = text_[at_];
      if (c == '#' && line_is_empty)
        directive();
      else if (starts("//"))
        until("\n", 0);
      else if (starts("/*"))
        until("*/", 2);
      else if (starts("R\""))
        raw_string();
      else if (c == '"' || (c == '\'' && !inside_number()))
        quoted(c);
      else
        ++at_;
      line_is_empty = c == '\n' || (line_is_empty && c == ' ');
    }
    return out_;
  }

private:
  [[nodiscard]] bool starts(std::string_view x) const {
    return text_.compare(at_, x.size(), x) == 0;
  }

  /// Whether the ' at hand separates digits: 100'000.
  [[nodiscard]] bool inside_number() const {
    return at_ > 0 && isxdigit(static_cast<unsigned char>(text_[at_ - 1]));
  }

  void blank_to(std::size_t end) {
    for (; at_ < end && at_ < text_.size(); ++at_)
      if (text_[at_] != '\n')
        out_[at_] = ' ';
  }

  /// Blanks from here to the next `end`, and `more` characters of it.
  void until(std::string_view end, std::size_t more) {
    auto found = text_.find(end, at_ + 1);
    blank_to(found == std::string::npos ? text_.size() : found + more);
  }

  void directive() {
    auto end = text_.find('\n', at_);
    while (end != std::string::npos && text_[end - 1] == '\\')
      end = text_.find('\n', end + 1);
    blank_to(end == std::string::npos ? text_.size() : end);
  }

  void raw_string() {
    auto open = text_.find('(', at_);
    if (open == std::string::npos)
      return blank_to(text_.size());
    auto mark = text_.substr(at_ + 2, open - at_ - 2);
    until(")" + mark + "\"", mark.size() + 2);
  }

  void quoted(char quote) {
    auto end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n')
      end += text_[end] == '\\' ? 2 : 1;
    ++at_; // The quotes stay: they show that something stood there.
    blank_to(end);
    if (at_ < text_.size() && text_[at_] == quote)
      ++at_;
  }

  const std::string& text_;
  std::string out_;
  std::size_t at_ = 0;
};

} // namespace

std::string code_of(const std::string& text) {
  return blanker{text}.run();
}

} // namespace tidy
