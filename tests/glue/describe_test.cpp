#include "glue/describe.hpp"
#include "glue/registry.hpp"
#include "support/boost_test.hpp"

using namespace cheops;
using namespace cheops::glue;

BOOST_AUTO_TEST_SUITE(describe)

BOOST_AUTO_TEST_CASE(a_description_is_explained_in_sentences) {
  auto x = parse_description("application: cloud\n"
                             "services:\n"
                             "- name: Nova\n"
                             "  aliases: [compute]\n"
                             "  authenticates: true\n"
                             "  resources:\n"
                             "  - kind: server\n"
                             "    id: /server/id\n"
                             "    name: /server/name\n"
                             "    unique_names: true\n"
                             "    operations:\n"
                             "      create: POST /servers\n"
                             "      remove: DELETE /servers/{id}\n"
                             "    replicate:\n"
                             "      settle: {probe: \"GET /s?n={name}\"}\n"
                             "      settles_after: 5s\n"
                             "    references:\n"
                             "    - kind: requires\n"
                             "      service: Glance\n"
                             "      resource: image\n"
                             "      body: /server/imageRef\n"
                             "- name: Glance\n"
                             "  resources:\n"
                             "  - kind: image\n"
                             "    secret: true\n"
                             "    operations:\n"
                             "      read: GET /images/{id}\n"
                             "- name: Other\n"
                             "carriers: [prefix, trace]\n"
                             "errors: openstack\n"
                             "clients: {environment: {S: \"{scope}\"}}\n",
                             "app.yaml");
  BOOST_REQUIRE_MESSAGE(x, (x ? "" : to_string(x.error())));
  BOOST_TEST(
    explain(*x)
    == "Application cloud\n"
       "\n"
       "A scope comes by: the header Scope, the URL prefix /scope/<base64url>/,"
       " the trace (traceparent) of a call that had one.\n"
       "Errors of Cheops look like those of OpenStack.\n"
       "\n"
       "Nova (also compute)\n"
       "  Peers may use it by default: it authenticates users itself.\n"
       "  A request of it can lead to: Glance. A scope may name these too.\n"
       "  server: an answer has its id at /server/id, a body its name at "
       "/server/name (the application refuses a second of one name)\n"
       "    create  POST    /servers\n"
       "    remove  DELETE  /servers/{id}\n"
       "    needs, to be created, the image of Glance whose id is at "
       "/server/imageRef in the body\n"
       "    Replicated: a create whose answer never came is looked for (GET "
       "/s?n={name}), 5s after it was given up.\n"
       "\n"
       "Glance\n"
       "  Peers may use it only where a site's configuration allows it: it "
       "does not authenticate users.\n"
       "  A request of it stays within it: a scope may name no other service.\n"
       "  image: an answer has its id at /id; bodies are never shown\n"
       "    read    GET     /images/{id}\n"
       "\n"
       "Other\n"
       "  Peers may use it only where a site's configuration allows it: it "
       "does not authenticate users.\n"
       "  A request of it stays within it: a scope may name no other service.\n"
       "  It has no resources: every request can be shared, none replicated.\n"
       "\n"
       "Clients are started (cheops run) with\n"
       "  S={scope}\n");
}

BOOST_AUTO_TEST_SUITE_END()
