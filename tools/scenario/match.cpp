#include "tools/scenario/match.hpp"

#include "cheops/names.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <regex>

namespace cheops::scenario {

namespace json = boost::json;

namespace {

constexpr std::size_t shown_max = 300;

std::string shown(const json::value* x) {
  if (!x)
    return "nothing";
  auto text = json::serialize(*x);
  if (text.size() > shown_max)
    text = text.substr(0, shown_max) + "…";
  return text;
}

/// As text: a string without its quotes, anything else as JSON.
std::string plain(const json::value& x) {
  if (const auto* text = x.if_string())
    return std::string{text->data(), text->size()};
  return json::serialize(x);
}

std::optional<double> number(const json::value& x) {
  if (x.is_number())
    return x.to_number<double>();
  return std::nullopt;
}

bool equal(const json::value& a, const json::value& b) {
  auto x = number(a);
  auto y = number(b);
  return x && y ? *x == *y : a == b;
}

bool found_in(const json::value& needle, const json::value& in) {
  if (const auto* list = in.if_array())
    return std::any_of(list->begin(), list->end(), [&](const auto& item) {
      return equal(item, needle) || found_in(needle, item);
    });
  return plain(in).find(plain(needle)) != std::string::npos;
}

bool search(const std::string& pattern, const std::string& text) {
  try {
    return std::regex_search(text, std::regex(pattern));
  } catch (const std::regex_error&) {
    return false; // The reader refuses such patterns with their line.
  }
}

std::string status_text(const std::vector<unsigned>& all) {
  std::string out;
  for (auto x : all)
    out += (out.empty() ? "" : " or ") + std::to_string(x);
  return out;
}

std::string millis(microseconds x) {
  return std::to_string(x.count() / 1000) + " ms";
}

std::string head_of(const observation& seen) {
  if (seen.failure)
    return "no answer: " + cheops::to_string(*seen.failure);
  auto body = seen.body.substr(0, shown_max);
  return std::to_string(seen.status) + (body.empty() ? "" : ' ' + body);
}

void compare_fields(const expectation& want, const observation& seen,
                    std::vector<mismatch>& out) {
  for (const auto& [name, rule] : want.headers) {
    auto there =
      std::any_of(seen.fields.begin(), seen.fields.end(),
                  [&n = name](const auto& f) { return same_name(f.first, n); });
    json::value value(field_of(seen.fields, name));
    if (!holds(rule, there ? &value : nullptr))
      out.push_back(
        {"header " + name, to_string(rule), shown(there ? &value : nullptr)});
  }
  if (!want.error_code.empty()
      && !same_name(field_of(seen.fields, "Cheops-Error"), want.error_code))
    out.push_back({"error of Cheops", want.error_code, head_of(seen)});
  if (!want.error_site.empty()
      && !same_name(field_of(seen.fields, "Cheops-Site"), want.error_site))
    out.push_back(
      {"site that the error names", want.error_site,
       field_of(seen.fields, "Cheops-Site") + " in " + head_of(seen)});
}

std::string to_text(const call_spec& x) {
  auto site = x.site.empty() ? std::string{"any site"} : x.site;
  auto service = x.service.empty() ? std::string{"any service"} : x.service;
  auto out = service + '@' + site;
  for (const auto& part : {x.method, x.path})
    if (!part.empty())
      out += ' ' + part;
  return out;
}

std::string journal_text(const std::vector<journal_call>& calls) {
  std::string out;
  for (const auto& x : calls)
    out += (out.empty() ? "" : "; ") + to_string(x);
  return out.empty() ? "no call" : out;
}

/// A journal that was not read proves nothing.
void compare_unread(const std::vector<call_spec>& all, const observation& seen,
                    std::vector<mismatch>& out) {
  for (const auto& x : all)
    for (const auto& site : seen.unread)
      if (x.site.empty() || same_name(x.site, site))
        out.push_back({"journal of " + site, "to be read", "no answer"});
}

void compare_calls(const expectation& want, const observation& seen,
                   std::vector<mismatch>& out) {
  compare_unread(want.calls, seen, out);
  compare_unread(want.no_calls, seen, out);
  auto logged = [&seen](const call_spec& x) {
    return std::any_of(seen.calls.begin(), seen.calls.end(),
                       [&x](const auto& call) { return matches(x, call); });
  };
  for (const auto& x : want.calls)
    if (!logged(x))
      out.push_back({"journals", to_text(x), journal_text(seen.calls)});
  for (const auto& x : want.no_calls)
    if (logged(x))
      out.push_back(
        {"journals", "not " + to_text(x), journal_text(seen.calls)});
}

} // namespace

std::string to_string(const journal_call& x) {
  return x.service + '@' + x.site + ' ' + x.method + ' ' + x.path + " -> "
         + std::to_string(x.status);
}

std::string field_of(const texts& fields, std::string_view name) {
  for (const auto& [key, value] : fields)
    if (same_name(key, name))
      return value;
  return {};
}

bool holds(const matcher& want, const json::value* actual) {
  using how = matcher::how;
  if (want.kind == how::absent)
    return !actual;
  if (!actual)
    return false;
  switch (want.kind) {
  case how::equals:
    return equal(want.value, *actual);
  case how::contains:
    return found_in(want.value, *actual);
  case how::excludes:
    return !found_in(want.value, *actual);
  case how::matches:
    return search(plain(want.value), plain(*actual));
  case how::at_least:
  case how::at_most: {
    auto bound = number(want.value);
    auto value = number(*actual);
    return bound && value
           && (want.kind == how::at_least ? *value >= *bound
                                          : *value <= *bound);
  }
  case how::exists:
  case how::absent:
    break;
  }
  return true;
}

std::string to_string(const matcher& x) {
  switch (x.kind) {
  case matcher::how::equals:
    return shown(&x.value);
  case matcher::how::contains:
    return "something that contains " + shown(&x.value);
  case matcher::how::excludes:
    return "something without " + shown(&x.value);
  case matcher::how::matches:
    return "something that matches " + shown(&x.value);
  case matcher::how::at_least:
    return "at least " + shown(&x.value);
  case matcher::how::at_most:
    return "at most " + shown(&x.value);
  case matcher::how::exists:
    return "something";
  case matcher::how::absent:
    return "nothing";
  }
  return {};
}

bool matches(const call_spec& want, const journal_call& call) {
  return (want.site.empty() || same_name(want.site, call.site))
         && (want.service.empty() || same_name(want.service, call.service))
         && (want.method.empty() || want.method == call.method)
         && call.path.compare(0, want.path.size(), want.path) == 0;
}

std::vector<mismatch>
compare(const std::vector<std::pair<std::string, matcher>>& want,
        std::string_view body) {
  std::vector<mismatch> out;
  if (want.empty())
    return out;
  boost::system::error_code failed;
  auto document = json::parse({body.data(), body.size()}, failed);
  if (failed) {
    out.push_back({"body", "JSON",
                   body.empty() ? "an empty body"
                                : std::string{body.substr(0, shown_max)}});
    return out;
  }
  for (const auto& [pointer, rule] : want) {
    boost::system::error_code absent;
    const auto* value = document.find_pointer(pointer, absent);
    if (!holds(rule, value))
      out.push_back({"body" + (pointer.empty() ? "" : ' ' + pointer),
                     to_string(rule), value ? shown(value) : shown(&document)});
  }
  return out;
}

std::vector<mismatch> compare(const expectation& want,
                              const observation& seen) {
  std::vector<mismatch> out;
  if (want.no_answer) {
    if (!seen.failure)
      out.push_back({"answer", "none", head_of(seen)});
  } else if (seen.failure) {
    out.push_back({"answer",
                   want.status.empty() ? "one" : status_text(want.status),
                   head_of(seen)});
  } else {
    const auto& any = want.status;
    if (!any.empty()
        && std::find(any.begin(), any.end(), seen.status) == any.end())
      out.push_back({"status", status_text(any), head_of(seen)});
    compare_fields(want, seen, out);
    auto members = compare(want.body, seen.body);
    out.insert(out.end(), members.begin(), members.end());
    if (want.checksum_of_upload
        && seen.body.find(seen.sent_checksum) == std::string::npos)
      out.push_back({"checksum", seen.sent_checksum, head_of(seen)});
    if (!want.checksum.empty() && want.checksum != seen.received_checksum)
      out.push_back(
        {"checksum of the body", want.checksum, seen.received_checksum});
    if (want.body_bytes && *want.body_bytes != seen.body_bytes)
      out.push_back({"bytes of the body", std::to_string(*want.body_bytes),
                     std::to_string(seen.body_bytes)});
  }
  if (want.within && seen.took > *want.within)
    out.push_back(
      {"time", "within " + millis(*want.within), millis(seen.took)});
  compare_calls(want, seen, out);
  if (want.memory_growth_at_most)
    for (const auto& [site, bytes] : seen.memory_growth)
      if (bytes > *want.memory_growth_at_most)
        out.push_back({"memory of the node at " + site,
                       "at most " + std::to_string(*want.memory_growth_at_most)
                         + " bytes more",
                       std::to_string(bytes) + " bytes more"});
  return out;
}

result<std::string> captured(std::string_view from, const observation& seen) {
  constexpr std::string_view header = "header ";
  auto missing = [&from](std::string what) {
    return error{errc::bad_request, std::move(what), "",
                 "capture " + std::string{from}, ""};
  };
  if (from == "checksum")
    return seen.received_checksum;
  if (from.substr(0, header.size()) == header) {
    auto value = field_of(seen.fields, from.substr(header.size()));
    if (value.empty())
      return missing("the answer has no such header");
    return value;
  }
  boost::system::error_code failed;
  auto document = json::parse(seen.body, failed);
  if (failed)
    return missing("the answer's body is not JSON");
  const auto* value = document.find_pointer({from.data(), from.size()}, failed);
  if (!value)
    return missing("the answer's body has no such member");
  return plain(*value);
}

} // namespace cheops::scenario
