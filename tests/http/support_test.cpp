// The main of test_http_support: what surrounds the proxy.
#define BOOST_TEST_MODULE http_support
#include "support/boost_test.hpp"
