#pragma once

#include "http/client.hpp"
#include "support/boost_test.hpp"
#include "tools/fixed_node.hpp"

namespace cheops::test {

/// The same, and a client of its endpoint.
struct asked_node : fixed_node {
  http::client_response ask(const std::string& method,
                            const std::string& target,
                            const std::string& body = {}) {
    http::client_request rq;
    rq.method = method;
    rq.url = "http+unix://" + socket() + ":" + target;
    rq.body = body;
    auto answer = http::fetch(rq);
    BOOST_REQUIRE_MESSAGE(answer, to_string(answer.error()));
    return *answer;
  }
};

} // namespace cheops::test
