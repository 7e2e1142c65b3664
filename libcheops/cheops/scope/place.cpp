#include "cheops/scope/place.hpp"

#include "cheops/scope/suggest.hpp"
#include "cheops/text.hpp"

#include <algorithm>
#include <cassert>
#include <tuple>

namespace cheops::scope {

namespace {

using std::chrono::microseconds;

bool contains(const std::vector<site_id>& all, const site_id& x) {
  return std::ranges::find(all, x) != all.end();
}

void add(std::vector<site_id>& to, const site_id& x) {
  if (!contains(to, x))
    to.push_back(x);
}

std::string cut_off(const mesh::site& x) {
  std::string out = "cut off";
  if (x.since != std::chrono::system_clock::time_point{})
    out += " since " + utc(x.since);
  return out;
}

// A site in reach of an `around`, with what orders it.
struct near_site {
  bool cut = false; ///< Only the named one may be: its turn comes last.
  std::optional<microseconds> from_here;
  microseconds from_centre{0};
  site_id name;

  [[nodiscard]] auto order() const {
    return std::tuple{cut, !from_here.has_value(),
                      from_here.value_or(microseconds{0}), from_centre, name};
  }
};

class placer {
public:
  placer(const question& ask, const mesh::view& mesh)
    : ask_{ask}, mesh_{mesh} {}

  result<placed> operator()(const placement& whole) {
    auto out =
      std::visit([&](const auto& x) { return on(x, whole); }, whole.node);
    if (out)
      settle(*out);
    return out;
  }

private:
  const mesh::site& known(const std::string& name) const {
    const auto* x = mesh_.find_any_case(name);
    assert(x != nullptr);
    return *x;
  }

  // A site that tells no services is taken at the scope's word.
  bool offers(const mesh::site& x) const {
    return x.services.empty() || contains_service(x.services);
  }

  bool contains_service(const std::vector<service_id>& all) const {
    return std::ranges::any_of(all, [this](const service_id& x) {
      return same_name(x.value, ask_.service.value);
    });
  }

  // What must take part and lacks the service makes its branch impossible.
  error no_offer(const mesh::site& x) const {
    std::vector<std::string> offering;
    for (const auto& y : mesh_.sites)
      if (contains_service(y.services))
        offering.push_back(y.name.value);
    return {errc::unknown_service,
            x.name.value + " does not offer " + ask_.service.value,
            x.name.value, "plan scope",
            offering.empty() ? "no site is known to offer it"
                             : "it is offered at " + listed(offering, "and")};
  }

  // A site that one part takes was not passed over, whatever another says;
  // and one reason a site is enough.
  static void settle(placed& x) {
    std::vector<rejected> out;
    for (auto& y : x.passed_over)
      if (!contains(x.sites, y.site)
          && std::ranges::find(out, y.site, &rejected::site) == out.end())
        out.push_back(std::move(y));
    x.passed_over = std::move(out);
  }

  static void take_over(placed& out, placed part) {
    for (const auto& x : part.sites)
      add(out.sites, x);
    for (auto& x : part.passed_over)
      out.passed_over.push_back(std::move(x));
    if (out.unbuilt == nullptr)
      out.unbuilt = part.unbuilt;
  }

  // -- each form --------------------------------------------------------------

  result<placed> on(const site& x, const placement&) {
    const auto& one = known(x.name);
    if (!offers(one))
      return no_offer(one);
    placed out;
    out.sites = {one.name};
    return out;
  }

  result<placed> on(const set& x, const placement& whole) {
    placed out;
    out.act = action::copy;
    out.unbuilt = &whole;
    for (const auto& part : x.parts) {
      const auto& one = known(part.site);
      if (!offers(one))
        return no_offer(one);
      add(out.sites, one.name);
    }
    return out;
  }

  result<placed> on(const all& x, const placement& whole) {
    return together(x.parts, action::replicate,
                    ask_.replicates ? nullptr : &whole);
  }

  result<placed> on(const cross& x, const placement& whole) {
    return together(x.parts, action::divide, &whole);
  }

  // Every part takes part; one that is a choice does so with its first site
  // that is not cut off.
  result<placed> together(const std::vector<placement>& parts, action act,
                          const placement* unbuilt) {
    placed out;
    out.act = act;
    out.unbuilt = unbuilt;
    for (const auto& part : parts) {
      auto x = (*this)(part);
      if (!x)
        return x;
      if (x->act == action::share)
        choose_one(*x);
      take_over(out, std::move(*x));
    }
    return out;
  }

  void choose_one(placed& x) const {
    if (x.sites.size() < 2)
      return;
    auto up = std::ranges::find_if(x.sites, [this](const site_id& name) {
      return known(name.value).state != mesh::reach::down;
    });
    auto chosen = up == x.sites.end() ? x.sites.front() : *up;
    for (const auto& name : x.sites)
      if (name != chosen)
        x.passed_over.push_back(
          {name, "it is an alternative to " + chosen.value});
    x.sites = {chosen};
  }

  // The first branch that is possible decides what is done. Branches that
  // share are one list of candidates; the others wait for their turn.
  result<placed> on(const any& x, const placement& whole) {
    placed out;
    std::optional<error> impossible;
    for (const auto& part : x.parts) {
      auto branch = (*this)(part);
      if (!branch) {
        auto e = branch.error();
        out.passed_over.push_back({known(e.site).name, e.what});
        impossible = impossible ? impossible : std::move(e);
        continue;
      }
      auto first = out.sites.empty();
      if (first)
        out.act = branch->act;
      auto waits =
        !first && (out.act != action::share || branch->act != action::share);
      if (waits)
        wait_for_turn(*branch);
      take_over(out, std::move(*branch));
      if (waits && out.unbuilt == nullptr)
        out.unbuilt = &whole;
    }
    if (out.sites.empty())
      return *impossible;
    return out;
  }

  static void wait_for_turn(placed& branch) {
    for (auto& site : branch.sites)
      branch.passed_over.push_back(
        {std::move(site), "its branch of \"||\" has its turn only if those "
                          "before it fail"});
    branch.sites.clear();
  }

  result<placed> on(const around& x, const placement& whole) {
    placed out;
    const auto& centre = known(x.site);
    if (auto e = out_of_sight(centre))
      return *e;
    if (ask_.creates) {
      out.act = action::replicate;
      out.unbuilt = ask_.replicates ? nullptr : &whole;
    }
    std::vector<near_site> near;
    for (const auto& candidate : mesh_.sites) {
      auto why = why_not(candidate, centre, x.within);
      if (!why.empty()) {
        out.passed_over.push_back({candidate.name, std::move(why)});
        continue;
      }
      auto hop = mesh_.round_trip(candidate.name, centre.name);
      near.push_back({candidate.state == mesh::reach::down,
                      mesh_.round_trip(mesh_.self, candidate.name),
                      hop.value_or(microseconds{0}), candidate.name});
    }
    if (near.empty())
      return no_offer(centre);
    std::ranges::sort(near, {}, &near_site::order);
    for (auto& y : near)
      out.sites.push_back(std::move(y.name));
    // Where there is no second site, nothing can be replicated.
    if (ask_.replicates && out.sites.size() == 1)
      out.act = action::share;
    return out;
  }

  // Nothing can be near a site that is not linked and that nobody measured.
  std::optional<error> out_of_sight(const mesh::site& centre) const {
    auto measured = [&](const mesh::site& x) {
      return x.name != centre.name
             && mesh_.round_trip(x.name, centre.name).has_value();
    };
    if (centre.state == mesh::reach::self || centre.state == mesh::reach::up
        || std::ranges::any_of(mesh_.sites, measured))
      return std::nullopt;
    return error{errc::unreachable,
                 "no round trip to " + centre.name.value
                   + " is known, so nothing can be chosen around it",
                 centre.name.value, "plan scope",
                 "name the site alone, or try again when it is linked: cheops "
                 "get links"};
  }

  std::string why_not(const mesh::site& x, const mesh::site& centre,
                      microseconds within) const {
    if (!offers(x))
      return "it does not offer " + ask_.service.value;
    if (x.name == centre.name)
      return "";
    if (x.state == mesh::reach::down)
      return cut_off(x);
    auto hop = mesh_.round_trip(x.name, centre.name);
    auto to_centre = "round trip to " + centre.name.value;
    if (!hop)
      return "its " + to_centre + " is not measured";
    if (*hop > within)
      return to_centre + " is " + figure(*hop) + ", over " + figure(within);
    return "";
  }

  const question& ask_;
  const mesh::view& mesh_;
};

} // namespace

result<placed> place(const placement& x, const question& ask,
                     const mesh::view& mesh) {
  return placer{ask, mesh}(x);
}

std::string figure(microseconds x) {
  auto n = x.count();
  if (n != 0 && n < 1'000)
    return std::to_string(n) + " us";
  auto unit = n < 1'000'000 ? 1'000 : 1'000'000;
  auto tenths = n / (unit / 10);
  auto out = std::to_string(tenths / 10);
  if (tenths % 10 != 0)
    out += "." + std::to_string(tenths % 10);
  return out + (unit == 1'000 ? " ms" : " s");
}

} // namespace cheops::scope
