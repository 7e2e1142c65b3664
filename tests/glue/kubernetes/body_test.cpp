#define BOOST_TEST_MODULE glue_kubernetes
#include "glue/kubernetes/body.hpp"
#include "glue/kubernetes/protobuf.hpp"
#include "support/boost_test.hpp"

#include <boost/json.hpp>
#include <rapidcheck.h>

using namespace cheops;
using namespace cheops::glue::kubernetes;
using protobuf::field;

namespace {

constexpr std::string_view protobuf_type =
  "application/vnd.kubernetes.protobuf;type=x";

object_body read(std::string_view text, std::string_view type = "") {
  auto out = object_body::read(text, type);
  BOOST_REQUIRE_MESSAGE(out, (out ? "" : out.error().what));
  return *out;
}

/// A number below 128, as a field.
std::string small(std::uint32_t number, char value) {
  std::string out;
  out += static_cast<char>(number << 3U);
  return out + value;
}

std::string enveloped(std::string_view kind, std::string_view object) {
  return std::string{"k8s\0", 4} + field(1, field(1, "v1") + field(2, kind))
         + field(2, object) + field(3, "") + field(4, "");
}

std::string config_map(const std::string& more = {}) {
  return enveloped("ConfigMap",
                   field(1, field(1, "purple") + field(3, "default")
                              + field(5, "uid-1") + field(6, "42") + small(7, 3)
                              + field(8, small(1, 9))
                              + field(11, field(1, "l") + field(2, "v"))
                              + field(17, field(1, "kubectl")) + more)
                     + field(2, field(1, "a") + field(2, "b")));
}

rc::Gen<std::string> text() {
  return rc::gen::arbitrary<std::string>();
}

constexpr std::array verbs{object_verb::create, object_verb::replace,
                           object_verb::patch};

} // namespace

BOOST_AUTO_TEST_SUITE(bodies)

BOOST_AUTO_TEST_CASE(json_and_protobuf_say_the_same_of_one_object) {
  constexpr std::string_view as_json = R"({
    "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "purple",
    "namespace": "default", "uid": "uid-1", "resourceVersion": "42",
    "annotations": {"cheops/scope": "Site1 & Site2"}}, "data": {"a": "b"}})";
  auto annotation =
    field(12, field(1, "cheops/scope") + field(2, "Site1 & Site2"));
  for (const auto& x :
       {read(as_json), read(config_map(annotation), protobuf_type)}) {
    BOOST_TEST(x.api_version() == "v1");
    BOOST_TEST(x.kind() == "ConfigMap");
    BOOST_TEST(x.text_at(at::name).value() == "purple");
    BOOST_TEST(x.text_at(at::ns).value() == "default");
    BOOST_TEST(x.text_at(at::uid).value() == "uid-1");
    BOOST_TEST(x.text_at(at::resource_version).value() == "42");
    BOOST_TEST(!x.text_at(at::generate_name));
    BOOST_TEST(x.annotation(scope_annotation).value() == "Site1 & Site2");
    BOOST_TEST(!x.annotation(operation_annotation));
    BOOST_TEST(!x.has_controller());
  }
}

BOOST_AUTO_TEST_CASE(what_was_not_changed_stays_byte_for_byte) {
  constexpr std::string_view odd = "{ \"a\" : 1.50, \"metadata\":{} }";
  BOOST_TEST(read(odd).text() == odd);
  auto x = read(config_map(), protobuf_type);
  x.remove(at::generate_name);
  BOOST_TEST(x.text() == config_map());
}

BOOST_AUTO_TEST_CASE(what_one_site_can_mean_alone_is_taken_out_of_json) {
  auto x = read(R"({"kind": "Service", "metadata": {"name": "n", "uid": "u",
    "resourceVersion": "1", "generation": 2, "creationTimestamp": null,
    "deletionTimestamp": "t", "deletionGracePeriodSeconds": 0,
    "selfLink": "/x", "managedFields": [], "ownerReferences": [{"uid": "o"}],
    "labels": {"a": "b"}}, "spec": {"clusterIP": "10.0.0.1",
    "clusterIPs": ["10.0.0.1"], "healthCheckNodePort": 3,
    "ports": [{"port": 80}]}, "status": {"loadBalancer": {}}})");
  auto created = x;
  remove_local(x, {"", "d", "services", "n"}, object_verb::replace);
  BOOST_TEST(x.text()
             == R"({"kind":"Service","metadata":{"name":"n",)"
                R"("labels":{"a":"b"}},"spec":{"ports":[{"port":80}]}})");
  remove_local(created, {"", "d", "services", ""}, object_verb::create);
  BOOST_TEST(created.has(at::cluster_ip)); // Its user wrote it.
  BOOST_TEST(!created.has(at::uid));
}

BOOST_AUTO_TEST_CASE(a_service_without_an_address_keeps_to_have_none) {
  auto x = read(R"({"spec":{"clusterIP":"None","clusterIPs":["None"]}})");
  remove_local(x, {"", "d", "services", "n"}, object_verb::replace);
  BOOST_TEST(x.text_at(at::cluster_ip).value() == "None");
}

BOOST_AUTO_TEST_CASE(what_one_site_can_mean_alone_is_taken_out_of_protobuf) {
  auto x = read(config_map(), protobuf_type);
  remove_local(x, {"", "default", "configmaps", ""}, object_verb::create);
  auto expected = enveloped(
    "ConfigMap", field(1, field(1, "purple") + field(3, "default")
                            + field(11, field(1, "l") + field(2, "v")))
                   + field(2, field(1, "a") + field(2, "b")));
  BOOST_TEST(x.text() == expected);
}

BOOST_AUTO_TEST_CASE(a_third_field_is_a_status_in_kinds_that_have_one) {
  auto with = [](std::string_view kind) {
    auto x = read(
      enveloped(kind, field(1, field(1, "n")) + field(2, "") + field(3, "x")),
      protobuf_type);
    x.remove_status();
    return x.text().find("x") != std::string::npos;
  };
  BOOST_TEST(!with("Deployment"));
  BOOST_TEST(with("ConfigMap")); // binaryData.
  BOOST_TEST(with("Secret"));    // type.
}

BOOST_AUTO_TEST_CASE(a_json_patch_loses_what_it_does_at_local_places) {
  auto x = read(R"([{"op":"test","path":"/metadata/resourceVersion",
    "value":"7"},{"op":"add","path":"/metadata/uidx","value":"1"},
    {"op":"remove","path":"/status/x"},
    {"op":"add","path":"/data/a","value":"1"}])",
                "application/json-patch+json");
  BOOST_TEST(x.is_json_patch());
  BOOST_TEST(x.patched_text(at::resource_version).value() == "7");
  BOOST_TEST(!x.patched_text(at::uid));
  BOOST_TEST(!x.text_at(at::resource_version));
  remove_local(x, {"", "d", "configmaps", "n"}, object_verb::patch);
  BOOST_TEST(x.text()
             == R"([{"op":"add","path":"/metadata/uidx","value":"1"},)"
                R"({"op":"add","path":"/data/a","value":"1"}])");
}

BOOST_AUTO_TEST_CASE(an_object_whose_controller_is_another_is_known) {
  BOOST_TEST(read(R"({"metadata":{"ownerReferences":[{"uid":"a"},
    {"uid":"b","controller":true}]}})")
               .has_controller());
  BOOST_TEST(!read(R"({"metadata":{"ownerReferences":[{"controller":false}]}})")
                .has_controller());
  auto owner = [](char controls) {
    return read(config_map(field(13, field(1, "x") + small(6, controls))),
                protobuf_type)
      .has_controller();
  };
  BOOST_TEST(owner(1));
  BOOST_TEST(!owner(0));
}

BOOST_AUTO_TEST_CASE(delete_options_say_their_preconditions) {
  auto x = read(R"({"preconditions":{"uid":"u","resourceVersion":"1"},
    "propagationPolicy":"Background"})");
  BOOST_TEST(x.text_at(at::precondition_uid).value() == "u");
  x.remove(at::preconditions);
  BOOST_TEST(x.text() == R"({"propagationPolicy":"Background"})");
  auto y =
    read(enveloped("DeleteOptions", field(2, field(2, "1")) + field(5, "All")),
         protobuf_type);
  BOOST_TEST(y.text_at(at::precondition_version).value() == "1");
  BOOST_TEST(y.has(at::dry_run));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_refused) {
  for (auto x : {"", "[]", "1", "{", "{\"a\":}", "{\"a\":1e999}"})
    BOOST_TEST(!object_body::read(x, "application/json"), x);
  BOOST_TEST(!object_body::read("{}", "application/json-patch+json"));
  BOOST_TEST(!object_body::read("a: b", "application/apply-patch+yaml"));
  BOOST_TEST(!object_body::read("{}", "application/yaml"));
  BOOST_TEST(!object_body::read(std::string(300, '['), ""));
  auto object = field(1, field(1, "n"));
  std::string start{"k8s\0", 4};
  for (const auto& x :
       {std::string{}, std::string{"k8s"}, start + "\x0A", start + '\0',
        start + field(2, object) + field(2, object),
        start + field(2, object + object), start + field(2, "\x0A\x7F"),
        start + field(2, field(1, "\x0A\x7F")),           // In the metadata.
        start + "\x10\x01", start + field(2, "\x08\x01"), // Numbers.
        start + field(2, object) + field(3, "gzip")})
    BOOST_TEST(!object_body::read(x, protobuf_type));
}

BOOST_AUTO_TEST_CASE(what_is_set_is_read_and_the_rest_is_as_before) {
  BOOST_TEST(rc::check([] {
    auto printable =
      rc::gen::container<std::string>(rc::gen::inRange(' ', '~'));
    auto name = *printable;
    auto key = *printable;
    auto value = *printable;
    RC_PRE(!name.empty());
    for (auto x : {read("{}"), read(R"({"metadata":null,"data":{"a":"b"}})"),
                   read(config_map(), protobuf_type)}) {
      auto data = x.json() ? x.has({"/data/a", {}}) : x.has({"", {2, 1}});
      x.set_text(at::name, name);
      x.set_annotation(key, "first");
      x.set_annotation(key, value);
      auto again = object_body::read(
        x.text(), x.is_protobuf() ? protobuf_type : std::string_view{});
      RC_ASSERT(again.has_value());
      RC_ASSERT(again->text_at(at::name) == name);
      RC_ASSERT(again->annotation(key) == value);
      RC_ASSERT(again->text_at(at::uid) == x.text_at(at::uid));
      RC_ASSERT(
        (again->json() ? again->has({"/data/a", {}}) : again->has({"", {2, 1}}))
        == data);
    }
  }));
}

BOOST_AUTO_TEST_CASE(to_take_out_twice_is_to_take_out_once) {
  BOOST_TEST(rc::check([] {
    // Fields of any number, in a metadata and beside it.
    auto some = *rc::gen::container<std::vector<std::pair<int, std::string>>>(
      rc::gen::pair(rc::gen::inRange(2, 20), text()));
    std::string meta, beside;
    for (const auto& [number, value] : some) {
      meta += field(static_cast<std::uint32_t>(number), value);
      beside += field(static_cast<std::uint32_t>(number) + 2, value);
    }
    auto x = read(enveloped("Foo", field(1, meta) + beside), protobuf_type);
    auto does = *rc::gen::elementOf(verbs);
    remove_local(x, {"", "d", "foos", "n"}, does);
    auto once = x.text();
    auto again = read(once, protobuf_type);
    remove_local(again, {"", "d", "foos", "n"}, does);
    RC_ASSERT(again.text() == once);
    // What is beside the metadata of a kind that is not known stays whole.
    RC_ASSERT(once.find(beside) != std::string::npos);
    for (auto number : {3, 11, 12, 14})
      for (const auto& [n, value] : some)
        if (n == number)
          RC_ASSERT(once.find(value) != std::string::npos);
  }));
}

BOOST_AUTO_TEST_CASE(garbage_is_read_or_refused) {
  BOOST_TEST(rc::check([](std::string x) {
    if (*rc::gen::arbitrary<bool>())
      x = std::string{"k8s\0", 4} + x;
    for (auto type : {std::string_view{}, protobuf_type}) {
      auto body = object_body::read(x, type);
      if (!body)
        continue;
      remove_local(*body, {"", "", "pods", "n"}, object_verb::replace);
      body->set_text(at::name, "a");
      RC_ASSERT(object_body::read(body->text(), type).has_value());
    }
  }));
}

BOOST_AUTO_TEST_SUITE_END()
