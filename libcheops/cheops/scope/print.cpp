#include "cheops/scope/lexer.hpp"
#include "cheops/scope/quantity.hpp"
#include "cheops/scope/tree.hpp"

#include <boost/json.hpp>

#include <cassert>

namespace cheops::scope {

bool operator==(const all& a, const all& b) {
  return a.parts == b.parts;
}
bool operator==(const cross& a, const cross& b) {
  return a.parts == b.parts;
}
bool operator==(const any& a, const any& b) {
  return a.parts == b.parts;
}

namespace {

namespace json = boost::json;

// -- text ---------------------------------------------------------------------

template <class T>
bool holds(const placement& x) {
  return std::holds_alternative<T>(x.node);
}

bool several_copies(const placement& x) {
  const auto* some = std::get_if<set>(&x.node);
  return some != nullptr && some->parts.size() > 1;
}

// Parentheses only where reading it back would else give another tree: then
// the printed text is never nested deeper than the one that was read.
bool in_parentheses(const all& chain, std::size_t i) {
  const auto& x = chain.parts[i];
  if (several_copies(x))
    return (i > 0 && holds<set>(chain.parts[i - 1]))
           || (i + 1 < chain.parts.size() && holds<set>(chain.parts[i + 1]));
  return holds<all>(x) || holds<cross>(x) || holds<any>(x);
}

bool in_parentheses(const cross& chain, std::size_t i) {
  return holds<cross>(chain.parts[i]) || holds<any>(chain.parts[i]);
}

bool in_parentheses(const any& chain, std::size_t i) {
  return holds<any>(chain.parts[i]);
}

struct printer {
  std::string& out;

  void operator()(const site& x) const { out += as_written(x.name); }
  void operator()(const all& x) const { chain(x, " & "); }
  void operator()(const cross& x) const { chain(x, " % "); }
  void operator()(const any& x) const { chain(x, " || "); }

  void operator()(const around& x) const { out += "around(" + inside(x) + ")"; }

  void operator()(const set& x) const { copies_joined(x, " & "); }

  static std::string inside(const around& x) {
    return as_written(x.site) + ", " + to_string(x.within);
  }

  void copies_joined(const set& x, std::string_view between) const {
    for (std::size_t i = 0; i < x.parts.size(); ++i) {
      out += i > 0 ? between : "";
      out +=
        std::to_string(x.parts[i].count) + "@" + as_written(x.parts[i].site);
    }
  }

  template <class T>
  void chain(const T& x, std::string_view op) const {
    for (std::size_t i = 0; i < x.parts.size(); ++i) {
      auto grouped = in_parentheses(x, i);
      out += i > 0 ? op : "";
      out += grouped ? "(" : "";
      std::visit(*this, x.parts[i].node);
      out += grouped ? ")" : "";
    }
  }
};

std::string to_bare_string(const placement& x) {
  std::string out;
  if (const auto* near = std::get_if<around>(&x.node))
    return "{around: " + printer::inside(*near) + "}";
  if (const auto* some = std::get_if<set>(&x.node)) {
    printer{out}.copies_joined(*some, ", ");
    return "{set: " + out + "}";
  }
  return to_string(x);
}

// -- JSON ---------------------------------------------------------------------

// An object of one member. (Brace lists of Boost.JSON mean an array or an
// object depending on the compiler where they hold a single pair.)
json::value only(std::string_view name, json::value x) {
  json::object out;
  out.emplace(name, std::move(x));
  return out;
}

struct to_json_value {
  json::value operator()(const site& x) const {
    return only("site", json::string{x.name});
  }

  json::value operator()(const all& x) const { return chain("all", x.parts); }

  json::value operator()(const cross& x) const {
    return chain("cross", x.parts);
  }

  json::value operator()(const any& x) const { return chain("any", x.parts); }

  json::value operator()(const around& x) const {
    json::object near;
    near.emplace("site", x.site);
    near.emplace("within_us", std::int64_t{x.within.count()});
    return only("around", std::move(near));
  }

  json::value operator()(const set& x) const {
    json::array parts;
    for (const auto& part : x.parts) {
      json::object one;
      one.emplace("count", part.count);
      one.emplace("site", part.site);
      parts.emplace_back(std::move(one));
    }
    return only("set", std::move(parts));
  }

  json::value chain(std::string_view name,
                    const std::vector<placement>& parts) const {
    json::array list;
    for (const auto& part : parts)
      list.emplace_back(std::visit(*this, part.node));
    return only(name, std::move(list));
  }
};

} // namespace

std::string to_string(const placement& x) {
  std::string out;
  std::visit(printer{out}, x.node);
  return out;
}

std::string to_string(const tree& x) {
  assert(!x.services.empty());
  if (x.services.front().first == every_service) {
    assert(x.services.size() == 1 && !x.prime);
    return to_bare_string(x.services.front().second);
  }
  std::string out = "{";
  for (const auto& [name, where] : x.services) {
    out += out.size() > 1 ? ", " : "";
    out += as_written(name) + ": " + to_string(where);
  }
  if (x.prime)
    out += ", prime: " + as_written(*x.prime);
  return out + "}";
}

json::value to_json(const tree& x) {
  json::object services;
  for (const auto& [name, where] : x.services)
    services.emplace(name, std::visit(to_json_value{}, where.node));
  json::object out;
  out.emplace("services", std::move(services));
  if (x.prime)
    out.emplace("prime", *x.prime);
  return out;
}

} // namespace cheops::scope
