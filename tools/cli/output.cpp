#include "tools/cli/output.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cctype>

namespace cheops::cli {

namespace json = boost::json;

namespace {

constexpr std::array<std::pair<std::string_view, format>, 5> formats{{
  {"table", format::table},
  {"wide", format::wide},
  {"json", format::json},
  {"yaml", format::yaml},
  {"name", format::name},
}};

std::size_t width_of(std::string_view x) {
  return static_cast<std::size_t>(std::ranges::count_if(
    x, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

bool is_compound(const json::value& x) {
  return (x.is_object() && !x.as_object().empty())
         || (x.is_array() && !x.as_array().empty());
}

void pretty(const json::value& x, std::string indent, std::string& out) {
  if (!is_compound(x)) {
    out += json::serialize(x);
    return;
  }
  auto deeper = indent + "  ";
  auto is_list = x.is_array();
  out += is_list ? "[" : "{";
  bool first = true;
  auto begin = [&] {
    out += (first ? "\n" : ",\n") + deeper;
    first = false;
  };
  if (is_list)
    for (const auto& item : x.as_array()) {
      begin();
      pretty(item, deeper, out);
    }
  else
    for (const auto& member : x.as_object()) {
      begin();
      out += json::serialize(json::value(member.key())) + ": ";
      pretty(member.value(), deeper, out);
    }
  out += "\n" + indent + (is_list ? "]" : "}");
}

/// Whether YAML reads it as this very text without quotes.
bool is_plain(std::string_view x) {
  constexpr std::array<std::string_view, 9> words{
    "true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  if (x.empty() || !std::isalpha(static_cast<unsigned char>(x[0])))
    return false;
  std::string lower{x};
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) {
    return static_cast<char>(std::tolower(c));
  });
  return std::ranges::find(words, lower) == words.end()
         && std::ranges::all_of(x, [](unsigned char c) {
              return std::isalnum(c) || c == '_' || c == '-' || c == '.'
                     || c == '/';
            });
}

std::string yaml_scalar(const json::value& x) {
  if (const auto* text = x.if_string(); text && is_plain(*text))
    return std::string{*text};
  // JSON's scalars and empty brackets are YAML's too.
  return json::serialize(x);
}

/// Writes `x` behind "key:" or "-"; a list's first line goes on that line.
void yaml(const json::value& x, const std::string& indent, bool after_dash,
          std::string& out) {
  if (!is_compound(x)) {
    out += " " + yaml_scalar(x) + "\n";
    return;
  }
  bool first = true;
  auto begin = [&] {
    if (first)
      out += after_dash ? " " : "\n" + indent;
    else
      out += indent;
    first = false;
  };
  if (x.is_array())
    for (const auto& item : x.as_array()) {
      begin();
      out += "-";
      yaml(item, indent + "  ", true, out);
    }
  else
    for (const auto& member : x.as_object()) {
      begin();
      out += yaml_scalar(json::value(member.key())) + ":";
      yaml(member.value(), indent + "  ", false, out);
    }
}

} // namespace

std::optional<format> to_format(std::string_view x) {
  for (const auto& [name, value] : formats)
    if (name == x)
      return value;
  return std::nullopt;
}

std::string to_text(const table& x, bool wide, bool headers) {
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < x.columns.size(); ++i)
    if (wide || !x.columns[i].wide_only)
      shown.push_back(i);
  std::vector<std::vector<std::string>> lines;
  if (headers) {
    lines.emplace_back();
    for (const auto& column : x.columns)
      lines.back().push_back(column.title);
  }
  lines.insert(lines.end(), x.rows.begin(), x.rows.end());
  std::vector<std::size_t> widths(x.columns.size());
  for (auto& line : lines)
    for (auto i : shown) {
      assert(line.size() == x.columns.size());
      if (line[i].empty())
        line[i] = "-";
      widths[i] = std::max(widths[i], width_of(line[i]));
    }
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (auto i : shown) {
      text += line[i];
      if (i != shown.back())
        text.append(widths[i] + 3 - width_of(line[i]), ' ');
    }
    out += text + "\n";
  }
  return out;
}

std::string to_pretty_json(const json::value& x) {
  std::string out;
  pretty(x, "", out);
  return out + "\n";
}

std::string to_yaml(const json::value& x) {
  if (!is_compound(x))
    return yaml_scalar(x) + "\n";
  std::string out;
  yaml(x, "", false, out);
  return out.substr(1); // The line break that would follow a key.
}

std::string render(const table& x, const json::value& whole, format as,
                   bool headers) {
  switch (as) {
  case format::json:
    return to_pretty_json(whole);
  case format::yaml:
    return to_yaml(whole);
  case format::name: {
    std::string out;
    for (const auto& row : x.rows)
      out += x.kind + "/" + row.at(0) + "\n";
    return out;
  }
  case format::table:
  case format::wide:
    break;
  }
  return to_text(x, as == format::wide, headers);
}

} // namespace cheops::cli
