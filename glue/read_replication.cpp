#include "glue/read_replication.hpp"

#include "cheops/names.hpp"
#include "cheops/text.hpp"
#include "glue/read_description.hpp"
#include "glue/words.hpp"

#include <algorithm>

namespace cheops::glue {

using namespace application;

namespace {

constexpr std::size_t fields_max = 32;
constexpr std::chrono::milliseconds settles_after_max{24 * 3'600'000};

/// Why a field may not go into a log that every site keeps; empty: it may.
std::string field_fault(std::string_view name) {
  if (!is_token(name))
    return "is not the name of a field";
  auto folded = fold_case(name);
  for (auto x : {"authorization", "proxy-authorization", "cookie",
                 "x-auth-token", "x-service-token", "x-subject-token"})
    if (folded == x)
      return "is a credential, which no other site gets";
  for (auto x : {"host", "content-length", "transfer-encoding", "connection",
                 "te", "trailer", "upgrade", "expect", "via", "forwarded",
                 "scope", "idempotency-key", "prefer", "range"})
    if (folded == x)
      return "belongs to the message itself, or to Cheops";
  if (folded.starts_with("cheops-") || folded.starts_with("if-"))
    return "is for Cheops to judge";
  return "";
}

/// The parameters of all paths that create one; those of several creates
/// need not be the same, and the probe is for the first.
std::vector<std::string_view> create_parameters(const resource& of) {
  auto i = std::ranges::find(of.operations, verb::create, &operation::does);
  return i == of.operations.end() ? std::vector<std::string_view>{}
                                  : parameters_of(i->path);
}

/// What is wrong with the query of a probe; empty: nothing.
std::string query_fault(std::string_view x) {
  for (unsigned char c : x)
    if (c <= ' ' || c == '#' || c >= 0x7f)
      return "has a query with a character that stands in none";
  auto depth = 0;
  for (auto c : x) {
    depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    if (depth < 0 || depth > 1)
      return "has braces that do not belong together";
  }
  return depth == 0 ? "" : "has braces that do not belong together";
}

void check_probe(const yaml::node& at, const std::string& path,
                 const std::string& query, const resource& of) {
  if (auto fault = template_fault(path); !fault.empty()) {
    at.fail("path \"" + path + "\" " + fault);
    return;
  }
  if (auto fault = query_fault(query); !fault.empty()) {
    at.fail("\"" + query + "\" " + fault);
    return;
  }
  auto named = false;
  auto allowed = create_parameters(of);
  for (const auto* part : {&path, &query})
    for (auto name : parameters_of(*part)) {
      named = named || name == "name";
      if (name != "name" && std::ranges::find(allowed, name) == allowed.end())
        at.fail("{" + std::string{name}
                + "} is neither {name} nor a parameter of the path that "
                  "creates a \""
                + of.kind + "\"");
    }
  if (!named)
    at.fail("has no {name}, so it would find others too");
}

void read_probe(const yaml::node& x, const resource& of,
                const std::string& base, replication& out) {
  out.creates = settling::probe;
  auto at = x.at("probe");
  auto text = at.as<std::string>();
  constexpr std::string_view method = "GET ";
  if (!text.starts_with(method)) {
    if (at.is_text())
      at.expected("a GET such as \"GET /bars?name={name}\"");
    return;
  }
  auto target = text.substr(method.size());
  auto question = std::min(target.find('?'), target.size());
  auto path = base + target.substr(0, question);
  auto query = target.substr(question);
  check_probe(at, path, query, of);
  out.probe = path + query;
  if (auto y = x.optional("found")) {
    out.found = y.as<std::string>();
    if (auto fault = pointer_fault(out.found); !fault.empty())
      y.fail("\"" + out.found + "\" is not a JSON Pointer: it " + fault);
  }
  if (!of.unique_name)
    at.fail("finds it by its name, which needs \"unique_names: true\"");
}

void read_settling(const yaml::node& x, const resource& of,
                   const std::string& base, replication& out) {
  if (x.is_map())
    read_probe(x, of, base, out);
  else
    out.creates = x.as<settling>(
      {{"none", settling::nothing}, {"repeat", settling::repeat}});
}

/// A create whose user names the resource in the path is a PUT: to do it
/// twice is to do it once.
settling default_settling(const resource& of) {
  auto i = std::ranges::find(of.operations, verb::create, &operation::does);
  return i != of.operations.end() && i->method == "PUT" ? settling::repeat
                                                        : settling::nothing;
}

} // namespace

replication read_replication(const yaml::node& x, const resource& of,
                             const std::string& base) {
  replication out;
  out.creates = default_settling(of);
  if (!x)
    return out;
  if (x.is_text()) {
    out.allowed = x.as<bool>();
    return out;
  }
  if (auto y = x.optional("settle"))
    read_settling(y, of, base, out);
  x.read("settles_after", out.settles_after, std::chrono::milliseconds{0},
         settles_after_max);
  if (auto y = x.optional("on_refusal"))
    out.compensates = y.as<int>({{"keep", 0}, {"compensate", 1}}) == 1;
  if (auto y = x.optional("put"))
    out.put_replaces = y.as<int>({{"replaces", 0}, {"changes", 1}}) == 0;
  auto removes = std::ranges::any_of(
    of.operations, [](const operation& op) { return op.does == verb::remove; });
  if (out.compensates && !removes)
    x.at("on_refusal").fail("needs an operation that removes one");
  for (const auto& y : one_or_many(x.optional("fields"))) {
    auto name = y.as<std::string>();
    if (auto fault = field_fault(name); y.is_text() && !fault.empty())
      y.fail(std::string{"\""}.append(name).append("\" ").append(fault));
    if (out.fields.size() == fields_max) {
      y.fail("more than 32 fields");
      break;
    }
    out.fields.push_back(std::move(name));
  }
  return out;
}

} // namespace cheops::glue
