#define BOOST_TEST_MODULE replicant_intake
#include "cheops/replicant/intake.hpp"
#include "cheops/replicant/translate.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::replicant;
using application::verb;

namespace {

const auto bar_meta = random_meta(1, 2);
const auto net_meta = random_meta(3, 4);

/// Bars with unique names; ports, which lie in nets and name bars; files,
/// whose users choose the path.
application::service shop() {
  application::service out;
  out.name = service_id{"shop"};
  application::resource bar;
  bar.kind = "bar";
  bar.id_pointer = "/id";
  bar.name_pointer = "/name";
  bar.unique_name = true;
  bar.operations = {{"POST", "/bars", verb::create},
                    {"PUT", "/bars/{id}", verb::update},
                    {"PATCH", "/bars/{id}", verb::update},
                    {"PUT", "/bars/{id}/tags", verb::update},
                    {"DELETE", "/bars/{id}", verb::remove},
                    {"POST", "/bars/{id}/action", verb::other}};
  bar.copies.creates = application::settling::probe;
  bar.copies.probe = "/bars?name={name}";
  bar.copies.found = "/bars";
  bar.copies.settles_after = std::chrono::milliseconds{2500};
  bar.copies.fields = {"X-Locale"};
  application::resource port;
  port.kind = "port";
  port.id_pointer = "/port/id";
  port.operations = {{"POST", "/nets/{net}/ports", verb::create},
                     {"PATCH", "/nets/{net}/ports/{id}", verb::update},
                     {"DELETE", "/nets/{net}/ports/{id}", verb::remove}};
  auto dependency = application::dependency::requires_;
  port.references = {
    {dependency, "", "net", out.name, "net", false},
    {dependency, "/port/bars/*/id", "", out.name, "bar", false},
    {dependency, "/port/owner", "", out.name, "bar", true}};
  port.copies.compensates = true;
  application::resource file;
  file.kind = "file";
  file.operations = {{"PUT", "/files/{id}", verb::create},
                     {"DELETE", "/files/{id}", verb::remove}};
  file.copies.creates = application::settling::repeat;
  application::resource token;
  token.kind = "token";
  token.operations = {{"POST", "/tokens", verb::create}};
  token.copies.allowed = false;
  out.resources = {bar, port, file, token};
  return out;
}

std::optional<ports::local_replica>
by_id(const service_id& service, std::string_view kind, std::string_view id) {
  if (service.value != "shop")
    return std::nullopt;
  if (kind == "bar" && id == "7")
    return ports::local_replica{bar_meta, 5, site_state::ok};
  if (kind == "net" && id == "n/1")
    return ports::local_replica{net_meta, 9, site_state::ok};
  return std::nullopt;
}

std::optional<ports::local_replica> by_name(const natural_key& name) {
  if (name == natural_key{service_id{"shop"}, "bar", {"mine"}})
    return ports::local_replica{bar_meta, 6, site_state::ok};
  return std::nullopt;
}

const application::service& of() {
  static const auto out = shop();
  return out;
}

struct question {
  std::string_view method;
  std::string_view target;
  std::string body;
  std::optional<meta_id> on = std::nullopt;
  std::vector<traffic::field> fields = {{"Content-Type", "application/json"}};
  std::uint64_t entry_bytes_max = 1000;
};

result<taken> take(const question& x) {
  auto match = application::match(of(), x.method, x.target);
  BOOST_REQUIRE(match.what.about);
  traffic::request_view head{x.method, x.target, x.fields};
  auto asks = wishes_of(head);
  BOOST_REQUIRE(asks);
  return take_in(
    {match, head, x.target, x.body, *asks, x.on, "andy", x.entry_bytes_max},
    {by_id, by_name});
}

taken taken_in(const question& x) {
  auto out = take(x);
  BOOST_REQUIRE_MESSAGE(out, (out ? "" : to_string(out.error())));
  return *out;
}

errc refused(const question& x) {
  auto out = take(x);
  return out ? errc::none : out.error().code;
}

} // namespace

BOOST_AUTO_TEST_SUITE(intake_of_requests)

BOOST_AUTO_TEST_CASE(a_create_of_a_unique_name_is_known_by_it) {
  auto x = taken_in({"POST", "/bars", R"({"name":"a b"})"});
  const auto& op = x.what;
  BOOST_TEST((op.does == change::create));
  BOOST_TEST(op.service.value == "shop");
  BOOST_TEST(op.kind == "bar");
  BOOST_TEST(op.principal == "andy");
  BOOST_TEST(op.what.method == "POST");
  BOOST_TEST(op.what.target == "/bars");
  BOOST_TEST(op.what.body == R"({"name":"a b"})");
  BOOST_REQUIRE(x.key);
  BOOST_TEST((*x.key == natural_key{service_id{"shop"}, "bar", {"a b"}}));
  BOOST_TEST((op.settle == settling::probe));
  BOOST_TEST(op.settles_after_ms == 2500U);
  BOOST_REQUIRE(op.probe);
  BOOST_TEST(op.probe->method == "GET");
  BOOST_TEST(op.probe->target == "/bars?name=a%20b");
  BOOST_TEST((op.on_refusal == refusal_rule::keep));
}

BOOST_AUTO_TEST_CASE(a_create_can_be_taken_back_at_each_site) {
  auto x = taken_in({"POST", "/bars", R"({"name":"a"})"});
  BOOST_REQUIRE(x.what.undo);
  BOOST_TEST(x.what.undo->method == "DELETE");
  BOOST_REQUIRE(x.what.undo->slots.size() == 1U);
  BOOST_TEST((x.what.undo->slots[0].of == ports::own_meta));
  auto here = translate(*x.what.undo, [](const meta_id&) { return "4/2"; });
  BOOST_REQUIRE(here);
  BOOST_TEST(here->target == "/bars/4%2F2");
}

BOOST_AUTO_TEST_CASE(only_fields_that_matter_go_in_and_no_credential) {
  auto x = taken_in({"POST",
                     "/bars",
                     R"({"name":"a"})",
                     {},
                     {{"Content-Type", "application/json"},
                      {"accept", "*/*"},
                      {"x-locale", "fr"},
                      {"Authorization", "Bearer secret"},
                      {"X-Auth-Token", "secret"},
                      {"Cookie", "secret"},
                      {"User-Agent", "curl"}}});
  std::vector<std::string> names;
  for (const auto& f : x.what.what.fields)
    names.push_back(f.name);
  BOOST_TEST(
    names == (std::vector<std::string>{"Content-Type", "accept", "x-locale"}));
}

BOOST_AUTO_TEST_CASE(a_name_that_is_needed_must_be_there) {
  BOOST_TEST((refused({"POST", "/bars", "{}"}) == errc::bad_request));
  BOOST_TEST((refused({"POST", "/bars", "no JSON"}) == errc::bad_request));
  BOOST_TEST(
    (refused({"POST", "/bars", R"({"name":7})"}) == errc::bad_request));
  BOOST_TEST(
    (refused(
       {"POST", "/bars", R"({"name":"a"})", {}, {{"Content-Encoding", "gzip"}}})
     == errc::bad_request));
}

BOOST_AUTO_TEST_CASE(what_names_nothing_is_known_by_the_clients_key) {
  auto x =
    taken_in({"POST", "/nets/n1/ports", "{}", {}, {{"Idempotency-Key", "k"}}});
  BOOST_TEST(!x.key);
  BOOST_TEST(x.retry_key == "k");
  BOOST_REQUIRE(x.what.key);
  auto other =
    taken_in({"POST", "/nets/n1/ports", "[]", {}, {{"Idempotency-Key", "k"}}});
  BOOST_TEST((x.what.key->key == other.what.key->key));
  BOOST_TEST((x.what.key->request != other.what.key->request));
}

BOOST_AUTO_TEST_CASE(ids_of_other_replicants_are_to_be_translated) {
  auto x = taken_in(
    {"POST", "/nets/n%2F1/ports?x=1",
     R"({"port":{"bars":[{"id":"7"},{"id":"8"},{"id":7}],"owner":"mine"}})"});
  const auto& op = x.what;
  BOOST_REQUIRE(op.what.slots.size() == 3U);
  BOOST_TEST((op.what.slots[0] == slot{slot::place::segment, 1, "", net_meta}));
  BOOST_TEST((op.what.slots[1]
              == slot{slot::place::body, 0, "/port/bars/0/id", bar_meta}));
  BOOST_TEST((op.what.slots[2]
              == slot{slot::place::body, 0, "/port/bars/2/id", bar_meta}));
  // Each once, as far as it was read here; a name needs no translation, but
  // the resource must be there.
  BOOST_REQUIRE(op.after.size() == 2U);
  BOOST_TEST((op.after[0] == dependency{net_meta, 9}));
  BOOST_TEST((op.after[1] == dependency{bar_meta, 6}));
  BOOST_TEST(x.by_name.empty()); // It is named by its id too.
  auto named =
    taken_in({"POST", "/nets/n1/ports", R"({"port":{"owner":"mine"}})"});
  BOOST_TEST((named.what.after == std::vector{dependency{bar_meta, 6}}));
  BOOST_TEST((named.by_name == std::vector{bar_meta}));
  auto there = translate(op.what, [](const meta_id& of) {
    return std::optional<std::string>{of == net_meta ? "other net" : "70"};
  });
  BOOST_REQUIRE(there);
  BOOST_TEST(there->target == "/nets/other%20net/ports?x=1");
  BOOST_TEST(there->body
             == R"({"port":{"bars":[{"id":"70"},{"id":"8"},{"id":70}],)"
                R"("owner":"mine"}})");
  // The undo lies in the same net.
  BOOST_REQUIRE(op.undo);
  auto undo = translate(*op.undo, [](const meta_id& of) {
    return std::optional<std::string>{of == net_meta ? "N" : "P"};
  });
  BOOST_REQUIRE(undo);
  BOOST_TEST(undo->target == "/nets/N/ports/P");
  BOOST_TEST((op.on_refusal == refusal_rule::compensate));
}

BOOST_AUTO_TEST_CASE(a_change_names_the_resource_by_the_id_of_this_site) {
  auto x = taken_in(
    {"PUT", "//bars/./7", R"({"id":"7","name":"n"})", random_meta(1, 2)});
  BOOST_TEST((x.what.does == change::replace));
  BOOST_TEST((x.what.settle == settling::repeat));
  BOOST_TEST(!x.what.undo);
  auto there =
    translate(x.what.what, [](const meta_id&) { return std::string{"9"}; });
  BOOST_REQUIRE(there);
  BOOST_TEST(there->target == "//bars/./9");
  BOOST_TEST(there->body == R"({"id":"9","name":"n"})");
}

BOOST_AUTO_TEST_CASE(changes_differ_in_what_they_leave_and_in_how_they_settle) {
  struct {
    std::string_view method;
    std::string_view target;
    change does;
    settling settles;
  } rows[] = {
    {"PUT", "/bars/7", change::replace, settling::repeat},
    {"PATCH", "/bars/7", change::patch, settling::none},
    {"PUT", "/bars/7/tags", change::patch, settling::repeat},
    {"POST", "/bars/7/action", change::patch, settling::none},
    {"DELETE", "/bars/7", change::remove, settling::repeat},
    // Not described: it may change the resource all the same.
    {"MERGE", "/bars/7", change::patch, settling::none},
  };
  for (const auto& row : rows)
    BOOST_TEST_CONTEXT(row.method << " " << row.target) {
      auto x = taken_in({row.method, row.target, "{}", bar_meta});
      BOOST_TEST((x.what.does == row.does));
      BOOST_TEST((x.what.settle == row.settles));
    }
}

BOOST_AUTO_TEST_CASE(what_is_known_by_its_name_is_not_renamed) {
  natural_key key{service_id{"shop"}, "bar", {"mine"}};
  auto meta = meta_of(key, 3);
  auto put = [&](std::string body) {
    return refused({"PUT", "/bars/7", std::move(body), meta});
  };
  BOOST_TEST((put(R"({"name":"mine","x":1})") == errc::none));
  BOOST_TEST((put(R"({"x":1})") == errc::none));
  BOOST_TEST((put(R"({"name":"yours"})") == errc::conflict));
  auto patch = [&](std::string body) {
    return refused({"PATCH",
                    "/bars/7",
                    std::move(body),
                    meta,
                    {{"Content-Type", "application/json-patch+json"}}});
  };
  BOOST_TEST((patch(R"([{"op":"replace","path":"/name","value":"x"}])")
              == errc::conflict));
  BOOST_TEST(
    (patch(R"([{"op":"test","path":"/name","value":"mine"}])") == errc::none));
}

BOOST_AUTO_TEST_CASE(what_a_put_creates_is_known_by_its_path) {
  auto x = taken_in({"PUT", "/files/a%2Fb", "text", {}, {}});
  BOOST_TEST((x.what.does == change::create));
  BOOST_REQUIRE(x.key);
  BOOST_TEST((*x.key == natural_key{service_id{"shop"}, "file", {"a/b"}}));
  BOOST_TEST((x.what.settle == settling::repeat));
  BOOST_TEST(x.what.what.slots.empty());
  BOOST_REQUIRE(x.what.undo);
  BOOST_TEST(x.what.undo->target == "/files/a%2Fb");
  BOOST_TEST(x.what.undo->slots.empty());
}

BOOST_AUTO_TEST_CASE(what_is_too_large_names_the_limit) {
  question x{"POST", "/bars", R"({"name":"a"})"};
  x.entry_bytes_max = 10;
  auto out = take(x);
  BOOST_REQUIRE(!out);
  BOOST_TEST((out.error().code == errc::too_large));
  BOOST_TEST(out.error().what.find("limits.entry_bytes (10)")
             != std::string::npos);
  std::string many = R"({"port":{"bars":[)";
  for (std::size_t i = 0; i <= slots_max; ++i)
    many += R"({"id":7},)";
  many.back() = ']';
  x = {"POST", "/nets/n1/ports", many + "}}"};
  x.entry_bytes_max = 100'000;
  BOOST_TEST((refused(x) == errc::too_large));
}

BOOST_AUTO_TEST_CASE(a_kind_may_be_kept_from_it) {
  BOOST_TEST((refused({"POST", "/tokens", "{}"}) == errc::not_built));
}

BOOST_AUTO_TEST_CASE(a_probe_finds_the_one_of_that_name_and_no_other) {
  const auto& bar = of().resources[0];
  auto probe = [&](std::uint16_t status, std::string_view body,
                   std::string_view target = "/bars?name=a%20b") {
    return read_probe(bar, target, status, body);
  };
  auto found =
    probe(200, R"({"bars":[{"id":1,"name":"a b c"},{"id":2,"name":"a b"}]})");
  BOOST_TEST((found.what == finding::found));
  BOOST_TEST(found.local_id == "2");
  auto one = probe(200, R"({"bars":{"id":"x","name":"a b"}})");
  BOOST_TEST((one.what == finding::found));
  BOOST_TEST(one.local_id == "x");
  BOOST_TEST(
    (probe(200, R"({"bars":[{"id":1,"name":"a"}]})").what == finding::absent));
  BOOST_TEST((probe(200, R"({"bars":[]})").what == finding::absent));
  BOOST_TEST((probe(404, "").what == finding::absent));
  // Wrapped alone, bare in a list.
  auto server = bar;
  server.id_pointer = "/server/id";
  server.name_pointer = "/server/name";
  server.copies.found = "/servers";
  auto bare = read_probe(server, "/bars?name=x", 200,
                         R"({"servers":[{"id":"3","name":"x"}]})");
  BOOST_TEST((bare.what == finding::found && bare.local_id == "3"));
  // Of two nobody can say which.
  BOOST_TEST((probe(200, R"({"bars":[{"id":1,"name":"a b"},)"
                         R"({"id":2,"name":"a b"}]})")
                .what
              == finding::nothing));
  // What says nothing must not be taken for "it is not there".
  BOOST_TEST((probe(200, "{}").what == finding::nothing));
  BOOST_TEST((probe(200, "no JSON").what == finding::nothing));
  BOOST_TEST((probe(503, "{}").what == finding::nothing));
  BOOST_TEST((probe(200, R"({"bars":[]})", "/other").what == finding::nothing));
}

BOOST_AUTO_TEST_CASE(an_answer_says_the_id_or_where_it_is) {
  const auto& bar = of().resources[0];
  BOOST_TEST(id_in_answer(bar, R"({"id":"5"})", "/bars/6") == "5");
  BOOST_TEST(id_in_answer(bar, R"({"id":5})", "") == "5");
  BOOST_TEST(id_in_answer(bar, "", "http://x/bars/6%2F7/?q") == "6/7");
  BOOST_TEST(id_in_answer(bar, "{}", "") == "");
}

BOOST_AUTO_TEST_SUITE_END()
