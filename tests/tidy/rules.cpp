#include "tidy/rules.hpp"

#include "tidy/table.hpp"

#include <algorithm>
#include <filesystem>
#include <regex>
#include <sstream>
#include <string_view>

namespace tidy {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);)
    result.push_back(line);
  return result;
}

bool is_header(const file& x) {
  return x.path.ends_with(".hpp");
}

bool is_source(const file& x) {
  return x.path.ends_with(".cpp") || is_header(x);
}

/// An #include: its name, and whether it stands in quotes.
struct include {
  std::size_t line;
  std::string name;
  bool ours;
};

std::vector<include> includes_of(const file& x) {
  static const std::regex form{R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"])re"};
  std::vector<include> result;
  std::size_t number = 0;
  for (const auto& line : lines_of(x.text)) {
    ++number;
    std::smatch m;
    if (std::regex_search(line, m, form))
      result.push_back({number, m[2], m[1] == "\""});
  }
  return result;
}

/// Columns as a reader counts them: UTF-8 continuation bytes are none.
std::size_t width_of(const std::string& line) {
  return static_cast<std::size_t>(
    std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
}

/// Finds function bodies by their braces.
class function_finder {
public:
  explicit function_finder(std::string code) : code_(std::move(code)) {}

  /// Calls f(first line, last line) for each body.
  template <class F>
  void run(F f) {
    for (; at_ < code_.size(); ++at_) {
      auto c = code_[at_];
      if (c == '\n')
        ++line_;
      if (c == '{')
        open();
      else if (c == '}')
        close(f);
      else if (c == ';')
        head_.clear();
      else
        head_ += c;
    }
  }

private:
  struct block {
    bool function;
    std::size_t line;
    std::string head;
  };

  void open() {
    auto last = head_.find_last_not_of(" \n");
    auto assigned = last != std::string::npos && head_[last] == '=';
    auto called = head_.find_first_of("()") != std::string::npos;
    auto nested = std::any_of(blocks_.begin(), blocks_.end(),
                              [](const block& x) { return x.function; });
    blocks_.push_back({called && !assigned && !nested, line_, head_});
    head_.clear();
  }

  template <class F>
  void close(F f) {
    if (blocks_.empty())
      return;
    auto done = blocks_.back();
    blocks_.pop_back();
    if (done.function)
      f(done.line, line_);
    // `x() : a_{1}, b_{2} {`: the head goes on after a member's braces.
    auto next = code_.find_first_not_of(" \n", at_ + 1);
    auto goes_on =
      next != std::string::npos
      && std::string_view{",{)"}.find(code_[next]) != std::string_view::npos;
    head_ = goes_on ? done.head : std::string{};
  }

  std::string code_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::string head_; ///< What stands since the last ; { or }.
  std::vector<block> blocks_;
};

/// A pattern that code must not have, in files below some folders.
struct ban {
  std::regex pattern;
  std::vector<std::string_view> folders; ///< Empty: everywhere.
  std::string why;
};

bool applies(const ban& x, const file& to) {
  return x.folders.empty()
         || std::any_of(x.folders.begin(), x.folders.end(),
                        [&](auto f) { return to.path.starts_with(f); });
}

const std::vector<ban>& banned_constructs() {
  static const std::vector<ban> result = {
    {std::regex{R"(\b(sleep_for|sleep_until|usleep|nanosleep)\b|\bsleep\()"},
     {"tests/", "libcheops/"},
     "a sleep is not synchronisation: wait for the event itself"},
    {std::regex{R"(\busing\s+namespace\s+std\s*;)"},
     {},
     "name what is used of std"},
    {std::regex{R"(\b(system|steady|high_resolution)_clock::now\b)"},
     {"libcheops/"},
     "the core reads no clock: time comes with the input"},
    {std::regex{R"(\b(getenv|gethostname|getpid|time)\s*\()"},
     {"libcheops/"},
     "the core asks nothing of the system: it comes with the input"},
    {std::regex{R"(\bstd::(thread|jthread|cout|cerr|ifstream|ofstream)\b)"},
     {"libcheops/"},
     "the core has no threads and no I/O"},
  };
  return result;
}

/// The same for preprocessor lines, which are not code.
const std::vector<ban>& banned_directives() {
  static const std::vector<ban> result = {
    {std::regex{"\\bN"
                "DEBUG\\b"},
     {},
     "assertions stay on in what we ship: nothing depends on their being off"},
    {std::regex{R"(^\s*#\s*define\s+(?!BOOST_|CAF_))"},
     {},
     "no macros but the settings of libraries"},
  };
  return result;
}

/// Words that stay out of every file. The literals are split so that this
/// file passes too.
const std::vector<ban>& banned_words() {
  static const std::vector<ban> result = {
    {std::regex{"\\b(TO"
                "DO|FIX"
                "ME|XX"
                "X|HA"
                "CK)\\b"},
     {},
     "do it, or file it as an issue"},
    {std::regex{"(^|[\\s\"'`(=])/(wo"
                "rk|ro"
                "ot)/|/ho"
                "me/[a-z]"},
     {},
     "a path of somebody's machine"},
  };
  return result;
}

void search(findings& to, const file& x, const std::string& text,
            const std::vector<ban>& bans) {
  std::size_t number = 0;
  for (const auto& line : lines_of(text)) {
    ++number;
    for (const auto& b : bans)
      if (applies(b, x) && std::regex_search(line, b.pattern))
        to.push_back({x.path, number, b.why});
  }
}

std::string allowed_own(const folder& in) {
  std::string result;
  for (const auto& x : in.own)
    result += (result.empty() ? "" : ", ") + x;
  return result;
}

} // namespace

findings check_includes(const file& x) {
  findings result;
  const auto* in = folder_of(x.path);
  if (!in)
    return {{x.path, 1, "tests/tidy/table.cpp has no rule for this folder"}};
  for (const auto& i : includes_of(x)) {
    if (i.ours) {
      // A helper beside a test is no arrow.
      if (x.path.starts_with("tests/") && i.name.find('/') == std::string::npos)
        continue;
      auto ok = std::any_of(in->own.begin(), in->own.end(), [&](const auto& p) {
        return i.name.starts_with(p);
      });
      if (!ok)
        result.push_back({x.path, i.line,
                          in->path + " may not include \"" + i.name
                            + "\", only " + allowed_own(*in)});
      continue;
    }
    auto family = family_of(i.name);
    if (!family)
      result.push_back(
        {x.path, i.line, "<" + i.name + "> is of no family in the table"});
    else if (*family != "std"
             && std::find(in->third.begin(), in->third.end(), *family)
                  == in->third.end())
      result.push_back({x.path, i.line,
                        in->path + " may not use " + std::string{*family}
                          + " (<" + i.name + ">)"});
  }
  return result;
}

findings check_own_header(const file& x, const std::set<std::string>& paths) {
  if (!x.path.ends_with(".cpp"))
    return {};
  auto header = x.path.substr(0, x.path.size() - 3) + "hpp";
  if (!paths.contains(header))
    return {};
  auto found = includes_of(x);
  std::vector<std::string> roots = {"", "libcheops/", "tests/"};
  if (x.path.starts_with("tests/"))
    roots.push_back(x.path.substr(0, x.path.rfind('/') + 1));
  for (const auto& root : roots)
    if (!found.empty() && root + found.front().name == header)
      return {};
  return {{x.path, found.empty() ? 1 : found.front().line,
           "the first include is the source's own header"}};
}

findings check_guard(const file& x) {
  if (!is_header(x))
    return {};
  for (const auto& line : lines_of(x.text)) {
    if (line.starts_with("#pragma once"))
      return {};
    if (!line.empty() && !line.starts_with("//"))
      break;
  }
  return {{x.path, 1, "a header begins with #pragma once"}};
}

findings check_sizes(const file& x) {
  findings result;
  auto lines = lines_of(x.text);
  auto code = code_of(x.text);
  if (lines.size() > file_lines_max)
    result.push_back({x.path, lines.size(),
                      std::to_string(lines.size()) + " lines: over "
                        + std::to_string(file_lines_max)
                        + "; some part wants a file of its own"});
  auto kept = lines_of(code);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // The formatter leaves URLs and raw strings as they are, so do we.
    auto raw = kept[i].find_first_not_of(' ') == std::string::npos
               && lines[i].find("//") == std::string::npos
               && !lines[i].starts_with("#");
    if (width_of(lines[i]) > columns_max && !raw
        && lines[i].find("://") == std::string::npos)
      result.push_back({x.path, i + 1,
                        std::to_string(width_of(lines[i])) + " columns: over "
                          + std::to_string(columns_max)});
  }
  function_finder{code}.run([&](std::size_t first, std::size_t last) {
    if (last - first > function_lines_max)
      result.push_back({x.path, first,
                        "a function of " + std::to_string(last - first)
                          + " lines: over "
                          + std::to_string(function_lines_max)});
  });
  return result;
}

findings check_constructs(const file& x) {
  findings result;
  search(result, x, code_of(x.text), banned_constructs());
  std::string directives;
  for (const auto& line : lines_of(x.text))
    directives += (line.starts_with("#") ? line : "") + "\n";
  search(result, x, directives, banned_directives());
  return result;
}

findings check_words(const file& x) {
  findings result;
  search(result, x, x.text, banned_words());
  return result;
}

findings check_links(const file& x, const std::set<std::string>& paths) {
  static const std::regex form{R"(\]\(([^)#\s]+)[^)]*\))"};
  findings result;
  std::size_t number = 0;
  for (const auto& line : lines_of(x.text)) {
    ++number;
    for (std::sregex_iterator i{line.begin(), line.end(), form}, end; i != end;
         ++i) {
      auto target = (*i)[1].str();
      if (target.find("://") != std::string::npos
          || target.starts_with("mailto:"))
        continue;
      auto path =
        (fs::path{x.path}.parent_path() / target).lexically_normal().string();
      auto next = paths.lower_bound(path);
      auto folder = path.ends_with("/") ? path : path + "/";
      auto inside = paths.lower_bound(folder);
      if ((next == paths.end() || *next != path)
          && (inside == paths.end() || !inside->starts_with(folder)))
        result.push_back({x.path, number, "no such file: " + target});
    }
  }
  return result;
}

findings check(const file& x, const std::set<std::string>& paths) {
  auto result = check_words(x);
  auto add = [&](findings more) {
    result.insert(result.end(), more.begin(), more.end());
  };
  if (is_source(x)) {
    add(check_includes(x));
    add(check_own_header(x, paths));
    add(check_guard(x));
    add(check_sizes(x));
    add(check_constructs(x));
  }
  if (x.path.ends_with(".md"))
    add(check_links(x, paths));
  return result;
}

} // namespace tidy
