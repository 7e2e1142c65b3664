#pragma once

#include "cheops/mesh/link.hpp"
#include "support/boost_test.hpp"

#include <string>
#include <utility>
#include <vector>

/// Both ends of a link, and the bytes between them, for tests of its rules.
namespace cheops::mesh::testing {

using namespace std::chrono_literals;
using link::instant;
using link::phase;

inline link::settings with_name(const std::string& site) {
  link::settings x;
  x.hello.site = site_id{site};
  x.hello.store = "store";
  x.hello.incarnation = 1;
  return x;
}

template <class T>
std::vector<T> all_of(const std::vector<link::effect>& from) {
  std::vector<T> out;
  for (const auto& x : from)
    if (const auto* y = std::get_if<T>(&x))
      out.push_back(*y);
  return out;
}

/// One end of a link, and what came of it.
struct end {
  link::state rules;
  std::vector<link::effect> last; ///< Of the last input.
  std::string out;                ///< Written, and not with the peer yet.

  void give(const link::input& in, instant now) {
    last = link::step(rules, in, now);
    for (const auto& w : all_of<link::write>(last))
      out += w.bytes;
  }

  /// Why it closed, with the last input; empty if it did not.
  [[nodiscard]] std::string closed() const {
    auto x = all_of<link::close>(last);
    return x.empty() ? std::string{} : x.front().why;
  }
};

/// A dialled B.
struct two_ends {
  end a, b;
  instant now{1s};

  two_ends() : two_ends(with_name("A"), with_name("B")) {}

  two_ends(link::settings first, link::settings second) {
    a.rules =
      link::start(std::move(first), link::role::dialled, site_id{"B"}, now, 1);
    b.rules = link::start(std::move(second), link::role::accepted, {}, now, 2);
  }

  void secure() {
    a.give(link::secured{site_id{"B"}}, now);
    b.give(link::secured{site_id{"A"}}, now);
  }

  void a_to_b() { b.give(link::received{std::exchange(a.out, {})}, now); }
  void b_to_a() { a.give(link::received{std::exchange(b.out, {})}, now); }

  /// All that is written, until nothing is.
  void exchange_all() {
    while (!a.out.empty() || !b.out.empty()) {
      if (!a.out.empty())
        a_to_b();
      if (!b.out.empty())
        b_to_a();
    }
    a.give(link::drained{0}, now);
    b.give(link::drained{0}, now);
  }

  void come_up() {
    secure();
    a.give(link::permitted{}, now);
    a_to_b();
    b.give(link::permitted{}, now);
    exchange_all();
    BOOST_REQUIRE((a.rules.phase == phase::up));
    BOOST_REQUIRE((b.rules.phase == phase::up));
  }

  void pass(instant time) {
    now += time;
    a.give(link::ticked{}, now);
    b.give(link::ticked{}, now);
  }
};

inline std::string frame_of(wire::kind kind, std::string payload,
                            std::uint16_t flags = 0) {
  wire::frame x;
  x.kind = kind;
  x.flags = flags;
  x.payload = std::move(payload);
  return wire::encode(x);
}

inline std::vector<wire::frame> frames_in(const std::string& bytes) {
  wire::cutter cut{1 << 20};
  cut.feed(bytes);
  std::vector<wire::frame> out;
  for (auto x = cut.next(); x && *x; x = cut.next())
    out.push_back(std::move(**x));
  return out;
}

inline std::string message_of(std::size_t bytes) {
  wire::envelope x;
  x.to = {site_id{"B"}, "kind", "resource"};
  x.payload.assign(bytes, 'x');
  return wire::encode(x);
}

} // namespace cheops::mesh::testing
