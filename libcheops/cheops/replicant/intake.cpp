#include "cheops/replicant/intake.hpp"

#include "cheops/names.hpp"
#include "cheops/percent.hpp"
#include "cheops/replicant/places.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace cheops::replicant {

namespace json = boost::json;
using application::verb;

namespace {

constexpr const char* step_name = "take in the request";

error failure(errc code, std::string what, std::string hint) {
  return {code, std::move(what), {}, step_name, std::move(hint)};
}

/// Those that say what a body is, or what the answer shall be.
bool matters(std::string_view name, const application::replication& rules) {
  for (auto x :
       {"Accept", "Content-Type", "Content-Encoding", "Content-Language"})
    if (same_name(name, x))
      return true;
  return std::ranges::any_of(
    rules.fields, [&](const std::string& x) { return same_name(name, x); });
}

/// An id as it stands in a target, until a site puts its own there.
constexpr std::string_view placeholder = "-";

/// The other resource that a parameter of the path names by its id.
std::optional<ports::local_replica>
referred_in_path(const application::resource& about,
                 const application::path_parameter& x, const lookups& at) {
  auto i = std::ranges::find(about.references, x.name,
                             &application::reference::path_parameter);
  if (i == about.references.end() || i->by_name || !at.by_id)
    return std::nullopt;
  return at.by_id(i->service, i->resource, x.value);
}

/// The name that a request gives: by its path where a PUT creates, else in
/// its body where names are unique.
std::optional<natural_key>
natural_key_of(const application::request_match& match,
               const std::optional<json::value>& body, const lookups& at) {
  const auto& about = *match.what.about;
  natural_key out{match.what.of->name, about.kind, {}};
  auto by_path = false;
  for (const auto& x : match.parameters) {
    auto own = x.name == "id";
    if (own && match.what.does != verb::create)
      continue;
    by_path = by_path || own;
    auto other = own ? std::nullopt : referred_in_path(about, x, at);
    out.path.push_back(other ? to_string(other->meta) : x.value);
  }
  if (by_path)
    return out;
  const auto* name =
    body && about.unique_name ? at_pointer(*body, about.name_pointer) : nullptr;
  if (name == nullptr || !name->is_string() || name->get_string().empty())
    return std::nullopt;
  out.path.emplace_back(std::string_view{name->get_string()});
  return out;
}

class taker {
public:
  taker(const intake& in, const lookups& at)
    : in_(in), at_(at), about_(*in.match.what.about) {}

  result<taken> operator()() {
    if (!about_.copies.allowed)
      return failure(errc::not_built,
                     "the application's description forbids to replicate "
                       + about_.kind,
                     "replicate: false stands there");
    body_ = as_json(in_.body, in_.head.get("Content-Type"),
                    in_.head.get("Content-Encoding"));
    auto& op = out_.what;
    op.does = change_of();
    op.service = in_.match.what.of->name;
    op.kind = about_.kind;
    op.principal = in_.principal;
    op.read_at = in_.asks.read_at;
    fill_request(op.what);
    find_slots(op.what);
    std::erase_if(out_.by_name, [&](const meta_id& x) {
      return std::ranges::find(op.what.slots, x, &slot::of)
             != op.what.slots.end();
    });
    if (auto ok = name_it(); !ok)
      return ok.error();
    settle();
    take_key();
    if (auto ok = check_bounds(); !ok)
      return ok.error();
    return std::move(out_);
  }

private:
  change change_of() const {
    if (!in_.on)
      return change::create;
    if (in_.match.what.does == verb::remove)
      return change::remove;
    auto whole = in_.match.what.does != verb::other && in_.head.method == "PUT"
                 && about_.copies.put_replaces && ends_in_id();
    return whole ? change::replace : change::patch;
  }

  /// Whether the path names the resource itself, not a part of it.
  bool ends_in_id() const {
    return in_.match.by != nullptr
           && std::string_view{in_.match.by->path}.ends_with("/{id}");
  }

  void fill_request(templated& to) const {
    to.method = in_.head.method;
    to.target = in_.target;
    to.body = in_.body;
    for (const auto& f : in_.head.fields)
      if (matters(f.name, about_.copies))
        to.fields.push_back({std::string{f.name}, std::string{f.value}});
  }

  // -- ids of replicants -----------------------------------------------------

  void find_slots(templated& to) {
    for (const auto& x : in_.match.parameters)
      if (auto of = replicant_in_path(x))
        to.slots.push_back({slot::place::segment, x.segment, {}, *of});
    if (!body_)
      return;
    for (const auto& ref : about_.references)
      if (ref.path_parameter.empty())
        each_place(*body_, ref.pointer,
                   [&](const std::string& pointer, const json::value& value) {
                     look_up(to, ref, pointer, value);
                   });
    if (in_.on && !about_.id_pointer.empty())
      if (const auto* own = at_pointer(*body_, about_.id_pointer))
        if (id_text(*own) == in_.match.what.id)
          to.slots.push_back(
            {slot::place::body, 0, about_.id_pointer, *in_.on});
  }

  void look_up(templated& to, const application::reference& ref,
               const std::string& pointer, const json::value& value) {
    auto text = id_text(value);
    if (!text)
      return;
    if (ref.by_name) {
      // The name is the same at each site; the other must be there.
      if (at_.by_name)
        if (auto x = at_.by_name({ref.service, ref.resource, {*text}})) {
          depend_on(*x);
          out_.by_name.push_back(x->meta);
        }
      return;
    }
    if (!at_.by_id)
      return;
    auto x = at_.by_id(ref.service, ref.resource, *text);
    if (!x)
      return;
    to.slots.push_back({slot::place::body, 0, pointer, x->meta});
    depend_on(*x);
  }

  std::optional<meta_id>
  replicant_in_path(const application::path_parameter& x) {
    if (x.name == "id")
      return in_.on;
    auto found = referred_in_path(about_, x, at_);
    if (found)
      depend_on(*found);
    return found ? std::optional{found->meta} : std::nullopt;
  }

  void depend_on(const ports::local_replica& x) {
    auto& after = out_.what.after;
    auto i = std::ranges::find(after, x.meta, &dependency::on);
    if (i == after.end())
      after.push_back({x.meta, x.done});
    else
      i->index = std::max(i->index, x.done);
  }

  // -- the name --------------------------------------------------------------

  result<void> name_it() {
    auto key = natural_key_of(in_.match, body_, at_);
    if (!in_.on) {
      if (key)
        out_.key = std::move(key);
      else if (about_.unique_name)
        return failure(errc::bad_request,
                       "a " + about_.kind
                         + " is known by its name at all "
                           "sites, and the body has none at "
                         + about_.name_pointer,
                       "give it a name");
      else
        out_.retry_key = in_.asks.key;
      return {};
    }
    auto known_by_name =
      about_.unique_name && in_.on->generation != 0 && ends_in_id();
    if (known_by_name && renames(key))
      return failure(errc::conflict,
                     "a replicated " + about_.kind
                       + " is known by its name, which cannot change",
                     "delete it and create one of the other name");
    return {};
  }

  bool renames(const std::optional<natural_key>& now) const {
    if (now && meta_of(*now, in_.on->generation) != *in_.on)
      return true;
    // A JSON Patch (RFC 6902).
    if (!body_ || !body_->is_array())
      return false;
    return std::ranges::any_of(body_->get_array(), [&](const json::value& x) {
      const auto* op = at_pointer(x, "/op");
      const auto* path = at_pointer(x, "/path");
      return op && path && id_text(*op) != "test"
             && id_text(*path) == about_.name_pointer;
    });
  }

  // -- what becomes of calls that nobody answered ----------------------------

  void settle() {
    auto& op = out_.what;
    const auto& rules = about_.copies;
    op.settles_after_ms =
      static_cast<std::uint32_t>(rules.settles_after.count());
    op.on_refusal =
      rules.compensates ? refusal_rule::compensate : refusal_rule::keep;
    if (op.does != change::create) {
      auto again = in_.head.method == "PUT" || in_.head.method == "DELETE";
      op.settle = again ? settling::repeat : settling::none;
      return;
    }
    if (rules.creates == application::settling::repeat)
      op.settle = settling::repeat;
    else if (rules.creates == application::settling::probe)
      make_probe();
    make_undo();
  }

  /// A template with values and slots in it; false: one is not known.
  bool expand(std::string_view pattern, templated& to) const {
    auto question = std::min(pattern.find('?'), pattern.size());
    std::uint32_t segment = 0;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (i < question && pattern[i] == '/')
        segment = static_cast<std::uint32_t>(
          std::ranges::count(pattern.substr(0, i), '/'));
      if (pattern[i] != '{') {
        to.target += pattern[i];
        continue;
      }
      auto close = pattern.find('}', i);
      if (!put_value(pattern.substr(i + 1, close - i - 1), i < question,
                     segment, to))
        return false;
      i = close;
    }
    return true;
  }

  bool put_value(std::string_view name, bool in_path, std::uint32_t segment,
                 templated& to) const {
    if (name == "name" && out_.key) {
      to.target += percent_encoded(out_.key->path.back());
      return true;
    }
    if (name == "id" && !named_by_path()) {
      to.target += placeholder;
      to.slots.push_back({slot::place::segment, segment, {}, ports::own_meta});
      return true;
    }
    auto i = std::ranges::find(in_.match.parameters, name,
                               &application::path_parameter::name);
    if (i == in_.match.parameters.end())
      return false;
    to.target += percent_encoded(i->value);
    auto same = [&](const slot& s) {
      return s.where == slot::place::segment && s.segment == i->segment;
    };
    auto given = std::ranges::find_if(out_.what.what.slots, same);
    if (given == out_.what.what.slots.end())
      return true;
    // Ids are translated in paths, not in queries.
    to.slots.push_back({slot::place::segment, segment, {}, given->of});
    return in_path;
  }

  bool named_by_path() const {
    return std::ranges::any_of(in_.match.parameters,
                               [](const auto& x) { return x.name == "id"; });
  }

  void make_probe() {
    templated probe;
    probe.method = "GET";
    if (!out_.key || !expand(about_.copies.probe, probe))
      return;
    for (const auto& f : out_.what.what.fields)
      if (same_name(f.name, "Accept"))
        probe.fields.push_back(f);
    out_.what.settle = settling::probe;
    out_.what.probe = std::move(probe);
  }

  void make_undo() {
    std::vector<std::string_view> wanted;
    for (const auto& x : in_.match.parameters)
      wanted.push_back(x.name);
    if (!named_by_path())
      wanted.emplace_back("id");
    const auto* remove = about_.find(verb::remove, wanted);
    if (remove == nullptr)
      return;
    templated undo;
    undo.method = remove->method;
    if (expand(remove->path, undo))
      out_.what.undo = std::move(undo);
  }

  // -- the client's own name for it ------------------------------------------

  void take_key() {
    if (in_.asks.key.empty())
      return;
    const auto& op = out_.what;
    std::string who = op.service.value;
    who.append(1, '\0').append(op.principal).append(1, '\0');
    std::string what;
    for (const auto& x : {op.what.method, op.what.target, op.what.body})
      what.append(std::to_string(x.size())).append(1, ' ').append(x);
    out_.what.key = client_key{digest_of(who + in_.asks.key), digest_of(what)};
  }

  // -- bounds ----------------------------------------------------------------

  result<void> check_bounds() const {
    const auto& op = out_.what;
    auto over = [](const std::string& what, const std::string& limit) {
      return failure(errc::too_large, what + " is over " + limit,
                     "what is replicated is kept by every site");
    };
    std::size_t bytes = op.what.target.size() + op.what.body.size();
    for (const auto& f : op.what.fields)
      bytes += f.name.size() + f.value.size();
    if (bytes > in_.entry_bytes_max)
      return over("the request (" + std::to_string(bytes) + " bytes)",
                  "limits.entry_bytes (" + std::to_string(in_.entry_bytes_max)
                    + ")");
    if (op.what.slots.size() > slots_max || op.after.size() > dependencies_max)
      return over("the number of replicated resources that the request names",
                  std::to_string(slots_max));
    if (op.what.method.size() > method_bytes_max)
      return over("the method", std::to_string(method_bytes_max) + " bytes");
    if (op.what.fields.size() > fields_max)
      return over("the number of fields that matter",
                  std::to_string(fields_max));
    return {};
  }

  const intake& in_;
  const lookups& at_;
  const application::resource& about_;
  std::optional<json::value> body_;
  taken out_;
};

} // namespace

result<taken> take_in(const intake& in, const lookups& at) {
  return taker{in, at}();
}

std::optional<std::string> read_target(const application::request_match& create,
                                       std::string_view local_id) {
  std::vector<std::string_view> wanted{"id"};
  for (const auto& x : create.parameters)
    if (x.name != "id")
      wanted.push_back(x.name);
  const auto* read = create.what.about->find(verb::read, wanted);
  if (read == nullptr || read->method != "GET")
    return std::nullopt;
  std::string out;
  std::string_view pattern = read->path;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '{') {
      out += pattern[i];
      continue;
    }
    auto close = pattern.find('}', i);
    auto name = pattern.substr(i + 1, close - i - 1);
    auto given = std::ranges::find(create.parameters, name,
                                   &application::path_parameter::name);
    out +=
      percent_encoded(name == "id" ? local_id : std::string_view{given->value});
    i = close;
  }
  return out;
}

} // namespace cheops::replicant
