#include "glue/read_description.hpp"

#include "cheops/names.hpp"
#include "glue/adapters.hpp"
#include "glue/read_replication.hpp"
#include "glue/words.hpp"

#include <algorithm>
#include <map>

namespace cheops::glue {

using namespace application;

namespace {

/// Bounds of one description; a file of 1 MiB could hold far more.
constexpr std::size_t services_max = 256;
constexpr std::size_t operations_max = 4096; ///< Of one service.

std::string read_pointer(const yaml::node& x) {
  auto out = x.as<std::string>();
  if (auto fault = pointer_fault(out); x.is_text() && !fault.empty())
    x.fail("\"" + out + "\" is not a JSON Pointer: it " + fault);
  return out;
}

/// The template with its parameters' names taken out: two of one method that
/// are equal so cannot be told apart.
std::string shape_of(std::string_view path) {
  std::string out;
  auto inside = false;
  for (auto c : path) {
    inside = inside && c != '}';
    if (!inside)
      out += c;
    inside = inside || c == '{';
  }
  return out;
}

class reader {
public:
  description read(const yaml::node& root) {
    out_.name = read_name(root.at("application"));
    auto services = root.at("services").each();
    if (services.size() > services_max)
      root.at("services").fail("more than 256 services");
    services.resize(std::min(services.size(), services_max));
    if (root.is_map() && root.optional("services").is_list()
        && services.empty())
      root.at("services").fail("an application has at least one service");
    // First what there is, so that references may point forward.
    for (const auto& x : services)
      out_.services.push_back(read_service_itself(x));
    for (std::size_t i = 0; i < services.size(); ++i)
      read_relations(services[i], i);
    read_carriers(root.optional("carriers"));
    if (auto x = root.optional("errors"))
      out_.errors =
        x.as<error_shape>({{"problem", error_shape::problem},
                           {"openstack", error_shape::openstack},
                           {"kubernetes", error_shape::kubernetes}});
    if (auto x = root.optional("adapter"))
      out_.adapter = read_adapter(x);
    if (auto clients = root.optional("clients"))
      read_environment(clients.optional("environment"));
    return std::move(out_);
  }

private:
  // -- what there is ---------------------------------------------------------

  service read_service_itself(const yaml::node& x) {
    service out;
    out.name = service_id{read_unique_name(x.at("name"))};
    for (const auto& alias : one_or_many(x.optional("aliases")))
      out.aliases.push_back(read_unique_name(alias));
    x.read("authenticates", out.authenticates);
    read_bases(x.optional("under"));
    taken_.clear();
    for (const auto& y : x.optional("resources").each()) {
      auto r = read_resource(y);
      if (!r.kind.empty()
          && std::ranges::find(out.resources, r.kind, &resource::kind)
               != out.resources.end())
        y.at("kind").fail("resource \"" + r.kind + "\" is given twice");
      out.resources.push_back(std::move(r));
    }
    return out;
  }

  static std::string shown(const std::string& text) {
    return "\"" + text + "\" ";
  }

  /// Where the service's paths begin; one deployment may serve it at its root,
  /// another behind a prefix.
  void read_bases(const yaml::node& x) {
    bases_.clear();
    for (const auto& y : one_or_many(x)) {
      auto base = y.as<std::string>();
      if (auto fault = template_fault(base); !fault.empty())
        y.fail(shown(base).append(fault));
      else if (base.find("{id}") != std::string::npos)
        y.fail(shown(base).append("has {id}, which is a resource's own id"));
      else
        bases_.push_back(base == "/" ? "" : base);
    }
    if (bases_.empty())
      bases_.emplace_back();
  }

  /// Names and aliases share one space and match in any case.
  std::string read_unique_name(const yaml::node& x) {
    auto name = read_name(x);
    if (!name.empty()) {
      auto done = names_.emplace(fold_case(name), x.where());
      if (!done.second)
        x.fail("\"" + name + "\" is already the name or alias of a service ("
               + done.first->second + ")");
    }
    return name;
  }

  resource read_resource(const yaml::node& x) {
    resource out;
    out.kind = read_name(x.at("kind"));
    out.id_pointer = "/id";
    if (auto y = x.optional("id"))
      out.id_pointer = read_pointer(y);
    if (auto y = x.optional("name"))
      out.name_pointer = read_pointer(y);
    x.read("unique_names", out.unique_name);
    if (out.unique_name && out.name_pointer.empty())
      x.at("unique_names").fail("needs \"name\", the pointer to the name");
    x.read("secret", out.secret);
    x.read("discovery", out.discovery);
    for (const auto& [word, ways] : x.at("operations").entries())
      for (const auto& way : one_or_many(ways)) {
        auto relative = read_operation(word, way);
        for (const auto& base : bases_) {
          if (taken_.size() >= operations_max) {
            way.fail("more than 4096 operations in one service");
            break;
          }
          out.operations.push_back(under(base, relative, way));
        }
      }
    if (x.optional("operations").is_map() && out.operations.empty())
      x.at("operations").fail("a resource has at least one operation");
    out.copies = read_replication(x.optional("replicate"), out, bases_.front());
    return out;
  }

  operation read_operation(const std::string& word, const yaml::node& x) {
    operation out;
    static const std::map<std::string, verb> verbs{
      {"create", verb::create}, {"read", verb::read},
      {"list", verb::list},     {"update", verb::update},
      {"remove", verb::remove}, {"other", verb::other}};
    auto known = verbs.find(word);
    if (known == verbs.end()) {
      std::vector<std::string> all;
      all.reserve(verbs.size());
      for (const auto& v : verbs)
        all.push_back(v.first);
      fail_unknown(x, "verb", word, all);
    } else {
      out.does = known->second;
    }
    auto text = x.as<std::string>();
    auto space = text.find(' ');
    out.method = text.substr(0, space);
    auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    if (space == std::string::npos || space == 0
        || !std::ranges::all_of(out.method, is_upper)) {
      x.expected("a method and a path such as \"GET /foos/{id}\"");
      return out;
    }
    out.path = text.substr(text.find_first_not_of(' ', space));
    if (!check_operation(out, x))
      out.path.clear();
    return out;
  }

  /// The operation as one base has it. One without a path was wrong already.
  operation under(const std::string& base, operation op, const yaml::node& x) {
    if (op.path.empty())
      return op;
    op.path = base + (op.path == "/" && !base.empty() ? "" : op.path);
    if (auto fault = template_fault(op.path); !fault.empty())
      x.fail("path \"" + op.path + "\" " + fault);
    auto done = taken_.emplace(op.method + " " + shape_of(op.path), x.where());
    if (!done.second)
      x.fail("\"" + op.method + " " + op.path
             + "\" cannot be told from the operation at " + done.first->second);
    return op;
  }

  /// Whether its path is one; what else is wrong with it is told too.
  static bool check_operation(const operation& op, const yaml::node& x) {
    if (auto fault = template_fault(op.path); !fault.empty()) {
      x.fail("path \"" + op.path + "\" " + fault);
      return false;
    }
    if (op.method == "HEAD")
      x.fail("HEAD is what GET is; leave it out");
    auto has_id = op.path.find("{id}") != std::string::npos;
    auto has_any = op.path.find('{') != std::string::npos;
    if (op.does == verb::list && has_id)
      x.fail("a list has no {id}; call the parameters otherwise");
    if ((op.does == verb::read || op.does == verb::update
         || op.does == verb::remove)
        && has_any && !has_id)
      x.fail("path \"" + op.path
             + "\" has no {id}; that is how the resource's own id is called");
    return true;
  }

  // -- how it belongs together -----------------------------------------------

  void read_relations(const yaml::node& x, std::size_t i) {
    for (const auto& y : one_or_many(x.optional("calls")))
      if (const auto* called = read_service(y, out_))
        out_.services[i].calls.push_back(called->name);
    auto resources = x.optional("resources").each();
    for (std::size_t j = 0; j < resources.size(); ++j)
      for (const auto& y : resources[j].optional("references").each())
        read_reference(y, i, j);
  }

  void read_reference(const yaml::node& x, std::size_t i, std::size_t j) {
    const auto* to = &out_.services[i];
    if (auto y = x.optional("service"))
      to = read_service(y, out_);
    reference out;
    out.kind =
      x.at("kind").as<dependency>({{"requires", dependency::requires_},
                                   {"relies_on", dependency::relies_on},
                                   {"composed_of", dependency::composed_of}});
    auto target = x.at("resource");
    const auto* other = to ? read_target(target, *to) : nullptr;
    if (to && other) {
      out.service = to->name;
      out.resource = other->kind;
    }
    read_place(x, out_.services[i].resources[j], out);
    if (auto y = x.optional("by"))
      out.by_name = y.as<int>({{"id", 0}, {"name", 1}}) == 1;
    if (out.by_name && other && other->name_pointer.empty())
      x.at("by").fail("\"" + other->kind
                      + "\" has no names: its description has no \"name\"");
    out_.services[i].resources[j].references.push_back(std::move(out));
  }

  static const resource* read_target(const yaml::node& x, const service& in) {
    auto kind = x.as<std::string>();
    auto i = std::ranges::find(in.resources, kind, &resource::kind);
    if (!x.is_text() || i != in.resources.end())
      return x.is_text() ? &*i : nullptr;
    std::vector<std::string> known;
    for (const auto& r : in.resources)
      known.push_back(r.kind);
    fail_unknown(x, "resource of " + in.name.value, kind, known);
    return nullptr;
  }

  /// Where the other is named: in the body, or in the path.
  static void read_place(const yaml::node& x, const resource& of,
                         reference& out) {
    auto body = x.optional("body");
    auto path = x.optional("path");
    if (bool{body} == bool{path} && x.is_map())
      x.fail("needs either \"body\", a JSON Pointer, or \"path\", the name of "
             "a parameter");
    if (body)
      out.pointer = read_pointer(body);
    if (!path)
      return;
    out.path_parameter = path.as<std::string>();
    auto wanted = "{" + out.path_parameter + "}";
    auto has_it = [&](const operation& op) {
      return op.path.find(wanted) != std::string::npos;
    };
    if (path.is_text() && std::ranges::none_of(of.operations, has_it))
      path.fail("no operation of \"" + of.kind + "\" has " + wanted
                + " in its path");
  }

  // -- the rest --------------------------------------------------------------

  void read_carriers(const yaml::node& x) {
    if (!x)
      return;
    out_.carry = {false, false, false};
    for (const auto& y : x.each()) {
      auto which =
        y.as<int>({{"header", 1}, {"prefix", 2}, {"baggage", 3}, {"trace", 4}});
      out_.carry.prefix = out_.carry.prefix || which == 2;
      out_.carry.baggage = out_.carry.baggage || which == 3;
      out_.carry.trace = out_.carry.trace || which == 4;
    }
  }

  /// What the adapter builds on is complained about here, with its place.
  std::string read_adapter(const yaml::node& x) {
    auto name = x.as<std::string>();
    auto known = adapter_names();
    if (x.is_text() && std::ranges::find(known, name) == known.end())
      fail_unknown(x, "adapter", name, known);
    else if (auto fault = adapter_fault(name, out_); !fault.empty())
      x.fail(fault);
    return name;
  }

  void read_environment(const yaml::node& x) {
    for (const auto& [name, value] : x.entries()) {
      auto is_variable =
        !name.empty() && !(name[0] >= '0' && name[0] <= '9')
        && name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789_")
             == std::string::npos;
      if (!is_variable)
        value.fail("is not the name of an environment variable");
      auto text = value.as<std::string>();
      check_placeholders(value, text);
      out_.clients.environment[name] = std::move(text);
    }
  }

  /// Braces may be the value's own (JSON), but not a slip for one of ours.
  void check_placeholders(const yaml::node& at, std::string_view text) {
    constexpr std::string_view url = "url:";
    for (auto open = text.find('{'); open != std::string_view::npos;
         open = text.find('{', open + 1)) {
      auto word = text.substr(open + 1, text.find('}', open) - open - 1);
      if (word == "scope" || word == "scope64")
        continue;
      if (word.starts_with(url)) {
        if (!out_.find(word.substr(url.size())))
          fail_unknown(at, "service", word.substr(url.size()), names());
      } else if (word.starts_with("scope") || word.starts_with("url")) {
        at.fail("unknown placeholder {" + std::string{word}
                + "}; there are {url:SERVICE}, {scope} and {scope64}");
      }
    }
  }

  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& x : out_.services)
      out.push_back(x.name.value);
    return out;
  }

  description out_;
  std::vector<std::string> bases_;           ///< Of the service that is read.
  std::map<std::string, std::string> names_; ///< Folded name -> its place.
  std::map<std::string, std::string> taken_; ///< Method, shape -> its place.
};

} // namespace

description read_description(const yaml::node& root) {
  return reader{}.read(root);
}

} // namespace cheops::glue
