// Boost.JSON is used as a header-only library; this is its one translation
// unit, for every target that links cheops::core.
#include <boost/json/src.hpp>
