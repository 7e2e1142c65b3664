#include "glue/kubernetes/principal.hpp"
#include "support/boost_test.hpp"

#include <rapidcheck.h>

using namespace cheops;
using namespace cheops::glue::kubernetes;

namespace {

std::string shown(const principal& x) {
  auto fields = impersonation_fields(x);
  if (!fields)
    return to_string(fields.error());
  std::string out;
  for (const auto& f : *fields)
    out += f.name + ": " + f.value + "\n";
  return out;
}

bool named(const principal& x) {
  return impersonation_fields(x).has_value();
}

std::string ascii() {
  return *rc::gen::container<std::string>(rc::gen::inRange<char>(1, 127));
}

} // namespace

BOOST_AUTO_TEST_SUITE(kubernetes_principal)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  rc::check("a principal comes back as it was", [] {
    principal x;
    x.user = "u" + ascii();
    x.uid = ascii();
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
      x.groups.push_back(ascii());
    for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
      x.extra[ascii()] = {ascii(), ascii()};
    auto back = principal_from_json(to_json(x));
    RC_ASSERT(back.has_value());
    RC_ASSERT((*back == x));
  });
}

BOOST_AUTO_TEST_CASE(what_nobody_wrote_is_refused) {
  for (auto x :
       {"", "andy", "[]", "{}", R"({"user":""})", R"({"user":7})",
        R"({"user":"a","groups":"admins"})", R"({"user":"a","groups":[1]})",
        R"({"user":"a","extra":{"k":"v"}})", R"({"user":"a","more":"x"})"})
    BOOST_TEST(principal_from_json(x).has_error(), x);
}

BOOST_AUTO_TEST_CASE(each_part_has_its_field) {
  principal x{"andy",
              "andy-uid",
              {"users", "system:authenticated", "ops team"},
              {{"example.com/Teams%", {"a b", "c"}}}};
  BOOST_TEST(shown(x)
             == "Impersonate-User: andy\n"
                "Impersonate-Uid: andy-uid\n"
                "Impersonate-Group: users\n"
                "Impersonate-Group: ops team\n"
                "Impersonate-Extra-example.com%2F%54eams%25: a b\n"
                "Impersonate-Extra-example.com%2F%54eams%25: c\n");
  BOOST_TEST(shown({"bo", "", {}, {}}) == "Impersonate-User: bo\n");
}

// Such a user would become another one on its way.
BOOST_AUTO_TEST_CASE(a_user_that_a_field_cannot_name_is_nobody_else) {
  for (std::string bad : {"", " admin", "admin ", "a\r\nImpersonate-Group: x",
                          "admin\t", "a\x7f"}) {
    BOOST_TEST(!named({bad, "", {}, {}}), bad);
    BOOST_TEST(!named({"a", "", {bad}, {}}), bad);
    BOOST_TEST(!named({"a", "", {}, {{"k", {bad}}}}), bad);
  }
  BOOST_TEST(!named({"a", " 1", {}, {}}));
  BOOST_TEST(!named({"a", "", {}, {{"", {"x"}}}}));
}

BOOST_AUTO_TEST_CASE(names_of_the_system_count_where_trust_names_them) {
  principal root{"root", "", {"users", "system:masters"}, {}};
  principal robot{"system:serviceaccount:ci:robot", "", {"users"}, {}};
  principal andy{"andy", "", {"users", "system:authenticated"}, {}};
  site::trust none, masters, all;
  masters.roles = {"system:masters"};
  all.roles = {"*"};
  BOOST_TEST(untrusted_name(root, none) == "system:masters");
  BOOST_TEST(untrusted_name(root, masters) == "");
  BOOST_TEST(untrusted_name(robot, masters) == robot.user);
  BOOST_TEST(untrusted_name(robot, all) == "");
  BOOST_TEST(untrusted_name(andy, none) == "");
}

BOOST_AUTO_TEST_SUITE_END()
