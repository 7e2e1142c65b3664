#include "tools/scenario/changes.hpp"

#include "tools/scenario/poll.hpp"
#include "tools/scenario/schedule.hpp"
#include "tools/scenario/send.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace cheops::scenario {

namespace json = boost::json;

namespace {

using steady = std::chrono::steady_clock;

/// A client turns to other work after so many tries; what it leaves open is
/// asked for again at the end.
constexpr unsigned tries_max = 5;

enum class action_kind : std::uint8_t { create, update, remove, read };

action_kind choose(const change_mix& mix, seeded& random) {
  auto left = random.below(std::uint64_t{mix.create} + mix.update + mix.remove
                           + mix.read);
  if (left < mix.create)
    return action_kind::create;
  left -= mix.create;
  if (left < mix.update)
    return action_kind::update;
  return left - mix.update < mix.remove ? action_kind::remove
                                        : action_kind::read;
}

std::string text_at(const std::string& body, const std::string& pointer) {
  boost::system::error_code wrong;
  auto whole = json::parse(body, wrong);
  const auto* x = wrong ? nullptr : whole.find_pointer(pointer, wrong);
  return x && x->is_string() ? std::string{x->get_string()} : std::string{};
}

/// A place for resources, one after the other.
struct slot {
  std::optional<std::size_t> now; ///< Into the book, while it is there.
  bool busy = false;              ///< Somebody makes or removes it.
  bool made = false;              ///< Once at least, or it is open for good.
  std::map<std::string, std::string> ids; ///< By site.
};

/// A change that is under way or open.
struct pending {
  std::size_t at = 0;   ///< Its slot.
  std::size_t life = 0; ///< Into the book's lives,
  std::size_t note = 0; ///< and into that one's changes.
  change_verb verb = change_verb::create;
  request_spec request;
  unsigned tries = 0;
};

change_fate fate_of(const observation& seen, bool first) {
  if (seen.failure)
    return first && seen.failure->code == errc::unreachable
             ? change_fate::not_done
             : change_fate::open;
  if (seen.status / 100 == 2)
    return field_of(seen.fields, "Cheops-Replicant").empty()
             ? change_fate::apart
             : change_fate::stands;
  // What a node says is so of this try: an earlier one may have been done.
  auto refused =
    seen.status == 503 && !field_of(seen.fields, "Cheops-Error").empty();
  if (first && (refused || seen.status / 100 == 4))
    return change_fate::not_done;
  return change_fate::open;
}

} // namespace

struct change_load::impl {
  impl(sites& s, const workload& w, std::string p)
    : all(s), what(w), prefix(std::move(p)), slots(w.changes->resources) {
    seen.workload = w.name;
  }

  [[nodiscard]] const changes_spec& how() const { return *what.changes; }
  void client(live_site& home, std::uint64_t seed);
  std::optional<pending> begin(live_site& home, seeded& random);
  std::optional<pending> again(live_site& home);
  std::optional<pending> begin_create(live_site& home, seeded& random);
  std::optional<pending> begin_other(live_site& home, action_kind kind,
                                     seeded& random);
  std::string id_at(live_site& home, std::size_t at, std::size_t life);
  void read(live_site& home, const std::string& id);
  pending note(std::size_t at, change_verb verb, live_site& home,
               const std::string& id);
  /// Sends it; whether it is still open.
  bool try_once(pending& x);
  void settled(const pending& x, change_fate fate, const observation& by);
  observation ask(const request_spec& x);
  bool pause_until(steady::time_point when) {
    std::unique_lock lock(guard);
    return !ending.wait_until(lock, when, [this] { return over; });
  }

  sites& all;
  const workload& what;
  const std::string prefix;
  mutable std::mutex guard;
  std::condition_variable ending;
  bool over = false;
  std::uint64_t next_tag = 1;
  std::vector<slot> slots;
  change_book seen;
  std::vector<pending> left_open;
  std::vector<std::thread> clients;
};

observation change_load::impl::ask(const request_spec& x) {
  auto request = prepare(all, x, {});
  observation out;
  if (request)
    out = send_here(*request);
  else
    out.failure = request.error();
  return out;
}

/// A note in the book, and the request for it. Under the lock.
pending change_load::impl::note(std::size_t at, change_verb verb,
                                live_site& home, const std::string& id) {
  auto tag = next_tag++;
  auto& l = seen.lives[*slots[at].now];
  pending out;
  out.at = at;
  out.life = *slots[at].now;
  out.note = l.changes.size();
  out.verb = verb;
  l.changes.push_back({verb, tag, home.name, change_fate::open, 0});
  auto& r = out.request;
  r.site = home.name;
  r.service = how().service;
  r.timeout = how().timeout;
  r.headers.emplace_back("Idempotency-Key", prefix + '-' + std::to_string(tag));
  r.path = how().path + (id.empty() ? "" : '/' + id);
  if (verb == change_verb::create) {
    r.method = "POST";
    r.scope = how().scope;
  } else {
    r.method = verb == change_verb::update ? "PUT" : "DELETE";
  }
  if (verb != change_verb::remove)
    r.json = json::object{{"name", l.name}, {"tag", tag}};
  return out;
}

std::optional<pending> change_load::impl::begin_create(live_site& home,
                                                       seeded& random) {
  std::lock_guard lock(guard);
  auto first = random.below(slots.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    auto at = (first + i) % slots.size();
    auto& s = slots[at];
    if (s.busy || s.now)
      continue;
    s.busy = true;
    s.ids.clear();
    s.now = seen.lives.size();
    seen.lives.push_back(
      {prefix + '-' + std::to_string(seen.lives.size()), {}, {}});
    return note(at, change_verb::create, home, {});
  }
  return std::nullopt;
}

/// The id of a resource at a client's site: by its name, as a user finds it.
std::string change_load::impl::id_at(live_site& home, std::size_t at,
                                     std::size_t life) {
  request_spec list;
  list.site = home.name;
  list.service = how().service;
  list.timeout = how().timeout;
  {
    std::lock_guard lock(guard);
    auto& s = slots[at];
    if (s.now != life)
      return {};
    if (auto known = s.ids.find(home.name); known != s.ids.end())
      return known->second;
    list.path = how().path + "?name=" + seen.lives[life].name;
  }
  auto found = ask(list);
  auto id = found.failure ? "" : text_at(found.body, how().list + "/0/id");
  std::lock_guard lock(guard);
  if (id.empty())
    ++seen.behind;
  else if (slots[at].now == life)
    slots[at].ids[home.name] = id;
  return id;
}

void change_load::impl::read(live_site& home, const std::string& id) {
  request_spec one;
  one.site = home.name;
  one.service = how().service;
  one.path = how().path + '/' + id;
  one.timeout = how().timeout;
  (void) ask(one);
  std::lock_guard lock(guard);
  ++seen.reads;
}

std::optional<pending> change_load::impl::begin_other(live_site& home,
                                                      action_kind kind,
                                                      seeded& random) {
  auto at = static_cast<std::size_t>(random.below(slots.size()));
  std::size_t life = 0;
  {
    std::lock_guard lock(guard);
    auto& s = slots[at];
    if (!s.now || s.busy)
      return std::nullopt;
    life = *s.now;
  }
  auto id = id_at(home, at, life);
  if (id.empty())
    return std::nullopt;
  if (kind == action_kind::read) {
    read(home, id);
    return std::nullopt;
  }
  std::lock_guard lock(guard);
  auto& s = slots[at];
  if (s.now != life || s.busy)
    return std::nullopt;
  s.busy = kind == action_kind::remove;
  return note(at, s.busy ? change_verb::remove : change_verb::update, home, id);
}

/// What some client of this site has left open, oldest first.
std::optional<pending> change_load::impl::again(live_site& home) {
  std::lock_guard lock(guard);
  auto mine =
    std::find_if(left_open.begin(), left_open.end(),
                 [&](const pending& x) { return x.request.site == home.name; });
  if (mine == left_open.end())
    return std::nullopt;
  auto out = std::move(*mine);
  left_open.erase(mine);
  return out;
}

std::optional<pending> change_load::impl::begin(live_site& home,
                                                seeded& random) {
  if (random.below(3) == 0)
    if (auto old = again(home))
      return old;
  auto kind = choose(how().mix, random);
  if (kind == action_kind::create)
    return begin_create(home, random);
  return begin_other(home, kind, random);
}

/// Under the lock.
void change_load::impl::settled(const pending& x, change_fate fate,
                                const observation& by) {
  auto& l = seen.lives[x.life];
  auto& n = l.changes[x.note];
  n.fate = fate;
  auto& s = slots[x.at];
  if (fate == change_fate::stands) {
    auto index = field_of(by.fields, "Cheops-Replicant-Index");
    n.index = std::strtoull(index.c_str(), nullptr, 10);
    s.made = s.made || x.verb == change_verb::create;
    if (x.verb == change_verb::create)
      s.ids[x.request.site] = text_at(by.body, "/id");
  }
  if (auto replicant = field_of(by.fields, "Cheops-Replicant");
      !replicant.empty())
    l.replicant = replicant;
  auto ends = x.verb == change_verb::remove ? fate == change_fate::stands
                                            : fate == change_fate::not_done;
  if (x.verb == change_verb::update || fate == change_fate::open)
    return;
  s.busy = false;
  if (ends)
    s.now.reset();
}

bool change_load::impl::try_once(pending& x) {
  auto got = ask(x.request);
  auto fate = fate_of(got, x.tries == 0);
  ++x.tries;
  std::lock_guard lock(guard);
  settled(x, fate, got);
  return fate == change_fate::open;
}

void change_load::impl::client(live_site& home, std::uint64_t seed) {
  if (!enter(all.network_of(home)))
    return; // Nothing is made then, and the checks say so.
  seeded random(seed);
  auto pace = std::chrono::duration_cast<steady::duration>(
    std::chrono::duration<double>(1 / what.rate));
  auto next = steady::now();
  std::optional<pending> open;
  while (pause_until(next)) {
    next = std::max(next + pace, steady::now());
    if (!open)
      open = begin(home, random);
    if (!open)
      continue;
    if (!try_once(*open)) {
      open.reset();
    } else if (open->tries >= tries_max) {
      std::lock_guard lock(guard);
      slots[open->at].made = true; // As far as anybody can tell.
      left_open.push_back(*std::exchange(open, {}));
    }
  }
  if (open) {
    std::lock_guard lock(guard);
    left_open.push_back(*open);
  }
}

change_load::change_load(sites& all, const workload& what, std::string prefix,
                         std::uint64_t seed)
  : impl_(std::make_unique<impl>(all, what, std::move(prefix))) {
  seeded seeds(seed);
  auto clients = what.clients_in_all
                   ? what.clients_in_all
                   : what.clients * static_cast<unsigned>(what.sites.size());
  for (unsigned i = 0; i < clients; ++i)
    if (auto site = all.find(what.sites[i % what.sites.size()]))
      impl_->clients.emplace_back(
        [self = impl_.get(), at = *site, own = seeds.next()] {
          self->client(*at, own);
        });
}

change_load::~change_load() {
  stop();
}

std::size_t change_load::unmade() const {
  std::lock_guard lock(impl_->guard);
  std::size_t out = 0;
  for (const auto& x : impl_->slots)
    out += x.made ? 0 : 1;
  return out;
}

void change_load::stop() {
  {
    std::lock_guard lock(impl_->guard);
    impl_->over = true;
  }
  impl_->ending.notify_all();
  for (auto& x : impl_->clients)
    x.join();
  impl_->clients.clear();
}

void change_load::settle(milliseconds at_most) {
  auto& open = impl_->left_open;
  // A thread of its own for each try: it enters the site's network for good.
  auto one = [this](pending& x) {
    auto still = true;
    std::thread([&] {
      auto site = impl_->all.find(x.request.site);
      if (site && enter(impl_->all.network_of(**site)))
        still = impl_->try_once(x);
    }).join();
    return still;
  };
  auto matters = [this](const pending& x) {
    auto may = allowed_end_of(impl_->seen.lives[x.life]);
    return !may.gone || !may.tags.empty();
  };
  (void) poll_until(at_most, [&] {
    std::erase_if(open, [&](pending& x) { return !matters(x) || !one(x); });
    return open.empty();
  });
}

change_book change_load::book() const {
  std::lock_guard lock(impl_->guard);
  return impl_->seen;
}

} // namespace cheops::scenario
