#include "cheops/application/description.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::application;

namespace {

service named(std::string name, std::vector<std::string> aliases = {}) {
  service x;
  x.name = service_id{std::move(name)};
  x.aliases = std::move(aliases);
  return x;
}

} // namespace

BOOST_AUTO_TEST_SUITE(descriptions)

BOOST_AUTO_TEST_CASE(a_service_is_found_by_name_and_alias_in_any_case) {
  description x;
  x.services = {named("Nova", {"compute"}), named("Glance", {"image"})};
  BOOST_TEST(x.find("nova") == &x.services[0]);
  BOOST_TEST(x.find("COMPUTE") == &x.services[0]);
  BOOST_TEST(x.find("image") == &x.services[1]);
  BOOST_TEST(!x.find("imag"));
  BOOST_TEST(!x.find(""));
}

BOOST_AUTO_TEST_CASE(a_request_reaches_over_chains_of_calls_and_references) {
  description x;
  x.services = {named("A"), named("B"), named("C"), named("D")};
  x.services[0].calls = {service_id{"B"}};
  reference to_c;
  to_c.service = service_id{"C"};
  x.services[1].resources.emplace_back().references = {to_c};
  x.services[2].calls = {service_id{"A"}, service_id{"gone"}}; // A circle.
  auto reaches = [&](const char* from, const char* to) {
    return x.reaches(service_id{from}, service_id{to});
  };
  BOOST_TEST(reaches("A", "A"));
  BOOST_TEST(reaches("A", "B"));
  BOOST_TEST(reaches("A", "C"));
  BOOST_TEST(reaches("C", "B"));
  BOOST_TEST(!reaches("A", "D"));
  BOOST_TEST(!reaches("D", "A"));
  BOOST_TEST(reaches("D", "D"));
  BOOST_TEST(!reaches("gone", "gone"));
}

BOOST_AUTO_TEST_CASE(words_print_as_the_file_has_them) {
  BOOST_TEST(to_string(verb::create) == "create");
  BOOST_TEST(to_string(verb::read) == "read");
  BOOST_TEST(to_string(verb::list) == "list");
  BOOST_TEST(to_string(verb::update) == "update");
  BOOST_TEST(to_string(verb::remove) == "remove");
  BOOST_TEST(to_string(verb::other) == "other");
  BOOST_TEST(to_string(dependency::requires_) == "requires");
  BOOST_TEST(to_string(dependency::relies_on) == "relies_on");
  BOOST_TEST(to_string(dependency::composed_of) == "composed_of");
  BOOST_TEST(to_string(error_shape::problem) == "problem");
  BOOST_TEST(to_string(error_shape::openstack) == "openstack");
  BOOST_TEST(to_string(error_shape::kubernetes) == "kubernetes");
}

BOOST_AUTO_TEST_CASE(an_operation_is_found_by_the_parameters_of_its_path) {
  resource x;
  x.operations = {{"DELETE", "/v1/rs/{id}", verb::remove},
                  {"DELETE", "/v2/{p}/rs/{id}", verb::remove},
                  {"GET", "/v2/{p}/rs/{id}", verb::read}};
  BOOST_TEST(x.find(verb::remove, {"id"}) == &x.operations[0]);
  BOOST_TEST(x.find(verb::remove, {"id", "p"}) == &x.operations[1]);
  BOOST_TEST(x.find(verb::read, {"p", "id"}) == &x.operations[2]);
  BOOST_TEST(!x.find(verb::read, {"id"}));
  BOOST_TEST((parameters_of("/a/{b}/c?d={e}")
              == std::vector<std::string_view>{"b", "e"}));
  BOOST_TEST(parameters_of("/a").empty());
}

BOOST_AUTO_TEST_SUITE_END()
