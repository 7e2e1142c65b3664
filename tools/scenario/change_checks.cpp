#include "tools/scenario/change_checks.hpp"

#include "tools/scenario/admin.hpp"
#include "tools/scenario/poll.hpp"
#include "tools/scenario/send.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <set>

namespace cheops::scenario {

namespace json = boost::json;

namespace {

constexpr std::size_t shown_max = 5;
constexpr unsigned page = 1000;
constexpr milliseconds page_timeout{10'000};

std::string text_of(const json::value& x, const char* member) {
  const auto* m = x.is_object() ? x.get_object().if_contains(member) : nullptr;
  return m && m->is_string() ? std::string{m->get_string()} : std::string{};
}

/// What an application holds of a workload's resources: by name, all of it
/// but what is each site's own.
using held = std::multimap<std::string, json::object>;

/// A GET past the node.
result<json::value> get(sites& all, const live_site& site,
                        const std::string& service, const std::string& path) {
  request_spec ask;
  ask.site = site.name;
  ask.service = service;
  ask.path = path;
  ask.bypass = true;
  auto ready = prepare(all, ask, {});
  if (!ready)
    return ready.error();
  auto got = send(*ready);
  if (got.failure)
    return *got.failure;
  boost::system::error_code wrong;
  auto out = json::parse(got.body, wrong);
  if (wrong || got.status != 200)
    return error{errc::broken,
                 "GET " + path + " answered " + std::to_string(got.status),
                 site.name, "look at the application", ""};
  return out;
}

result<held> look(sites& all, const live_site& site, const changes_spec& how) {
  auto body = get(all, site, how.service, how.path);
  if (!body)
    return body.error();
  boost::system::error_code wrong;
  const auto* list = body->find_pointer(how.list, wrong);
  if (!list || !list->is_array())
    return error{errc::bad_config, "no list at " + how.list, site.name,
                 "look at the application", ""};
  held out;
  for (const auto& x : list->get_array()) {
    if (!x.is_object())
      continue;
    auto content = x.get_object();
    for (const auto& name : how.own)
      content.erase(name);
    out.emplace(text_of(x, "name"), std::move(content));
  }
  return out;
}

/// Those of one workload: its names begin so.
std::string prefix_of(const change_book& book) {
  if (book.lives.empty())
    return "-";
  const auto& name = book.lives.front().name;
  return name.substr(0, name.rfind('-') + 1);
}

held_tags tags_of(const held& from, const std::string& prefix) {
  held_tags out;
  for (const auto& [name, content] : from) {
    if (name.rfind(prefix, 0) != 0)
      continue;
    const auto* tag = content.if_contains("tag");
    out.emplace(name,
                tag && tag->is_number() ? tag->to_number<std::uint64_t>() : 0);
  }
  return out;
}

const changes_spec& spec_of(const sites& all, const change_book& book) {
  const auto& from = all.what().workloads;
  return *std::find_if(from.begin(), from.end(), [&](const auto& w) {
            return w.name == book.workload;
          })->changes;
}

/// Some of what is wrong, for people.
class complaints {
public:
  void add(const std::string& text) {
    if (++count_ <= shown_max)
      text_ += (text_.empty() ? "" : "; ") + text;
  }
  [[nodiscard]] bool none() const { return count_ == 0; }
  [[nodiscard]] std::string text() const {
    return text_
           + (count_ > shown_max
                ? "; and " + std::to_string(count_ - shown_max) + " more"
                : "");
  }

private:
  std::size_t count_ = 0;
  std::string text_;
};

/// Where two applications differ.
void compare(const std::string& a, const held& left, const std::string& b,
             const held& right, complaints& to) {
  std::set<std::string> names;
  for (const auto* one : {&left, &right})
    for (const auto& [name, content] : *one)
      names.insert(name);
  for (const auto& name : names) {
    auto [l, l_end] = left.equal_range(name);
    auto [r, r_end] = right.equal_range(name);
    auto same =
      std::is_permutation(l, l_end, r, r_end, [](const auto& x, const auto& y) {
        return x.second == y.second;
      });
    auto shown = [](auto from, auto to_end) {
      std::string out;
      for (; from != to_end; ++from)
        out += json::serialize(from->second);
      return out.empty() ? std::string{"nothing"} : out;
    };
    if (!same)
      to.add(name + " is " + shown(l, l_end) + " at " + a + " and "
             + shown(r, r_end) + " at " + b);
  }
}

bool converged(sites& all, const change_book& book, std::string& seen) {
  const auto& how = spec_of(all, book);
  complaints wrong;
  std::optional<held> first;
  for (const auto& x : all.all()) {
    auto now = look(all, *x, how);
    if (!now)
      wrong.add(cheops::to_string(now.error()));
    else if (!first)
      first = *std::move(now);
    else
      compare(all.all().front()->name, *first, x->name, *now, wrong);
  }
  seen = wrong.none()
           ? "all sites hold the same "
               + std::to_string(first ? first->size() : 0) + " resources"
           : wrong.text();
  return wrong.none() && first && !first->empty();
}

bool acknowledged(sites& all, const change_book& book, std::string& seen) {
  const auto& how = spec_of(all, book);
  complaints wrong;
  for (const auto& x : all.all()) {
    auto now = look(all, *x, how);
    if (!now) {
      wrong.add(cheops::to_string(now.error()));
      continue;
    }
    for (const auto& [name, why] :
         deviations(book, tags_of(*now, prefix_of(book))))
      wrong.add(name + " at " + x->name + ": " + why);
  }
  auto stands = book.count(change_fate::stands);
  seen = std::to_string(book.lives.size()) + " resources, "
         + std::to_string(stands) + " changes acknowledged, "
         + std::to_string(book.count(change_fate::not_done)) + " refused, "
         + std::to_string(book.count(change_fate::open)) + " open, "
         + std::to_string(book.count(change_fate::apart))
         + " of one site alone";
  if (!wrong.none())
    seen += "; " + wrong.text();
  // Where nothing stays uncertain, nobody changes one copy alone.
  return wrong.none() && stands > 0 && book.count(change_fate::apart) == 0;
}

/// All names whose creates an application tells of, as often as it does.
result<std::map<std::string, unsigned>>
creates_at(sites& all, const live_site& site, const changes_spec& how) {
  std::map<std::string, unsigned> out;
  for (std::uint64_t after = 0;;) {
    auto body =
      get(all, site, how.service,
          all.what().application.deeds + "?after=" + std::to_string(after)
            + "&most=" + std::to_string(page));
    if (!body)
      return body.error();
    boost::system::error_code absent;
    const auto* deeds = body->find_pointer("/deeds", absent);
    if (!deeds || !deeds->is_array())
      return error{errc::bad_config, "no \"deeds\" in the answer", site.name,
                   "read the deeds", ""};
    for (const auto& x : deeds->get_array())
      if (text_of(x, "what") == "create")
        ++out[text_of(x, "name")];
    if (deeds->get_array().size() < page)
      return out;
    after += deeds->get_array().size();
  }
}

bool no_duplicates(sites& all, const change_book& book, std::string& seen) {
  complaints wrong;
  seen.clear();
  auto any = true;
  for (const auto& x : all.all()) {
    auto creates = creates_at(all, *x, spec_of(all, book));
    if (!creates) {
      wrong.add(cheops::to_string(creates.error()));
      continue;
    }
    std::size_t count = 0;
    for (const auto& [name, times] : *creates) {
      if (name.rfind(prefix_of(book), 0) != 0)
        continue;
      ++count;
      if (times > 1)
        wrong.add(x->name + " made " + name + ' ' + std::to_string(times)
                  + " times");
    }
    any = any && count > 0;
    seen += (seen.empty() ? "" : "; ") + x->name + " made "
            + std::to_string(count) + ", each once";
  }
  if (!wrong.none())
    seen = wrong.text();
  return wrong.none() && any;
}

/// The replicants that a site's node shows in a state.
result<std::set<std::string>> shown_as(const live_site& site,
                                       const std::string& state) {
  std::set<std::string> out;
  std::string after;
  for (;;) {
    auto target = "/v1/replicants?limit=" + std::to_string(page)
                  + "&state=" + state + after;
    auto got = ask(site, "GET", target, {}, page_timeout);
    if (!got)
      return got.error();
    boost::system::error_code absent;
    const auto* list = got->find_pointer("/replicants", absent);
    if (!list || !list->is_array())
      return error{errc::broken, "no \"replicants\" in the answer", site.name,
                   "ask " + target, ""};
    for (const auto& x : list->get_array())
      out.insert(text_of(x, "replicant"));
    auto next = text_of(*got, "next");
    if (next.empty())
      return out;
    after = "&after=" + next;
  }
}

/// What one site does not show of what is not as it should be.
void hidden_at(sites& all, live_site& site, const change_book& book,
               std::size_t& shown, complaints& wrong) {
  auto now = look(all, site, spec_of(all, book));
  auto uncertain = shown_as(site, "uncertain");
  auto diverged = shown_as(site, "diverged");
  for (const auto* failed : {&uncertain, &diverged})
    if (!*failed) {
      wrong.add(cheops::to_string(failed->error()));
      return;
    }
  if (!now) {
    wrong.add(cheops::to_string(now.error()));
    return;
  }
  std::map<std::string, std::string> replicants;
  for (const auto& x : book.lives)
    replicants[x.name] = x.replicant;
  for (const auto& [name, why] :
       deviations(book, tags_of(*now, prefix_of(book)))) {
    const auto& id = replicants[name];
    if (!uncertain->contains(id) && !diverged->contains(id))
      wrong.add(name + (id.empty() ? "" : " (" + id + ")") + " at " + site.name
                + ": " + why + "; and it is not shown as uncertain");
  }
  shown += uncertain->size();
}

bool uncertain_shown(sites& all, const change_book& book, std::string& seen) {
  complaints wrong;
  std::size_t shown = 0;
  for (const auto& x : all.all())
    hidden_at(all, *x, book, shown, wrong);
  // Without one it proves nothing.
  seen = std::to_string(shown) + " copies are shown as uncertain, "
         + std::to_string(book.count(change_fate::apart))
         + " changes were of one site alone";
  if (!wrong.none())
    seen += "; " + wrong.text();
  return wrong.none() && shown > 0;
}

} // namespace

check_outcome evaluate_changes(const check& x, sites& all,
                               const std::vector<change_book>& books) {
  using what = check::what;
  auto one = [&](const change_book& book, std::string& seen) {
    switch (x.kind) {
    case what::converged:
      return converged(all, book, seen);
    case what::acknowledged:
      return acknowledged(all, book, seen);
    case what::no_duplicates:
      return no_duplicates(all, book, seen);
    default:
      return uncertain_shown(all, book, seen);
    }
  };
  check_outcome out{std::string{to_string(x.kind)}, "nothing was changed",
                    false};
  out.held = poll_until(x.within, [&] {
    auto good = !books.empty();
    std::string text;
    for (const auto& book : books) {
      std::string seen;
      good = one(book, seen) && good;
      text += (text.empty() ? "" : "; ") + book.workload + ": " + seen;
    }
    out.what = text.empty() ? out.what : text;
    return good;
  });
  return out;
}

} // namespace cheops::scenario
