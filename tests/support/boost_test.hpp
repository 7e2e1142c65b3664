#pragma once

// Boost.Test as every test binary uses it: define BOOST_TEST_MODULE in one
// source, then include this.
#include <boost/test/unit_test.hpp>
