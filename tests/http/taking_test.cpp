// Requests whose body is looked into before anything is decided: the data
// plane on sockets, with an adapter that does what the test says.
#include "cheops/traffic/decide.hpp"
#include "support/boost_test.hpp"
#include "support/fake_replication.hpp"
#include "support/folder_fixture.hpp"
#include "support/proxy_fixture.hpp"

#include <condition_variable>
#include <mutex>

using namespace cheops;
using namespace std::chrono_literals;
using application::verb;

namespace {

constexpr std::string_view ok =
  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Asks `/who` as the node, then `/dry` as the user; refuses by what it hears.
struct two_questions final : traffic::taking {
  explicit two_questions(traffic::to_take x) : what(std::move(x)) {}

  step ask(const char* target, bool as_node, std::string body) {
    traffic::aside out;
    out.site = site_id{"Site1"};
    out.service = service_id{"ServiceA"};
    out.target = target;
    out.fields = {{"Accept", "text/x"}};
    out.method = "POST";
    out.body = std::move(body);
    out.as_node = as_node;
    return out;
  }
  step begin(const traffic::surroundings&) override {
    return ask("/who", true, "who?");
  }
  step told(const result<traffic::small_answer>& x,
            const traffic::surroundings&) override {
    if (!x)
      return x.error();
    if (x->status == 403)
      return traffic::small_answer{403, {{"Content-Type", "text/no"}}, "no!"};
    if (++heard == 1)
      return ask("/dry", false, what.body);
    replicant::taken out;
    out.what.principal = x->body;
    out.what.what.method = what.in.method;
    out.what.what.target = what.target;
    out.what.what.body = what.body;
    return out;
  }

  traffic::to_take what;
  int heard = 0;
};

struct looking_adapter final : traffic::adapter {
  std::string scope;

  traffic::reading read(const traffic::request_view&, const traffic::caller&,
                        const application::service&,
                        const traffic::surroundings&) override {
    return {};
  }
  void learn(const traffic::aside&, const result<traffic::small_answer>&,
             const traffic::surroundings&) override {}
  result<void> check(const scope::tree&, const scope::question&,
                     const std::vector<site_id>&,
                     const site::config&) const override {
    return {};
  }
  void shape(traffic::decision&, const traffic::request_view&,
             const traffic::caller&, const traffic::reading&,
             const traffic::surroundings&) override {}
  bool takes() const noexcept override { return true; }
  std::unique_ptr<traffic::taking> take(traffic::to_take x) override {
    return std::make_unique<two_questions>(std::move(x));
  }
  bool may_hold_scope(const traffic::request_view& in) const noexcept override {
    return in.method == "POST";
  }
  std::string scope_in(const traffic::request_view&,
                       std::string_view body) const override {
    return has(std::string{body}, "spread") ? scope : "";
  }
};

struct looking_site : proxy_fixture {
  folder_fixture folder; ///< Has a file with the node's token.
  std::shared_ptr<looking_adapter> plug = std::make_shared<looking_adapter>();
  std::shared_ptr<testing::fake_replication> port =
    std::make_shared<testing::fake_replication>();
  std::mutex guard;
  std::condition_variable came;
  std::vector<ports::write_request> all;

  looking_site() {
    auto token = folder.write("token", "node-token\n");
    using std::filesystem::perms;
    std::filesystem::permissions(token, perms::owner_read | perms::owner_write);
    config->fronts[0].to.identity.token_file = token;
    adapted = plug;
    plug->scope = "Site1 & Site2";
    replicas = port;
    application::resource bar;
    bar.kind = "bar";
    bar.operations = {{"POST", "/bars", verb::create}};
    app->services[0].resources = {bar};
    config->times.answer = 20s;
    config->bounds.entry_bytes = 300;
    config->peers.push_back({site_id{"Site2"}, {"127.0.0.1", 1}, {}});
    port->on_submit = [this](ports::write_request what, auto done) {
      ports::write_answer out;
      out.how.how = replicant::ending::application;
      auto said = std::make_shared<ports::application_answer>();
      said->status = 201;
      said->body = "made";
      out.application = said;
      done(out);
      std::lock_guard lock{guard};
      all.push_back(std::move(what));
      came.notify_all();
    };
  }
  ~looking_site() { server.reset(); }

  raw_socket post(const std::string& body, const std::string& more = "") {
    if (!server)
      start();
    auto out = client();
    out.write("POST /bars HTTP/1.1\r\nHost: a\r\n" + more
              + (more.empty()
                   ? "Content-Length: " + std::to_string(body.size()) + "\r\n"
                   : "")
              + "\r\n" + body);
    return out;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(takings, looking_site)

BOOST_AUTO_TEST_CASE(a_body_without_a_scope_goes_on_as_it_came) {
  auto c = post("hello");
  auto up = backend.accept();
  auto head = up.read_until("\r\n\r\n");
  BOOST_TEST(head.starts_with("POST /bars"), head);
  BOOST_TEST(has(head, "Content-Length: 5\r\n"), head);
  BOOST_TEST(up.read_bytes(5) == "hello");
  up.write(ok);
  BOOST_TEST(has(c.read_until("ok"), "200 OK"));
  // The connection goes on, and so does the next body.
  c.write("POST /bars HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  BOOST_TEST(has(up.read_until("\r\n\r\n"), "Content-Length: 3\r\n"));
  BOOST_TEST(up.read_bytes(3) == "abc");
}

BOOST_AUTO_TEST_CASE(what_is_too_large_or_of_no_length_is_not_looked_into) {
  auto c = post("6\r\nspread\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n");
  auto up = backend.accept();
  up.read_until("\r\n\r\n");
  BOOST_TEST(up.read_until("0\r\n\r\n") == "6\r\nspread\r\n0\r\n\r\n");
  up.write(ok);
  c.read_until("ok");
  auto large = "spread" + std::string(400, 'x');
  auto d = post(large);
  up.read_until("\r\n\r\n");
  BOOST_TEST(up.read_bytes(large.size()) == large);
  BOOST_TEST(all.empty());
}

BOOST_AUTO_TEST_CASE(an_operation_is_made_question_by_question) {
  auto c = post("spread me");
  auto node = backend.accept();
  auto head = node.read_until("\r\n\r\n");
  BOOST_TEST(head.starts_with("POST /who HTTP/1.1\r\n"), head);
  BOOST_TEST(has(head, "Authorization: Bearer node-token\r\n"), head);
  BOOST_TEST(has(head, "Accept: text/x\r\n"), head);
  BOOST_TEST(!has(head, "application/json"), head);
  BOOST_TEST(has(head, "Content-Length: 4\r\n"), head);
  BOOST_TEST(node.read_bytes(4) == "who?");
  node.write(ok);
  // As a user: never over the connection that was the node's.
  auto user = backend.accept();
  head = user.read_until("\r\n\r\n");
  BOOST_TEST(head.starts_with("POST /dry HTTP/1.1\r\n"), head);
  BOOST_TEST(!has(head, "node-token"), head);
  BOOST_TEST(user.read_bytes(9) == "spread me");
  user.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nandy");
  BOOST_TEST(has(c.read_until("made"), "HTTP/1.1 201"));
  std::unique_lock lock{guard};
  came.wait(lock, [&] { return !all.empty(); });
  BOOST_TEST(all[0].what.principal == "andy");
  BOOST_TEST(all[0].what.what.body == "spread me");
  BOOST_TEST((std::get<ports::creation>(all[0].on).sites
              == std::vector{site_id{"Site1"}, site_id{"Site2"}}));
}

BOOST_AUTO_TEST_CASE(what_the_adapter_answers_is_the_answer) {
  auto c = post("spread me");
  auto node = backend.accept();
  node.read_until("who?");
  node.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  auto got = c.read_until("no!");
  BOOST_TEST(got.starts_with("HTTP/1.1 403"), got);
  BOOST_TEST(has(got, "Content-Type: text/no\r\n"), got);
  // The connection goes on.
  c.write("POST /bars HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  auto user = backend.accept();
  BOOST_TEST(has(user.read_until("abc"), "POST /bars"));
}

BOOST_AUTO_TEST_CASE(a_question_that_fails_is_told_to_who_asked) {
  auto c = post("spread me");
  auto node = backend.accept();
  node.read_until("who?");
  node.close();
  auto got = c.read_until("\r\n\r\n");
  BOOST_TEST(got.starts_with("HTTP/1.1 50"), got);
  BOOST_TEST(all.empty());
}

BOOST_AUTO_TEST_SUITE_END()
