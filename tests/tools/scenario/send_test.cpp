#define BOOST_TEST_MODULE scenario_send
#include "support/boost_test.hpp"
#include "tools/run_program.hpp"
#include "tools/scenario/send.hpp"

using namespace cheops::scenario;
using namespace cheops::test;

BOOST_AUTO_TEST_CASE(what_is_shown_as_a_command_can_be_typed) {
  request_spec what;
  what.service = "ServiceB";
  what.path = "/bars?name=b1&size=2";
  auto shown = explain_command(what, "{ServiceB: around(Site2, 150ms)}");
  BOOST_TEST(shown.starts_with("cheops explain "));
  auto got =
    run_program({"/bin/sh", "-c",
                 CHEOPS_BIN_DIR "/" + shown
                   + " --app " CHEOPS_SOURCE_DIR "/glue/applications/demo.yaml"
                     " --sites Site1 --sites Site2"});
  BOOST_TEST(got.code == 0, shown << '\n' << got.err);
  BOOST_TEST(got.out.find("GET /bars?name=b1&size=2") != std::string::npos,
             got.out);
}

BOOST_AUTO_TEST_CASE(a_shell_leaves_what_is_shown_as_it_is) {
  prepared one;
  one.method = "GET";
  one.url = "http://127.0.0.1:1/bars?name=b1";
  one.fields = {{"Scope", "{ServiceB: 'x'}"}};
  BOOST_TEST(command_of(one)
             == "cheops http --scope '{ServiceB: '\\''x'\\''}' GET "
                "'http://127.0.0.1:1/bars?name=b1'");
}
