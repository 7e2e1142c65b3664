#include "tools/demo_app/services.hpp"

#include "http/client.hpp"
#include "tools/demo_app/answers.hpp"
#include "tools/demo_app/blob.hpp"

#include <boost/json.hpp>
#include <boost/url.hpp>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace demo {

namespace json = boost::json;

namespace {

constexpr const char* a = "ServiceA";
constexpr const char* b = "ServiceB";

constexpr std::chrono::milliseconds watch_pulse{5'000};

/// ServiceA gives up on ServiceB after this.
constexpr std::chrono::milliseconds inner_call_max{20'000};

void log(instance& self, const char* service, const request& in,
         unsigned status) {
  journal_line line;
  line.service = service;
  line.method = in.method;
  line.path = in.target;
  line.traceparent = in.get("traceparent");
  line.status = status;
  self.log.add(std::move(line));
}

/// A route whose calls the journal shows.
route logged(instance& self, const char* service, const char* method,
             const char* path, handler run) {
  auto wrapped = [&self, service, run = std::move(run)](const request& in) {
    auto out = run(in);
    log(self, service, in, out.status);
    return out;
  };
  return {method, path, wrapped, {}};
}

response list(const collection& all, const std::string& plural,
              const request& in) {
  std::optional<std::string> name;
  if (auto found = in.query.find("name"); found != in.query.end())
    name = found->second;
  json::array out;
  for (auto& x : all.list(name))
    out.push_back(std::move(x.body));
  return answer(200, json::object{{plural, std::move(out)}});
}

response show(const collection& all, const std::string& kind,
              const request& in) {
  const auto& id = in.parameters.at("id");
  auto found = all.find(id);
  return found ? answer(in, *found)
               : refusal(collection::outcome::absent, kind, id);
}

response remove(collection& all, const std::string& kind, const request& in) {
  const auto& id = in.parameters.at("id");
  auto done = all.remove(id, expected_version(in));
  if (done.what != collection::outcome::done)
    return refusal(done.what, kind, id);
  response out;
  out.status = 204;
  out.type.clear();
  return out;
}

response created(const std::string& collection_path, const record& x,
                 const request& in) {
  auto out = answer(in, x);
  out.status = 201;
  out.fields.emplace_back("Location", collection_path + '/' + x.id);
  return out;
}

/// Keeps `members` as a new resource, or as the one that the path names.
response keep(collection& all, const std::string& kind, json::object members,
              const request& in) {
  auto name = text_of(members, "name");
  auto id = in.parameters.find("id");
  auto done =
    id == in.parameters.end()
      ? all.create(std::move(members))
      : all.update(id->second, std::move(members), expected_version(in));
  if (done.what != collection::outcome::done)
    return refusal(done.what, kind,
                   done.what == collection::outcome::taken ? name
                   : id == in.parameters.end()             ? name
                                                           : id->second);
  return id == in.parameters.end() ? created('/' + kind + 's', done.now, in)
                                   : answer(in, done.now);
}

response put_bar(instance& self, const request& in) {
  auto members = members_of(in);
  if (auto* refused = std::get_if<response>(&members))
    return *refused;
  auto& body = std::get<json::object>(members);
  body["instance"] = self.with.name;
  return keep(self.bars, "bar", std::move(body), in);
}

/// Asks ServiceB for a bar by its name. An answer of a status other than 200
/// is the refusal to give on.
std::variant<json::object, response> bar_by_name(instance& self,
                                                 const std::string& name,
                                                 const request& on_behalf_of) {
  boost::urls::url query(self.with.service_b_url + "/bars");
  query.params().append({"name", name});
  cheops::http::client_request call;
  call.url = std::string{query.buffer()};
  call.timeout = inner_call_max;
  call.fields.emplace_back("Accept", "application/json");
  for (const auto* field :
       {"traceparent", "tracestate", "baggage", "Authorization"})
    for (const auto& [key, value] : on_behalf_of.fields)
      if (cheops::same_name(key, field))
        call.fields.emplace_back(field, value);
  auto got = cheops::http::fetch(call);
  if (!got)
    return problem(502, "ServiceB cannot be reached");
  if (got->status != 200)
    return problem(502, "ServiceB answered " + std::to_string(got->status));
  boost::system::error_code failed;
  auto body = json::parse(got->body, failed);
  auto* bars = failed ? nullptr : body.find_pointer("/bars", failed);
  if (!bars || !bars->is_array())
    return problem(502, "ServiceB's answer makes no sense");
  if (bars->get_array().empty() || !bars->get_array()[0].is_object())
    return problem(422, "bar " + name + " not found");
  return std::move(bars->get_array()[0].get_object());
}

response put_foo(instance& self, const request& in) {
  auto members = members_of(in);
  if (auto* refused = std::get_if<response>(&members))
    return *refused;
  auto& body = std::get<json::object>(members);
  auto name = text_of(body, "bar");
  if (name.empty())
    return problem(422, "\"bar\" must name a bar: a foo requires one");
  auto bar = bar_by_name(self, name, in);
  if (auto* refused = std::get_if<response>(&bar))
    return *refused;
  const auto& found = std::get<json::object>(bar);
  body["bar_id"] = text_of(found, "id");
  body["bar_instance"] = text_of(found, "instance");
  body["instance"] = self.with.name;
  return keep(self.foos, "foo", std::move(body), in);
}

/// What arrived here, as it arrived.
response echo(const instance& self, const request& in) {
  json::object fields;
  for (const auto& [name, value] : in.fields)
    fields[cheops::fold_case(name)] = value;
  return answer(200, json::object{{"instance", self.with.name},
                                  {"method", in.method},
                                  {"path", in.path},
                                  {"fields", std::move(fields)},
                                  {"body_bytes", in.body.size()}});
}

/// A number of the query.
std::uint64_t number_in(const request& in, const char* name,
                        std::uint64_t otherwise) {
  auto found = in.query.find(name);
  return found == in.query.end()
           ? otherwise
           : std::strtoull(found->second.c_str(), nullptr, 10);
}

response show_journal(const instance& self, const char* service,
                      const request& in) {
  response out;
  out.body = self.log.render(service, number_in(in, "after", 0),
                             number_in(in, "last", 1000));
  return out;
}

/// GET /blobs/{bytes}: so many bytes of a pattern that repeats.
response give_blob(const request& in) {
  const auto& text = in.parameters.at("bytes");
  auto bytes = std::strtoull(text.c_str(), nullptr, 10);
  response out;
  out.type = "application/octet-stream";
  out.source_bytes = bytes;
  out.source = [at = std::uint64_t{0}, bytes](char* to,
                                              std::size_t room) mutable {
    auto n = std::min<std::uint64_t>(room, bytes - at);
    blob_pattern(at, to, n);
    at += n;
    return static_cast<std::size_t>(n);
  };
  return out;
}

/// PUT /blobs: swallows a body of any size and says what it was.
receiver take_blob(instance& self, const char* service) {
  struct sum {
    std::uint64_t bytes = 0;
    std::uint64_t checksum = blob_checksum_start;
  };
  auto all = std::make_shared<sum>();
  return {[all](std::string_view piece) {
            all->bytes += piece.size();
            all->checksum = blob_checksum(all->checksum, piece);
          },
          [&self, service, all](const request& in) {
            log(self, service, in, 200);
            return answer(200, json::object{{"instance", self.with.name},
                                            {"bytes", all->bytes},
                                            {"checksum", hex(all->checksum)}});
          }};
}

/// GET /watch[?lines=N]: a JSON line for each call from now on; an empty line
/// now and then shows that the connection lives.
response watch(instance& self, const request& in) {
  auto found = in.query.find("lines");
  auto most = found == in.query.end()
                ? 0
                : std::strtoull(found->second.c_str(), nullptr, 10);
  response out;
  out.type = "application/jsonl";
  out.source = [&self, most, lines = std::uint64_t{0},
                after = self.log.last()](char* to, std::size_t room) mutable {
    if (most && lines == most)
      return std::size_t{0};
    ++lines;
    auto text = lines == 1 ? "{\"watching\":\"" + self.with.name + "\"}"
                           : self.log.wait(after, watch_pulse);
    text = text.substr(0, room - 1) + '\n';
    std::copy(text.begin(), text.end(), to);
    return text.size();
  };
  return out;
}

response show_deeds(const instance& self, const request& in) {
  response out;
  out.body =
    self.book.render(number_in(in, "after", 0), number_in(in, "most", 10'000));
  return out;
}

/// A change was done and noted; what may go wrong now is its answer.
response answered(instance& self, response x) {
  if (x.status >= 300)
    return x;
  if (self.dies_next && self.with.die)
    self.with.die();
  auto number = ++self.changes;
  x.lost = self.with.lose_every > 0 && number % self.with.lose_every == 0;
  return x;
}

/// What both services have: health, the journal, an echo, large bodies.
std::vector<route> common(instance& self, const char* service) {
  std::vector<route> out;
  out.push_back({"GET",
                 "/healthz",
                 [&self](const request&) {
                   return answer(200,
                                 json::object{{"status", "ok"},
                                              {"instance", self.with.name}});
                 },
                 {}});
  out.push_back({"GET",
                 "/journal",
                 [&self, service](const request& in) {
                   return show_journal(self, service, in);
                 },
                 {}});
  out.push_back({"GET",
                 "/deeds",
                 [&self](const request& in) { return show_deeds(self, in); },
                 {}});
  // For tests of whoever calls it: it dies as soon as it has done a change,
  // and before it answers.
  out.push_back({"POST",
                 "/die-after-work",
                 [&self](const request&) {
                   self.dies_next = true;
                   response ok;
                   ok.status = 204;
                   ok.type.clear();
                   return ok;
                 },
                 {}});
  for (const auto* method : {"GET", "POST"})
    out.push_back(
      logged(self, service, method, "/echo",
             [&self](const request& in) { return echo(self, in); }));
  out.push_back(logged(self, service, "GET", "/blobs/{bytes}", &give_blob));
  out.push_back({"PUT", "/blobs", {}, [&self, service] {
                   return take_blob(self, service);
                 }});
  out.push_back(logged(self, service, "GET", "/watch",
                       [&self](const request& in) { return watch(self, in); }));
  return out;
}

using put = response (*)(instance&, const request&);

void add_collection(std::vector<route>& to, instance& self, const char* service,
                    collection& all, const std::string& kind, put keep_it) {
  auto plural = kind + 's';
  auto root = '/' + plural;
  auto one = root + "/{id}";
  auto add = [&](const char* method, const std::string& path, handler run) {
    to.push_back(logged(self, service, method, path.c_str(), std::move(run)));
  };
  auto store = [&self, keep_it](const request& in) {
    return answered(self, keep_it(self, in));
  };
  add("POST", root, store);
  add("GET", root,
      [&all, plural](const request& in) { return list(all, plural, in); });
  add("GET", one,
      [&all, kind](const request& in) { return show(all, kind, in); });
  add("PUT", one, store);
  add("DELETE", one, [&self, &all, kind](const request& in) {
    return answered(self, remove(all, kind, in));
  });
}

} // namespace

instance::instance(settings s, journal& j, ledger& b)
  : with(std::move(s)),
    log(j),
    book(b),
    foos(with.unique_names),
    bars(with.unique_names) {
  for (const auto& x : book.take_old())
    (x.kind == "foo" ? foos : bars).redo(x);
  foos.note_in(book, "foo");
  bars.note_in(book, "bar");
}

std::vector<route> service_a(instance& self) {
  auto out = common(self, a);
  add_collection(out, self, a, self.foos, "foo", &put_foo);
  return out;
}

std::vector<route> service_b(instance& self) {
  auto out = common(self, b);
  add_collection(out, self, b, self.bars, "bar", &put_bar);
  return out;
}

} // namespace demo
