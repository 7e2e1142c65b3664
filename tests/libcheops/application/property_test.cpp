#define BOOST_TEST_MODULE application_property
#include "cheops/application/description.hpp"
#include "support/boost_test.hpp"

#include <rapidcheck.h>

using namespace cheops;
using namespace cheops::application;

namespace {

/// Percent-encodes each byte that a segment cannot hold; others by `bit`s of
/// `more`, which must make no difference.
std::string encoded(const std::string& x, std::uint32_t more) {
  constexpr auto digits = "0123456789ABCDEF";
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyz0123456789_~-";
  std::string out;
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto code = static_cast<unsigned char>(x[i]);
    auto must = plain.find(x[i]) == std::string_view::npos;
    if (must || (more >> (i % 32) & 1) != 0)
      out += {'%', digits[code >> 4], digits[code & 15]};
    else
      out += x[i];
  }
  return out;
}

struct pattern {
  std::string path; ///< The template.
  std::vector<std::string> segments;
};

/// Templates whose literals no id of these tests has, and with one {id}.
pattern any_pattern() {
  auto count = *rc::gen::inRange(1, 7);
  auto at = *rc::gen::inRange(0, count);
  pattern out;
  for (int i = 0; i < count; ++i) {
    auto literal = *rc::gen::inRange(0, 3) != 0;
    out.segments.push_back(i == at   ? "{id}"
                           : literal ? "L" + std::to_string(i)
                                     : "{p" + std::to_string(i) + "}");
    out.path += "/" + out.segments.back();
  }
  return out;
}

/// A segment that no server resolves away.
std::string any_id() {
  return *rc::gen::suchThat(
    rc::gen::nonEmpty(
      rc::gen::container<std::string>(rc::gen::inRange<char>(-128, 127))),
    [](const std::string& x) { return x != "." && x != ".."; });
}

service with(const std::vector<operation>& operations) {
  service x;
  x.name = service_id{"s"};
  resource r;
  r.kind = "r";
  r.operations = operations;
  x.resources.push_back(std::move(r));
  return x;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_path_made_from_a_template_classifies_back_to_it) {
  auto ok = rc::check("template, ids -> path -> ids", [] {
    auto p = any_pattern();
    auto of = with({{"PUT", p.path, verb::update}});
    std::string id;
    std::string target;
    for (const auto& segment : p.segments) {
      auto value = segment.front() == '{' ? any_id() : segment;
      if (segment == "{id}")
        id = value;
      target += std::string(*rc::gen::inRange<std::size_t>(1, 3), '/');
      if (*rc::gen::inRange(0, 4) == 0)
        target += "./";
      if (*rc::gen::inRange(0, 4) == 0)
        target += encoded(any_id(), 0) + "/%2e./";
      target += encoded(value, *rc::gen::arbitrary<std::uint32_t>());
    }
    target += *rc::gen::element<std::string>("", "/", "?a=/b", "/?", "//.");
    auto is = classify(of, "PUT", target);
    RC_ASSERT(is.about == &of.resources[0]);
    RC_ASSERT(is.does == verb::update);
    RC_ASSERT(is.id == id);
  });
  BOOST_TEST(ok);
}

BOOST_AUTO_TEST_CASE(the_more_literal_template_wins_in_any_order) {
  auto ok = rc::check("order of operations does not matter", [] {
    auto p = any_pattern();
    // The same, its id a literal: more literal wherever both match.
    auto q = p;
    q.path.clear();
    for (auto& segment : q.segments) {
      segment = segment == "{id}" ? "me" : segment;
      q.path += "/" + segment;
    }
    operation general{"GET", p.path, verb::read};
    operation special{"GET", q.path, verb::other};
    auto one = with({general, special});
    auto two = with({special, general});
    std::string target;
    for (const auto& segment : q.segments)
      target += "/" + (segment.front() == '{' ? "x" : segment);
    RC_ASSERT(classify(one, "GET", target).does == verb::other);
    RC_ASSERT(classify(two, "GET", target).does == verb::other);
  });
  BOOST_TEST(ok);
}

BOOST_AUTO_TEST_CASE(any_target_is_answered) {
  auto ok = rc::check("classify is total and its ids are of the target", [] {
    auto of = with({{"GET", "/a/{id}", verb::read}});
    auto target =
      "/a/"
      + *rc::gen::container<std::string>(rc::gen::element(
        'a', '/', '.', '%', '2', 'e', 'E', 'F', '?', '#', '{', '}'));
    auto is = classify(of, "GET", target);
    RC_ASSERT(is.of == &of);
    RC_ASSERT(is.id.size() <= target.size());
    RC_ASSERT(is.id != "." && is.id != "..");
    RC_ASSERT(!is.id.empty() == (is.about != nullptr));
  });
  BOOST_TEST(ok);
}
