#include "cheops/scope/lexer.hpp"

#include "cheops/names.hpp"
#include "cheops/scope/utf8.hpp"

namespace cheops::scope {

namespace {

class lexer {
public:
  explicit lexer(std::string_view text) : text_{text} {}

  tokens run() && {
    do {
      skip_spaces();
      out_.all.push_back(next());
    } while (out_.all.back().what != kind::end
             && out_.all.back().what != kind::bad);
    return std::move(out_);
  }

private:
  [[nodiscard]] bool more() const noexcept { return at_ < text_.size(); }

  code_point look() {
    ++out_.steps;
    return decode(text_, at_);
  }

  void skip_spaces() {
    while (more() && text_[at_] == ' ') {
      ++out_.steps;
      ++at_;
    }
  }

  token fail(std::size_t at, std::string what, std::string expected) {
    out_.error = {at, std::move(what), std::move(expected), {}};
    return {kind::bad, at, at, {}};
  }

  // What can stand nowhere, in or out of quotes.
  token fail_at(const code_point& x) {
    if (!x.valid)
      return fail(at_, "the byte " + shown(text_, at_, x) + " is not UTF-8",
                  "");
    if (is_control(x.value))
      return fail(at_, "a control character, " + shown(text_, at_, x),
                  "a space, or nothing");
    return fail(at_, "a name with \"" + shown(text_, at_, x) + "\" in it",
                "quotes around such a name");
  }

  token punctuation(kind what, std::size_t size) {
    token out{what, at_, at_ + size, {}};
    at_ += size;
    return out;
  }

  token next() {
    if (!more())
      return {kind::end, at_, at_, {}};
    auto x = look();
    switch (x.value) {
    case '{':
      return punctuation(kind::open_brace, 1);
    case '}':
      return punctuation(kind::close_brace, 1);
    case '(':
      return punctuation(kind::open, 1);
    case ')':
      return punctuation(kind::close, 1);
    case ',':
      return punctuation(kind::comma, 1);
    case ':':
      return punctuation(kind::colon, 1);
    case '@':
      return punctuation(kind::at, 1);
    case '&':
      return punctuation(kind::all, 1);
    case '%':
      return punctuation(kind::cross, 1);
    case ';':
      return punctuation(kind::any, 1);
    case '|':
      return punctuation(kind::any, text_.substr(at_, 2) == "||" ? 2 : 1);
    case '"':
      return quoted();
    default:
      return x.valid && is_name_character(x.value) ? bare() : fail_at(x);
    }
  }

  token checked(token out) {
    if (out.text.empty())
      return fail(out.at, "an empty name", "a name between the quotes");
    if (out.text.size() > name_bytes_max)
      return fail(
        out.at,
        "a name of more than " + std::to_string(name_bytes_max) + " bytes", "");
    return out;
  }

  token bare() {
    token out{kind::name, at_, at_, {}};
    while (more()) {
      auto x = look();
      if (!x.valid || !is_name_character(x.value))
        break;
      at_ += x.size;
    }
    out.stop = at_;
    out.text = text_.substr(out.at, out.stop - out.at);
    return checked(std::move(out));
  }

  token quoted() {
    token out{kind::quoted, at_, at_, {}};
    ++at_;
    while (more()) {
      auto x = look();
      if (x.valid && x.value == '"') {
        out.stop = ++at_;
        return checked(std::move(out));
      }
      if (x.valid && x.value == '\\') {
        auto escaped = text_.substr(at_ + 1, 1);
        if (escaped != "\"" && escaped != "\\")
          return fail(at_, "a backslash that escapes nothing",
                      "\\\" or \\\\ inside quotes");
        out.text += escaped;
        at_ += 2;
        continue;
      }
      if (!x.valid || is_control(x.value))
        return fail_at(x);
      out.text += text_.substr(at_, x.size);
      at_ += x.size;
    }
    return fail(out.at, "a quote that is not closed", "\" after the name");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  tokens out_;
};

} // namespace

tokens tokenize(std::string_view text) {
  return lexer{text}.run();
}

bool is_keyword(std::string_view x) noexcept {
  return same_name(x, "around") || same_name(x, "set") || same_name(x, "prime");
}

std::string as_written(std::string_view name) {
  auto plain = !name.empty() && !is_keyword(name);
  for (std::size_t i = 0; plain && i < name.size();) {
    auto x = decode(name, i);
    plain = x.valid && is_name_character(x.value);
    i += x.size;
  }
  if (plain)
    return std::string{name};
  std::string out = "\"";
  for (auto c : name) {
    if (c == '"' || c == '\\')
      out += '\\';
    out += c;
  }
  return out + "\"";
}

} // namespace cheops::scope
