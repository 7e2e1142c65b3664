// Resources on several sites, as clients of a front see them: the data plane
// on sockets, with a replication port that does what the test says.
#include "cheops/replicant/told.hpp"
#include "support/boost_test.hpp"
#include "support/fake_replication.hpp"
#include "support/free_port.hpp"
#include "support/proxy_fixture.hpp"

#include <boost/json.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

using namespace cheops;
using namespace std::chrono_literals;
using application::verb;
using replicant::ending;
using replicant::refusal;
using replicant::site_state;

namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

const auto meta = replicant::random_meta(1, 2);
const replicant::operation_id id{0xab, 2, 3};

/// What was submitted, and how to answer it.
struct submitted {
  ports::write_request what;
  ports::completion<result<ports::write_answer>> done;
};

/// Site1 of Site1 & Site2, with bars; bar 7 is replicated.
struct replicated_site : proxy_fixture {
  std::shared_ptr<testing::fake_replication> port =
    std::make_shared<testing::fake_replication>();
  std::mutex guard;
  std::condition_variable came;
  std::vector<submitted> all;

  replicated_site() {
    replicas = port;
    app->services[0].authenticates = false;
    application::resource bar;
    bar.kind = "bar";
    bar.id_pointer = "/id";
    bar.name_pointer = "/name";
    bar.unique_name = true;
    bar.operations = {{"POST", "/bars", verb::create},
                      {"GET", "/bars", verb::list},
                      {"GET", "/bars/{id}", verb::read},
                      {"PUT", "/bars/{id}", verb::update},
                      {"DELETE", "/bars/{id}", verb::remove}};
    app->services[0].resources = {bar};
    config->times.answer = 20s;
    config->bounds.entry_bytes = 300;
    config->peers.push_back({site_id{"Site2"}, {"127.0.0.1", 1}, {}});
    port->copies[{"bar", "7"}] = {meta, 5, site_state::ok};
    port->on_submit = [this](ports::write_request what, auto done) {
      std::lock_guard lock{guard};
      all.push_back({std::move(what), std::move(done)});
      came.notify_all();
    };
  }
  ~replicated_site() { server.reset(); }

  raw_socket ask(const std::string& line, const std::string& more = "",
                 const std::string& body = "") {
    if (!server)
      start();
    auto out = client();
    out.write(line + " HTTP/1.1\r\nHost: a\r\n" + more
              + (body.empty()
                   ? ""
                   : "Content-Length: " + std::to_string(body.size()) + "\r\n")
              + "\r\n" + body);
    return out;
  }
  raw_socket create(const std::string& more = "") {
    return ask("POST /bars",
               "Scope: {ServiceA: Site1 & Site2}\r\n"
               "Content-Type: application/json\r\n"
                 + more,
               R"({"name":"x"})");
  }

  submitted& next(std::size_t i = 0) {
    std::unique_lock lock{guard};
    came.wait(lock, [&] { return all.size() > i; });
    return all[i];
  }

  ports::write_answer answer(ending how, std::uint16_t status = 0) const {
    ports::write_answer out;
    out.meta = meta;
    out.how.operation = id;
    out.how.how = how;
    out.how.status = status;
    out.how.index = 9;
    out.how.local_id = "7";
    out.how.sites = {{site_id{"Site2"}, site_state::pending, 0},
                     {site_id{"Site1"}, site_state::ok, status}};
    return out;
  }
  ports::write_answer as_application_did(std::uint16_t status,
                                         std::string body) const {
    auto out = answer(ending::application, status);
    auto said = std::make_shared<ports::application_answer>();
    said->status = status;
    said->fields = {{"Content-Type", "application/json"},
                    {"Location", "/bars/7"},
                    {"Cheops-Sites", "forged"}};
    said->body = std::move(body);
    out.application = said;
    return out;
  }
  ports::write_answer refused(refusal why) const {
    auto out = answer(ending::refused);
    out.how.why = why;
    out.how.index = 0;
    return out;
  }
};

std::string body_of(const std::string& answer) {
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(replicated, replicated_site)

BOOST_AUTO_TEST_CASE(a_create_gets_the_applications_own_answer) {
  auto c = create("Authorization: Bearer secret\r\n");
  auto& asked = next();
  const auto& to = std::get<ports::creation>(asked.what.on);
  BOOST_TEST((to.sites == std::vector{site_id{"Site1"}, site_id{"Site2"}}));
  BOOST_REQUIRE(to.key);
  BOOST_TEST(to.key->path == std::vector<std::string>{"x"});
  BOOST_TEST((asked.what.until == replicant::wait_for::here));
  BOOST_TEST((asked.what.patience == 20s));
  BOOST_TEST(asked.what.what.what.body == R"({"name":"x"})");
  BOOST_REQUIRE(asked.what.what.what.fields.size() == 1U);
  BOOST_TEST(asked.what.what.what.fields[0].name == "Content-Type");
  asked.done(as_application_did(201, R"({"id":"7"})"));
  auto got = c.read_until(R"({"id":"7"})");
  BOOST_TEST(has(got, "HTTP/1.1 201 Created\r\n"));
  BOOST_TEST(has(got, "\r\nLocation: /bars/7\r\n"));
  BOOST_TEST(has(got, "\r\nContent-Length: 10\r\n"));
  BOOST_TEST(has(got, "\r\nCheops-Sites: Site1=201, Site2=pending\r\n"));
  BOOST_TEST(has(got, "\r\nCheops-Replicant: " + to_string(meta) + "\r\n"));
  BOOST_TEST(has(got, "\r\nCheops-Replicant-Index: 9\r\n"));
  BOOST_TEST(has(got, "\r\nCheops-Operation: " + to_string(meta) + "_"));
  BOOST_TEST(!has(got, "forged"));
  // The connection goes on.
  c.write("DELETE /bars/7 HTTP/1.1\r\nHost: a\r\n\r\n");
  auto& gone = next(1);
  BOOST_TEST((std::get<replicant::meta_id>(gone.what.on) == meta));
  BOOST_TEST((gone.what.what.does == replicant::change::remove));
  gone.done(as_application_did(204, ""));
  auto end = c.read_until("\r\n\r\n");
  BOOST_TEST(has(end, "HTTP/1.1 204 No Content\r\n"));
  BOOST_TEST(!has(end, "Content-Length"));
}

BOOST_AUTO_TEST_CASE(what_the_application_refuses_is_its_own_answer_too) {
  auto c = create();
  next().done(as_application_did(409, R"({"detail":"taken"})"));
  auto got = c.read_until(R"({"detail":"taken"})");
  BOOST_TEST(has(got, "HTTP/1.1 409 Conflict\r\n"));
  BOOST_TEST(!has(got, "Cheops-Error"));
}

BOOST_AUTO_TEST_CASE(a_body_comes_as_it_likes_and_is_whole) {
  auto c = ask("PUT /bars/7", "Transfer-Encoding: chunked\r\n");
  c.write("5\r\n{\"nam\r\n");
  c.write("6;x=y\r\ne\":\"x\"\r\n1\r\n}\r\n0\r\n\r\n");
  BOOST_TEST(next().what.what.what.body == R"({"name":"x"})");
  next().done(as_application_did(200, "{}"));
  BOOST_TEST(has(c.read_until("{}"), "200 OK"));
}

BOOST_AUTO_TEST_CASE(who_waits_to_be_told_to_go_on_is_told) {
  auto c = ask("PUT /bars/7", "Expect: 100-continue\r\nContent-Length: 2\r\n");
  BOOST_TEST(c.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  c.write("{}");
  next().done(as_application_did(200, "{}"));
  BOOST_TEST(has(c.read_until("{}"), "HTTP/1.1 200 OK\r\n"));
}

BOOST_AUTO_TEST_CASE(what_is_too_large_is_refused_with_the_limits_name) {
  auto c = ask("PUT /bars/7", "Content-Length: 301\r\n");
  auto got = read_problem(c);
  BOOST_TEST(has(got, "HTTP/1.1 413 "));
  BOOST_TEST(has(got, "limits.entry_bytes (300)"));
  auto d = ask("PUT /bars/7", "Transfer-Encoding: chunked\r\n");
  d.write("12d\r\n" + std::string(301, 'x') + "\r\n");
  BOOST_TEST(has(read_problem(d), "HTTP/1.1 413 "));
  await_count("reason=\"entry_too_large\"} 2");
  BOOST_TEST(all.empty());
}

BOOST_AUTO_TEST_CASE(each_refusal_has_its_status_and_says_what_to_do) {
  std::size_t n = 0;
  auto told = [&](const result<ports::write_answer>& x) {
    auto c = ask("DELETE /bars/7");
    next(n++).done(x);
    return read_problem(c);
  };
  auto got = told(refused(refusal::no_quorum));
  BOOST_TEST(has(got, "HTTP/1.1 503 "));
  BOOST_TEST(has(got, "\r\nRetry-After: "));
  BOOST_TEST(has(got, "\r\nCheops-Error: no-quorum\r\n"));
  BOOST_TEST(has(got, "\"site\":\"Site1\",\"step\":\"replicate\""));
  BOOST_TEST(has(got, "try again when the sites are linked"));
  auto stale = refused(refusal::stale);
  stale.how.status = 409;
  BOOST_TEST(has(told(stale), "HTTP/1.1 409 "));
  BOOST_TEST(has(told(refused(refusal::stale)), "HTTP/1.1 412 "));
  BOOST_TEST(has(told(refused(refusal::key_reused)), "HTTP/1.1 422 "));
  BOOST_TEST(has(told(refused(refusal::not_member)), "HTTP/1.1 421 "));
  BOOST_TEST(has(told(refused(refusal::over)), "HTTP/1.1 404 "));
  BOOST_TEST(has(told(error{errc::io, "the disk is full", "", "store", ""}),
                 "the disk is full"));
}

BOOST_AUTO_TEST_CASE(a_fate_that_is_open_is_told_with_where_to_look) {
  auto c = ask("DELETE /bars/7");
  next().done(answer(ending::open));
  auto got = read_problem(c);
  BOOST_TEST(has(got, "HTTP/1.1 504 "));
  BOOST_TEST(has(got, "\r\nCheops-Error: undecided\r\n"));
  replicant::operation_name name{meta, id};
  auto path = replicant::path_of(site_id{"Site1"}, name);
  BOOST_TEST(has(got, "\r\nLocation: " + path + "\r\n"));
  BOOST_TEST(has(got, "\r\nCheops-Sites: Site1=ok, Site2=pending\r\n"));
  // There it is.
  ports::operation_view view;
  view.id = id;
  view.known = true;
  view.what = {id,  9, replicant::change::remove, replicant::fate::stands,
               204, 0};
  port->operations[to_string(name)] = view;
  auto d = ask("GET " + path);
  auto found = d.read_until("]}\n");
  BOOST_TEST(has(found, "HTTP/1.1 200 OK\r\n"));
  BOOST_TEST(has(found, "\"fate\":\"stands\",\"status\":204"));
  port->operations.clear();
  auto e = ask("GET " + path);
  BOOST_TEST(has(read_problem(e), "HTTP/1.1 404 "));
}

BOOST_AUTO_TEST_CASE(who_does_not_want_to_wait_is_told_where_to_look) {
  auto c = create("Prefer: respond-async\r\n");
  BOOST_TEST((next().what.until == replicant::wait_for::decided));
  next().done(answer(ending::accepted));
  auto got = c.read_until("}]}\n");
  BOOST_TEST(has(got, "HTTP/1.1 202 Accepted\r\n"));
  BOOST_TEST(has(got, "\r\nPreference-Applied: respond-async\r\n"));
  BOOST_TEST(has(got, "\r\nLocation: /.well-known/cheops/operations/Site1/"));
  BOOST_TEST(has(body_of(got), "\"replicant\":\"" + to_string(meta) + "\""));
  // Who would wait a little and then be told gets no error.
  auto d = create("Prefer: respond-async, wait=3\r\n");
  BOOST_TEST((next(1).what.until == replicant::wait_for::here));
  BOOST_TEST((next(1).what.patience == 3s));
  next(1).done(answer(ending::open));
  BOOST_TEST(has(d.read_until("}]}\n"), "HTTP/1.1 202 Accepted\r\n"));
}

BOOST_AUTO_TEST_CASE(what_is_settled_without_an_answer_is_read_for_one) {
  auto c = create("Idempotency-Key: k\r\n");
  BOOST_REQUIRE(next().what.what.key);
  next().done(answer(ending::settled, 201));
  auto b = backend.accept();
  BOOST_TEST(has(b.read_until("\r\n\r\n"), "GET /bars/7 HTTP/1.1\r\n"));
  b.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
          "ETag: \"1\"\r\nContent-Length: 10\r\n\r\n{\"id\":\"7\"}");
  auto got = c.read_until("{\"id\":\"7\"}");
  BOOST_TEST(has(got, "HTTP/1.1 201 Created\r\n"));
  BOOST_TEST(has(got, "\r\nContent-Type: application/json\r\n"));
  BOOST_TEST(has(got, "\r\nETag: \"1\"\r\n"));
  BOOST_TEST(has(got, "\r\nLocation: /bars/7\r\n"));
  BOOST_TEST(has(got, "\r\nCheops-Replicant: "));
  // What cannot be read is done all the same.
  auto d = ask("DELETE /bars/7");
  next(1).done(answer(ending::settled));
  BOOST_TEST(has(d.read_until("\r\n\r\n"), "HTTP/1.1 204 No Content\r\n"));
  auto e = ask("PUT /bars/7", "", "{}");
  next(2).done(answer(ending::settled, 422));
  BOOST_TEST(has(read_problem(e), "HTTP/1.1 422 "));
}

BOOST_AUTO_TEST_CASE(a_client_that_leaves_takes_nothing_back) {
  {
    auto c = ask("DELETE /bars/7");
    (void) next();
  }
  await_count("cheops_requests_total{service=\"ServiceA\",plan=\"replicate\"");
  next().done(as_application_did(204, ""));
  auto d = ask("DELETE /bars/7");
  next(1).done(as_application_did(204, ""));
  BOOST_TEST(has(d.read_until("\r\n\r\n"), "HTTP/1.1 204 "));
}

BOOST_AUTO_TEST_CASE(an_answer_may_come_when_the_plane_has_gone) {
  auto c = ask("DELETE /bars/7");
  (void) next();
  server->stop(0ms);
  server.reset();
  next().done(as_application_did(204, ""));
}

BOOST_AUTO_TEST_CASE(a_read_of_a_copy_says_how_far_it_is) {
  auto c = ask("GET /bars/7");
  auto b = backend.accept();
  (void) b.read_until("\r\n\r\n");
  b.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
          "Cheops-Replicant: forged\r\n\r\n{}");
  auto got = c.read_until("{}");
  BOOST_TEST(has(got, "\r\nCheops-Replicant: " + to_string(meta) + "\r\n"));
  BOOST_TEST(has(got, "\r\nCheops-Replicant-Index: 5\r\n"));
  BOOST_TEST(!has(got, "forged"));
  BOOST_TEST(!has(got, "Cheops-Replicant-State"));
  port->copies[{"bar", "7"}].state = site_state::diverged;
  c.write("GET /bars/7 HTTP/1.1\r\nHost: a\r\n\r\n");
  (void) b.read_until("\r\n\r\n");
  b.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  BOOST_TEST(
    has(c.read_until("{}"), "\r\nCheops-Replicant-State: diverged\r\n"));
  // Lists and others are the application's own.
  c.write("GET /bars HTTP/1.1\r\nHost: a\r\n\r\n");
  (void) b.read_until("\r\n\r\n");
  b.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]");
  BOOST_TEST(!has(c.read_until("[]"), "Cheops-"));
}

BOOST_AUTO_TEST_CASE(a_strict_read_is_streamed_once_it_is_granted) {
  port->on_read = [](const auto& of, auto done) {
    BOOST_TEST((of == meta));
    replicant::read_answer x;
    x.granted = true;
    x.index = 12;
    done(x);
  };
  auto c = ask("GET /bars/7", "Cheops-Consistency: linearizable\r\n");
  auto b = backend.accept();
  BOOST_TEST(!has(b.read_until("\r\n\r\n"), "Cheops-"));
  b.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
  BOOST_TEST(has(c.read_until("{}"), "\r\nCheops-Replicant-Index: 12\r\n"));
  port->on_read = [](const auto&, auto done) {
    replicant::read_answer x;
    x.state = site_state::uncertain;
    done(x);
  };
  auto d = ask("GET /bars/7", "Cheops-Consistency: linearizable\r\n");
  auto got = read_problem(d);
  BOOST_TEST(has(got, "HTTP/1.1 409 "));
  BOOST_TEST(has(got, "uncertain"));
}

BOOST_AUTO_TEST_CASE(an_entity_tag_of_this_site_becomes_an_index) {
  auto put = [this](const std::string& condition) {
    return ask("PUT /bars/7", condition + "Authorization: Bearer t\r\n", "{}");
  };
  auto c = put("If-Match: \"4\"\r\n");
  auto b = backend.accept();
  auto asked = b.read_until("\r\n\r\n");
  BOOST_TEST(has(asked, "GET /bars/7 HTTP/1.1\r\n"));
  BOOST_TEST(has(asked, "Authorization: Bearer t\r\n"));
  b.write("HTTP/1.1 200 OK\r\nETag: \"4\"\r\nContent-Length: 2\r\n\r\n{}");
  BOOST_TEST((next().what.what.read_at == std::optional<std::uint64_t>{5}));
  BOOST_TEST(next().what.what.what.fields.empty());
  next().done(as_application_did(200, "{}"));
  BOOST_TEST(has(c.read_until("{}"), "HTTP/1.1 200 OK\r\n"));
  auto d = put("If-Match: \"3\"\r\n");
  (void) b.read_until("\r\n\r\n");
  b.write("HTTP/1.1 200 OK\r\nETag: \"4\"\r\nContent-Length: 2\r\n\r\n{}");
  auto got = read_problem(d);
  BOOST_TEST(has(got, "HTTP/1.1 412 "));
  BOOST_TEST(has(got, "\r\nCheops-Error: stale\r\n"));
  auto e = put("Cheops-Replicant-Index: 3\r\n");
  BOOST_TEST((next(1).what.what.read_at == std::optional<std::uint64_t>{3}));
}

BOOST_AUTO_TEST_CASE(a_scope_of_other_sites_moves_nothing) {
  ports::replicant_view view;
  view.meta = meta;
  for (auto site : {"Site1", "Site3"}) {
    ports::member_view m;
    m.id.site = site_id{site};
    view.members.push_back(m);
  }
  port->views[meta] = view;
  auto put = [this] {
    return ask("PUT /bars/7", "Scope: {ServiceA: Site1 & Site2}\r\n", "{}");
  };
  auto c = put();
  auto got = read_problem(c);
  BOOST_TEST(has(got, "HTTP/1.1 409 "));
  BOOST_TEST(
    has(got, "it is at Site1 & Site3, and the scope says Site1 & Site2"));
  port->views[meta].members[1].id.site = site_id{"Site2"};
  auto d = put();
  next().done(as_application_did(200, "{}"));
  BOOST_TEST(has(d.read_until("{}"), "HTTP/1.1 200 OK\r\n"));
}

BOOST_AUTO_TEST_CASE(a_peer_learns_whether_it_may_ask_another) {
  auto port_of_peers = support::free_port();
  config->peer_front.listen = {"127.0.0.1", port_of_peers};
  config->default_allow = {{service_id{"ServiceA"}, {}}};
  start();
  std::size_t n = 0;
  auto told = [&](refusal why) {
    auto c = raw_socket::to_port(port_of_peers);
    c.write("DELETE /bars/7 HTTP/1.1\r\nHost: a\r\nCheops-From: Site2\r\n"
            "Cheops-Service: ServiceA\r\nCheops-Hops: 1\r\n\r\n");
    next(n++).done(refused(why));
    return read_problem(c);
  };
  // Nothing was done, and another site may be able to.
  BOOST_TEST(has(told(refusal::no_quorum), "\r\nCheops-Run: none\r\n"));
  BOOST_TEST(has(told(refusal::application_down), "\r\nCheops-Run: none\r\n"));
  // An answer, whoever is asked.
  BOOST_TEST(!has(told(refusal::stale), "Cheops-Run"));
  BOOST_TEST(!has(told(refusal::over), "Cheops-Run"));
  // It may be done.
  auto c = raw_socket::to_port(port_of_peers);
  c.write("POST /bars HTTP/1.1\r\nHost: a\r\nCheops-From: Site2\r\n"
          "Cheops-Service: ServiceA\r\nCheops-Hops: 1\r\n"
          "Cheops-Replicate: Site2 & Site1\r\nContent-Length: 12\r\n\r\n"
          R"({"name":"x"})");
  const auto& to = std::get<ports::creation>(next(n).what.on);
  BOOST_TEST((to.sites == std::vector{site_id{"Site2"}, site_id{"Site1"}}));
  next(n).done(answer(ending::open));
  BOOST_TEST(!has(read_problem(c), "Cheops-Run"));
}

BOOST_AUTO_TEST_CASE(a_site_that_is_alone_refuses_at_once) {
  port->on_read = [](const auto&, auto) { BOOST_ERROR("it was asked"); };
  start();
  auto view = std::make_shared<mesh::view>();
  view->self = site_id{"Site1"};
  view->version = 2;
  for (auto name : {"Site1", "Site2", "Site3"}) {
    mesh::site x;
    x.name = site_id{name};
    x.state = x.name == view->self ? mesh::reach::self : mesh::reach::down;
    view->sites.push_back(x);
  }
  server->publish(view);
  ports::replicant_view known;
  known.meta = meta;
  for (auto site : {"Site1", "Site2", "Site3"}) {
    ports::member_view m;
    m.id.site = site_id{site};
    known.members.push_back(m);
  }
  port->views[meta] = known;
  auto refused_at_once = [&](raw_socket c) {
    auto got = read_problem(c);
    BOOST_TEST(has(got, "HTTP/1.1 503 "), got);
    BOOST_TEST(has(got, "no other of its sites can be reached"));
    BOOST_TEST(has(got, "\r\nCheops-Error: no-quorum\r\n"));
  };
  refused_at_once(create());
  refused_at_once(ask("DELETE /bars/7"));
  refused_at_once(ask("GET /bars/7", "Cheops-Consistency: linearizable\r\n"));
  BOOST_TEST(all.empty());
  // One of three is enough to ask.
  auto next_view = std::make_shared<mesh::view>(*view);
  next_view->version = 3;
  next_view->sites[2].state = mesh::reach::up;
  server->publish(next_view);
  auto c = ask("DELETE /bars/7");
  next().done(as_application_did(204, ""));
  BOOST_TEST(has(c.read_until("\r\n\r\n"), "HTTP/1.1 204 "));
  // And one that is its only site asks nobody.
  server->publish(view);
  port->views[meta].members.resize(1);
  auto d = ask("DELETE /bars/7");
  next(1).done(as_application_did(204, ""));
  BOOST_TEST(has(d.read_until("\r\n\r\n"), "HTTP/1.1 204 "));
}

BOOST_AUTO_TEST_CASE(what_is_named_is_waited_for_where_it_has_a_copy) {
  app->services[0].resources[0].references = {
    {application::dependency::requires_, "/of", "", service_id{"ServiceA"},
     "bar", true}};
  auto other = replicant::random_meta(7, 8);
  port->named["first"] = {other, 4, site_state::ok};
  ports::replicant_view view;
  view.meta = other;
  view.members.resize(2);
  view.members[0].id.site = site_id{"Site1"};
  view.members[1].id.site = site_id{"Site2"};
  port->views[other] = view;
  auto make = [this] {
    return ask("POST /bars",
               "Scope: {ServiceA: Site1 & Site2}\r\n"
               "Content-Type: application/json\r\n",
               R"({"name":"x","of":"first"})");
  };
  auto c = make();
  BOOST_TEST(
    (next().what.what.after == std::vector{replicant::dependency{other, 4}}));
  // At Site2 there may be another of that name, which is no replica.
  port->views[other].members[1].id.site = site_id{"Site3"};
  auto d = make();
  BOOST_TEST(next(1).what.what.after.empty());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_taken_in_is_refused_before_it_runs) {
  auto c = ask("POST /bars", "Scope: {ServiceA: Site1 & Site2}\r\n", "{}");
  BOOST_TEST(has(read_problem(c), "HTTP/1.1 400 "));
  auto d = create("Cheops-Wait: forever\r\n");
  BOOST_TEST(has(read_problem(d), "write here, all or decided"));
  BOOST_TEST(all.empty());
}

// -- copies that are being made
// ------------------------------------------------

BOOST_AUTO_TEST_CASE(a_change_of_a_new_id_waits_until_its_create_is_known) {
  std::atomic<unsigned> looks{0};
  std::atomic<bool> known{false};
  port->on_find = [&](std::string_view local_id) {
    return known && local_id == "8"
             ? std::optional{ports::local_replica{meta, 1, site_state::ok}}
             : std::nullopt;
  };
  // Create 3 makes bar 8; create 4 begins while the change waits.
  port->on_creating = [&](std::string_view) {
    return std::optional{ports::open_creates{3, ++looks == 1 ? 3U : 4U}};
  };
  auto c =
    ask("PUT /bars/8", "Content-Type: application/json\r\n", R"({"size":1})");
  while (looks < 3)
    std::this_thread::yield();
  known = true;
  auto& asked = next();
  BOOST_TEST((std::get<replicant::meta_id>(asked.what.on) == meta));
  BOOST_TEST(asked.what.what.what.body == R"({"size":1})");
  asked.done(as_application_did(200, R"({"id":"8"})"));
  BOOST_TEST(has(c.read_until(R"({"id":"8"})"), "HTTP/1.1 200 OK\r\n"));
  BOOST_TEST(!backend.called());
}

BOOST_AUTO_TEST_CASE(what_began_later_cannot_have_made_it) {
  std::atomic<unsigned> looks{0};
  port->on_creating = [&](std::string_view) {
    auto n = std::uint64_t{++looks};
    return std::optional{ports::open_creates{n, n}};
  };
  auto c = ask("PUT /bars/8", "", R"({"size":1})");
  auto b = backend.accept();
  BOOST_TEST(has(b.read_until(R"({"size":1})"), "PUT /bars/8 HTTP/1.1\r\n"));
  b.write("HTTP/1.1 204 No Content\r\n\r\n");
  auto said = c.read_until("\r\n\r\n");
  BOOST_TEST(has(said, "HTTP/1.1 204 "));
  BOOST_TEST(!has(said, "Cheops-Replicant"));
  BOOST_TEST(looks == 2U);
}

BOOST_AUTO_TEST_CASE(a_change_that_could_be_of_one_copy_alone_is_refused) {
  config->times.answer = 200ms;
  port->on_creating = [](std::string_view) {
    return std::optional{ports::open_creates{3, 3}};
  };
  auto c = ask("DELETE /bars/8");
  auto said = read_problem(c);
  BOOST_TEST(has(said, "HTTP/1.1 503 "));
  BOOST_TEST(has(said, "Cheops-Error: unsettled\r\n"));
  BOOST_TEST(has(said, "Retry-After: 1\r\n"));
  BOOST_TEST(!backend.called());
  // Who leaves while it waits leaves its place.
  (void) ask("DELETE /bars/8");
}

BOOST_AUTO_TEST_SUITE_END()
