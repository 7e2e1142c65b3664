#include "tools/admin_replicants.hpp"

#include "cheops/replicant/show.hpp"
#include "cheops/replicant/told.hpp"
#include "cheops/scope/parse.hpp"
#include "cheops/scope/plan.hpp"
#include "cheops/text.hpp"
#include "tools/admin_answers.hpp"
#include "tools/explain.hpp"

#include <algorithm>
#include <future>

namespace cheops::tools {

namespace json = boost::json;
using http::service_request;
using http::service_response;
using replicant::meta_id;

namespace {

using context_ptr = std::shared_ptr<const admin_context>;

constexpr std::size_t lines_default = 100, lines_max = 1000;
constexpr std::size_t events_in_piece = 100;
/// A stream that has nothing to say is asked ten times a second.
constexpr unsigned asks_between_signs_of_life = 150;
/// The port answers within the patience of its rules; never is not waited for.
constexpr std::chrono::seconds wait_max{60};

error wrong(std::string what, std::string hint = {}) {
  return {errc::bad_request, std::move(what), "", "read the request",
          std::move(hint)};
}

/// Has a question answered that is answered on another thread.
template <class T, class Ask>
result<T> await(const Ask& ask) {
  auto told = std::make_shared<std::promise<result<T>>>();
  auto answer = told->get_future();
  ask([told](result<T> x) { told->set_value(std::move(x)); });
  if (answer.wait_for(wait_max) != std::future_status::ready)
    return error{errc::timed_out, "nobody answered", "", "ask the replicant",
                 "see the log of the node"};
  return answer.get();
}

/// What a route does; errors become problems.
struct request_in {
  const admin_context& in;
  ports::replication& port;
  const service_request& rq;
};
using body_of_route = result<service_response> (*)(const request_in&);

service_response nothing_kept(const admin_context& in) {
  return problem({errc::not_built, "this node keeps nothing on several sites",
                  in.config()->name.value, "replicate", ""});
}

http::route route_to(const context_ptr& in, const char* method,
                     const char* path, body_of_route run) {
  return {method, path, [in, run](const service_request& rq) {
            if (!in->replication)
              return nothing_kept(*in);
            auto done = run({*in, *in->replication, rq});
            if (done)
              return std::move(*done);
            auto why = done.error();
            if (why.site.empty())
              why.site = in->config()->name.value;
            return problem(why);
          }};
}

// -- words of a request ------------------------------------------------------

std::optional<std::string> asked(const service_request& rq, const char* name) {
  auto i = rq.query.find(name);
  return i == rq.query.end() ? std::nullopt : std::optional{i->second};
}

result<meta_id> meta_in(std::string_view text) {
  auto out = replicant::parse_meta(text);
  if (!out)
    return wrong("\"" + std::string{text.substr(0, 100)}
                   + "\" is not the id of a replicant",
                 "cheops get replicants lists them");
  return *out;
}

result<meta_id> meta_of_path(const service_request& rq) {
  return meta_in(rq.parameters.at("meta"));
}

result<std::uint64_t> number_in(const service_request& rq, const char* name,
                                std::uint64_t otherwise) {
  auto text = asked(rq, name);
  if (!text)
    return otherwise;
  auto out = whole_number(*text);
  if (!out)
    return wrong(std::string{name} + " is not a number");
  return *out;
}

/// The object in a body; an empty body is an empty object.
result<json::object> object_in(const service_request& rq,
                               std::initializer_list<std::string_view> known) {
  if (rq.body.empty())
    return json::object{};
  boost::system::error_code bad;
  auto body = json::parse(rq.body, bad);
  if (bad || !body.is_object())
    return wrong("the body is not a JSON object");
  for (const auto& member : body.get_object())
    if (std::ranges::find(known, std::string_view{member.key()}) == known.end())
      return wrong("unknown member \"" + std::string{member.key()} + "\"");
  return std::move(body.get_object());
}

result<std::string> text_in(const json::object& x, std::string_view name) {
  const auto* member = x.if_contains(name);
  if (member == nullptr || !member->is_string())
    return wrong("\"" + std::string{name} + "\" is missing, or no text");
  return std::string{std::string_view{member->get_string()}};
}

// -- looking -----------------------------------------------------------------

result<ports::list_filter> filter_in(const request_in& x) {
  ports::list_filter out;
  if (auto text = asked(x.rq, "state")) {
    out.state = replicant::parse_site_state(*text);
    if (!out.state)
      return wrong("no state is called \"" + *text + "\"",
                   "write pending, ok, diverged or uncertain");
  }
  if (auto text = asked(x.rq, "service")) {
    const auto app = x.in.application();
    const auto* service = app->find(*text);
    if (service == nullptr)
      return wrong("no service is called \"" + *text + "\"",
                   "cheops get fronts lists them");
    out.service = service->name;
  }
  out.kind = asked(x.rq, "kind");
  if (auto text = asked(x.rq, "site")) {
    const auto mesh = x.in.view();
    const auto* site = mesh->find_any_case(*text);
    if (site == nullptr)
      return wrong("no site is called \"" + *text + "\"",
                   "cheops get sites lists them");
    out.site = site->name;
  }
  return out;
}

result<service_response> list(const request_in& x) {
  auto which = filter_in(x);
  if (!which)
    return which.error();
  auto most = number_in(x.rq, "limit", lines_default);
  if (!most)
    return most.error();
  std::optional<meta_id> after;
  if (auto text = asked(x.rq, "after")) {
    auto meta = meta_in(*text);
    if (!meta)
      return meta.error();
    after = *meta;
  }
  auto page = await<ports::list_page>([&](auto done) {
    x.port.list(*which, after, std::clamp<std::size_t>(*most, 1, lines_max),
                done);
  });
  if (!page)
    return page.error();
  json::array lines;
  for (const auto& line : page->lines)
    lines.emplace_back(replicant::to_json(line));
  json::object out;
  out["replicants"] = std::move(lines);
  out["next"] =
    page->next ? json::value(to_string(*page->next)) : json::value(nullptr);
  return answer(out);
}

result<ports::replicant_view> view_of(ports::replication& port,
                                      const meta_id& meta) {
  auto view = await<std::optional<ports::replicant_view>>(
    [&](auto done) { port.describe(meta, done); });
  if (!view)
    return view.error();
  if (!*view)
    return error{errc::not_found,
                 "no replicant " + to_string(meta) + " is kept here", "",
                 "look for it", "cheops get replicants lists those that are"};
  return std::move(**view);
}

result<service_response> describe(const request_in& x) {
  auto meta = meta_of_path(x.rq);
  if (!meta)
    return meta.error();
  auto view = view_of(x.port, *meta);
  if (!view)
    return view.error();
  return answer(replicant::to_json(*view));
}

result<service_response> operation(const request_in& x) {
  const auto& text = x.rq.parameters.at("id");
  auto name = replicant::parse_operation_name(text);
  if (!name)
    return wrong("\"" + text.substr(0, 200) + "\" is not an operation",
                 "it is what a front said in Cheops-Operation");
  auto view = await<std::optional<ports::operation_view>>(
    [&](auto done) { x.port.operation(name->meta, name->id, done); });
  if (!view)
    return view.error();
  if (!*view)
    return error{errc::not_found,
                 "no replicant " + to_string(name->meta) + " is kept here", "",
                 "look for it", "ask the site that the client asked"};
  return answer(replicant::to_json(**view, name->meta));
}

// -- events ------------------------------------------------------------------

std::string as_sent(const ports::feed_event& x) {
  return "id: " + std::to_string(x.sequence)
         + "\nevent: " + std::string{replicant::to_string(x.what.what)}
         + "\ndata: " + json::serialize(replicant::to_json(x)) + "\n\n";
}

/// Server-sent events (WHATWG HTML, 9.2), from behind `after`.
service_response event_stream(const context_ptr& in, std::uint64_t after,
                              std::optional<meta_id> of) {
  service_response out;
  out.type = "text/event-stream";
  out.fields.emplace_back("Cache-Control", "no-store");
  auto first = std::make_shared<bool>(true);
  auto silent = std::make_shared<unsigned>(0);
  auto at = std::make_shared<std::uint64_t>(after);
  out.stream = [in, of, first, silent, at](std::string& piece) {
    if (std::exchange(*first, false)) {
      piece = ": events behind " + std::to_string(*at) + "\n\n";
      return true;
    }
    auto page = in->replication->events(*at, events_in_piece);
    if (page.missed)
      piece +=
        "event: missed\ndata: {\"after\": " + std::to_string(*at) + "}\n\n";
    for (const auto& x : page.events) {
      *at = x.sequence;
      if (!of || x.meta == *of)
        piece += as_sent(x);
    }
    if (!piece.empty())
      *silent = 0;
    else if (++*silent >= asks_between_signs_of_life) {
      piece = ":\n\n";
      *silent = 0;
    }
    return true;
  };
  return out;
}

result<service_response> event_page(const request_in& x, std::uint64_t after,
                                    const std::optional<meta_id>& of) {
  auto most = number_in(x.rq, "limit", lines_default);
  if (!most)
    return most.error();
  auto page =
    x.port.events(after, std::clamp<std::size_t>(*most, 1, lines_max));
  json::array events;
  for (const auto& e : page.events)
    if (!of || e.meta == *of)
      events.emplace_back(replicant::to_json(e));
  json::object out;
  out["events"] = std::move(events);
  out["next"] = page.events.empty() ? std::max(after, page.newest)
                                    : page.events.back().sequence;
  out["missed"] = page.missed;
  return answer(out);
}

service_response events(const context_ptr& in, const service_request& rq) {
  if (!in->replication)
    return nothing_kept(*in);
  auto refused = [&](error why) {
    why.site = in->config()->name.value;
    return problem(why);
  };
  auto& port = *in->replication;
  std::optional<meta_id> of;
  if (auto text = asked(rq, "replicant")) {
    auto meta = meta_in(*text);
    if (!meta)
      return refused(meta.error());
    of = *meta;
  }
  auto watch = rq.query.contains("watch");
  // Who comes anew watches what is to come; who comes back, what was missed.
  auto after = number_in(rq, "after", watch ? port.events(0, 0).newest : 0);
  if (!after)
    return refused(after.error());
  if (auto last = whole_number(rq.get("Last-Event-ID")))
    *after = *last;
  if (watch)
    return event_stream(in, *after, of);
  auto page = event_page({*in, port, rq}, *after, of);
  return page ? std::move(*page) : refused(page.error());
}

// -- doing -------------------------------------------------------------------

/// What is told of a change that a person asked for.
result<service_response> told(const request_in& x,
                              const result<ports::write_answer>& done) {
  if (!done)
    return done.error();
  if (done->how.how == replicant::ending::refused) {
    auto why = replicant::explain(done->how.why, done->meta, done->how.status);
    why.why.site = x.in.config()->name.value;
    return problem(why.why, {}, why.status);
  }
  auto open = done->how.how == replicant::ending::open
              || done->how.how == replicant::ending::accepted;
  json::object out;
  out["replicant"] = to_string(done->meta);
  out["operation"] =
    done->how.operation == replicant::operation_id{}
      ? json::value(nullptr)
      : json::value(
        to_string(replicant::operation_name{done->meta, done->how.operation}));
  out["done"] = !open;
  out["sites"] = replicant::to_json(done->how.sites);
  return answer(out, open ? 202 : 200);
}

/// The sites of a scope, for a resource of that service.
result<std::vector<site_id>> sites_of(const request_in& x,
                                      const std::string& text,
                                      const service_id& service) {
  const auto app = x.in.application();
  const auto mesh = x.in.view();
  auto tree = scope::parse(text, names_of(*app, *mesh));
  if (!tree)
    return scope::to_error(text, tree.error());
  scope::question ask;
  ask.service = service;
  ask.safe = false;
  ask.creates = ask.inherited = ask.replicates = true;
  auto plan = scope::make_plan(*tree, ask, *app, *mesh);
  if (!plan)
    return plan.error();
  auto fits = plan->act == scope::action::replicate
              || (plan->act == scope::action::share && plan->sites.size() == 1);
  if (!fits || !plan->not_built.empty())
    return error{errc::bad_scope,
                 "the scope must name the sites of " + service.value + ": "
                   + plan->summary,
                 "", "plan scope", "write Site1 & Site2, or one site alone"};
  return std::move(plan->sites);
}

result<service_response> scale(const request_in& x) {
  auto meta = meta_of_path(x.rq);
  if (!meta)
    return meta.error();
  auto body = object_in(x.rq, {"scope", "remove"});
  if (!body)
    return body.error();
  auto text = text_in(*body, "scope");
  if (!text)
    return text.error();
  auto remove = true;
  if (const auto* member = body->if_contains("remove")) {
    if (!member->is_bool())
      return wrong("\"remove\" is neither true nor false");
    remove = member->get_bool();
  }
  auto view = view_of(x.port, *meta);
  if (!view)
    return view.error();
  auto sites = sites_of(x, *text, view->service);
  if (!sites)
    return sites.error();
  ports::creation to;
  to.sites = std::move(*sites);
  return told(x, await<ports::write_answer>([&](auto done) {
                return x.port.scale(*meta, to, remove, done);
              }));
}

/// The entry that is meant: the one named, else the oldest that troubles the
/// site.
result<std::uint64_t> index_in(const request_in& x, const json::object& body,
                               const meta_id& meta) {
  if (const auto* member = body.if_contains("index")) {
    boost::system::error_code bad;
    auto out = member->to_number<std::uint64_t>(bad);
    if (bad)
      return wrong("\"index\" is not a number");
    return out;
  }
  auto view = view_of(x.port, meta);
  if (!view)
    return view.error();
  if (view->troubles.empty())
    return error{errc::not_found,
                 "nothing troubles replicant " + to_string(meta)
                   + " at this site",
                 "", "look for it", "cheops describe replicant shows it"};
  return std::ranges::min(view->troubles, {}, &replicant::trouble::index).index;
}

result<service_response> resolve(const request_in& x,
                                 replicant::resolution how) {
  auto meta = meta_of_path(x.rq);
  if (!meta)
    return meta.error();
  auto exists = how == replicant::resolution::exists;
  auto body = exists ? object_in(x.rq, {"index", "local_id"})
                     : object_in(x.rq, {"index"});
  if (!body)
    return body.error();
  replicant::resolve_asked ask;
  ask.how = how;
  if (exists) {
    auto id = text_in(*body, "local_id");
    if (!id)
      return id.error();
    ask.local_id = std::move(*id);
  }
  auto index = index_in(x, *body, *meta);
  if (!index)
    return index.error();
  ask.index = *index;
  return told(x, await<ports::write_answer>([&](auto done) {
                return x.port.resolve(*meta, ask, done);
              }));
}

result<service_response> retry(const request_in& x) {
  return resolve(x, replicant::resolution::retry);
}
result<service_response> abandon(const request_in& x) {
  return resolve(x, replicant::resolution::abandon);
}
result<service_response> exists(const request_in& x) {
  return resolve(x, replicant::resolution::exists);
}

} // namespace

void add_replicant_routes(std::vector<http::route>& to, context_ptr in) {
  auto add = [&](const char* method, const char* path, body_of_route run) {
    to.push_back(route_to(in, method, path, run));
  };
  add("GET", "/v1/replicants", list);
  add("GET", "/v1/replicants/{meta}", describe);
  add("POST", "/v1/replicants/{meta}/scale", scale);
  add("POST", "/v1/replicants/{meta}/retry", retry);
  add("POST", "/v1/replicants/{meta}/abandon", abandon);
  add("POST", "/v1/replicants/{meta}/settle", exists);
  add("GET", "/v1/operations/{id}", operation);
  to.push_back({"GET", "/v1/events",
                [in](const service_request& rq) { return events(in, rq); }});
}

} // namespace cheops::tools
