#include "cheops/scope/parse.hpp"

#include "cheops/names.hpp"
#include "cheops/scope/lexer.hpp"
#include "cheops/scope/parser.hpp"
#include "cheops/scope/quantity.hpp"
#include "cheops/scope/suggest.hpp"

#include <cassert>
#include <unordered_map>
#include <unordered_set>

namespace cheops::scope {

namespace {

constexpr const char* a_site = "a site, such as Site1";
constexpr const char* a_copies = "a count and a site, such as 2@Site1";

/// A placement as it was read.
struct piece {
  placement node;
  std::size_t at = 0;
  bool chain = false; ///< Of several terms, so parentheses around it count.
};

class parser {
public:
  parser(std::string_view text, const known_names& known)
    : text_{text}, known_{known}, in_{tokenize(text)}, steps_{in_.steps} {
    for (const auto& x : known.sites)
      sites_.emplace(fold_case(x), &x);
  }

  counted_parse run() && {
    tree out;
    auto fine = whole(out) && check_prime(out) && check_printed(out);
    assert(fine != error_.has_value());
    if (!fine)
      return {std::move(*error_), steps_};
    return {std::move(out), steps_};
  }

private:
  // -- tokens -----------------------------------------------------------------

  const token& peek(std::size_t ahead = 0) {
    ++steps_;
    return in_.all[std::min(next_ + ahead, in_.all.size() - 1)];
  }

  bool is(kind what, std::size_t ahead = 0) { return peek(ahead).what == what; }

  bool is_name(std::size_t ahead = 0) {
    return is(kind::name, ahead) || is(kind::quoted, ahead);
  }

  // The last token stays: nothing reads past the end.
  token take() {
    auto& out = in_.all[next_];
    if (next_ + 1 < in_.all.size())
      ++next_;
    ++steps_;
    return out;
  }

  bool take_if(kind what) {
    if (!is(what))
      return false;
    (void) take();
    return true;
  }

  // -- errors -----------------------------------------------------------------

  bool fail(syntax_error x) {
    error_ = std::move(x);
    return false;
  }

  bool fail(std::size_t at, std::string what, std::string expected = {}) {
    return fail(syntax_error{at, std::move(what), std::move(expected), {}});
  }

  bool unexpected(std::string expected) {
    const auto& x = peek();
    if (x.what == kind::bad)
      return fail(in_.error);
    if (x.what == kind::end)
      return fail(x.at, "the scope ends too early", std::move(expected));
    return fail(x.at,
                "unexpected " + excerpt(text_.substr(x.at, x.stop - x.at)),
                std::move(expected));
  }

  bool expect(kind what, const char* expected) {
    return take_if(what) || unexpected(expected);
  }

  // -- names ------------------------------------------------------------------

  bool site_name(std::string& out, const std::string& expected) {
    if (!is_name())
      return unexpected(expected);
    auto x = take();
    if (known_.sites.empty()) {
      out = std::move(x.text);
      return true;
    }
    auto i = sites_.find(fold_case(x.text));
    if (i == sites_.end())
      return fail(unknown_site(x.at, x.text, known_));
    out = *i->second;
    return true;
  }

  bool service_name(std::string& out) {
    auto x = take();
    if (x.text == every_service)
      return fail(x.at, "a service cannot be named \"*\"",
                  "a placement without a service, for all of them");
    if (known_.services.empty()) {
      out = std::move(x.text);
      return true;
    }
    auto i = known_.services.find(fold_case(x.text));
    if (i == known_.services.end())
      return fail(unknown_service(x.at, x.text, known_));
    out = i->second;
    return true;
  }

  // -- scope and entries ------------------------------------------------------

  bool whole(tree& out) {
    if (is(kind::end))
      return fail(0, "an empty scope", "a site, or {SERVICE: SITE}");
    if (!take_if(kind::open_brace)) {
      if (is_name() && is(kind::colon, 1)) // Before it is taken for a site.
        return fail(peek(1).at, "a service or option without braces",
                    "{SERVICE: SITE}");
      if (!bare_placement(out))
        return false;
      return is(kind::end) || unexpected("\"&\", \"%\", \"||\" or the end");
    }
    if (is(kind::close_brace))
      return fail(peek().at, "an empty scope", "a site, or SERVICE: SITE");
    if (is_name() && is(kind::colon, 1)) {
      if (!entries(out))
        return false;
    } else if (!bare_placement(out)
               || !expect(kind::close_brace, "\"&\", \"%\", \"||\" or \"}\"")) {
      return false;
    }
    return is(kind::end) || unexpected("nothing after \"}\"");
  }

  bool bare_placement(tree& out) {
    auto x = chain(kind::any);
    if (!x)
      return false;
    out.services.emplace_back(every_service, std::move(x->node));
    return true;
  }

  bool entries(tree& out) {
    do {
      if (!(is_name() && is(kind::colon, 1))) {
        if (!is_name())
          return unexpected("a service, a colon and a placement");
        (void) take();
        return unexpected("\":\" and a placement, after a service's name");
      }
      if (!entry(out))
        return false;
    } while (take_if(kind::comma));
    return expect(kind::close_brace, "\"&\", \"%\", \"||\", \",\" or \"}\"");
  }

  bool entry(tree& out) {
    const auto& key = peek();
    if (key.what == kind::name && same_name(key.text, "prime"))
      return prime_entry(out);
    auto special = key.what == kind::name && is_keyword(key.text);
    if (alone_at_ || (special && !out.services.empty()))
      return fail(key.at,
                  special && alone_at_ ? "a second around or set entry"
                                       : "an around or set entry beside "
                                         "services",
                  "one around or set entry alone (a service of such a name "
                  "is written in quotes)");
    if (special)
      return alone_entry(out);
    auto at = key.at;
    std::string service;
    if (!service_name(service))
      return false;
    if (!given_.insert(fold_case(service)).second)
      return fail(at, "the service " + excerpt(service) + " given twice");
    (void) take();
    auto x = chain(kind::any);
    if (!x)
      return false;
    out.services.emplace_back(std::move(service), std::move(x->node));
    return true;
  }

  bool prime_entry(tree& out) {
    auto at = take().at;
    if (out.prime)
      return fail(at, "the option prime given twice");
    (void) take();
    prime_at_ = at;
    return site_name(out.prime.emplace(), a_site);
  }

  bool alone_entry(tree& out) {
    auto key = take();
    alone_at_ = key.at;
    (void) take();
    if (same_name(key.text, "around")) {
      around x;
      if (!around_parts(x, "\",\" and a duration (a service named around is "
                           "written in quotes)"))
        return false;
      out.services.emplace_back(every_service, placement{std::move(x)});
      return true;
    }
    set x;
    std::unordered_set<std::string> seen;
    do {
      auto at = peek().at;
      if (!is(kind::at, 1))
        return unexpected(std::string{a_copies}
                          + " (a service named set is written in quotes)");
      if (!copies_term(x.parts.emplace_back()))
        return false;
      if (!first_of_chain(seen, x.parts.back().site, at))
        return false;
    } while (!(is(kind::comma) && is_name(1) && is(kind::colon, 2))
             && take_if(kind::comma));
    out.services.emplace_back(every_service, placement{std::move(x)});
    return true;
  }

  // -- placements -------------------------------------------------------------

  std::optional<piece> chain(kind op) {
    auto operand = [&] {
      return op == kind::any     ? chain(kind::cross)
             : op == kind::cross ? chain(kind::all)
                                 : term();
    };
    auto first = operand();
    if (!first || !is(op))
      return first;
    std::vector<piece> parts;
    parts.push_back(std::move(*first));
    while (take_if(op)) {
      auto x = operand();
      if (!x)
        return std::nullopt;
      parts.push_back(std::move(*x));
    }
    crossed_ = crossed_ || op == kind::cross;
    return join(op, std::move(parts));
  }

  std::optional<piece> join(kind op, std::vector<piece> parts) {
    if (!each_site_once(op, parts))
      return std::nullopt;
    auto at = parts.front().at;
    if (op == kind::any)
      return piece{{any{nodes(std::move(parts))}}, at, true};
    if (op == kind::cross)
      return piece{{cross{nodes(std::move(parts))}}, at, true};
    auto merged = nodes(merge_copies(std::move(parts)));
    if (merged.size() == 1)
      return piece{std::move(merged.front()), at, true};
    return piece{{all{std::move(merged)}}, at, true};
  }

  static std::vector<placement> nodes(std::vector<piece> parts) {
    std::vector<placement> out;
    out.reserve(parts.size());
    for (auto& x : parts)
      out.push_back(std::move(x.node));
    return out;
  }

  // `2@A & 3@B` is one set of both.
  static std::vector<piece> merge_copies(std::vector<piece> parts) {
    std::vector<piece> out;
    auto open = false;
    for (auto& x : parts) {
      auto* more = x.chain ? nullptr : std::get_if<set>(&x.node.node);
      if (more != nullptr && open) {
        auto& last = std::get<set>(out.back().node.node);
        last.parts.push_back(std::move(more->parts.front()));
        continue;
      }
      open = more != nullptr;
      out.push_back(std::move(x));
    }
    return out;
  }

  bool first_of_chain(std::unordered_set<std::string>& seen,
                      const std::string& name, std::size_t at) {
    if (seen.insert(fold_case(name)).second)
      return true;
    return fail(at, "the site " + excerpt(name) + " twice in one chain");
  }

  // Of a replica set only what stands in the chain itself counts; with `&`
  // that is every part of it, whether in parentheses or not.
  bool each_site_once(kind op, const std::vector<piece>& parts) {
    std::unordered_set<std::string> seen;
    for (const auto& x : parts) {
      if (const auto* one = std::get_if<site>(&x.node.node)) {
        if (!first_of_chain(seen, one->name, x.at))
          return false;
      } else if (const auto* some = std::get_if<set>(&x.node.node)) {
        if (op != kind::all && some->parts.size() > 1)
          continue;
        for (const auto& part : some->parts)
          if (!first_of_chain(seen, part.site, x.at))
            return false;
      }
    }
    return true;
  }

  std::optional<piece> term() {
    auto at = peek().at;
    if (is(kind::open))
      return group();
    if (!is_name()) {
      (void) unexpected("a site or \"(\"");
      return std::nullopt;
    }
    if (is(kind::at, 1)) {
      set x;
      if (!copies_term(x.parts.emplace_back()))
        return std::nullopt;
      return piece{{std::move(x)}, at, false};
    }
    if (is(kind::name) && is(kind::open, 1)
        && same_name(peek().text, "around")) {
      (void) take();
      (void) take();
      around x;
      if (!around_parts(x, "\",\" and a duration, such as 50ms")
          || !expect(kind::close, "\")\""))
        return std::nullopt;
      return piece{{std::move(x)}, at, false};
    }
    site x;
    if (!site_name(x.name, a_site))
      return std::nullopt;
    return piece{{std::move(x)}, at, false};
  }

  std::optional<piece> group() {
    auto at = take().at;
    if (depth_ == depth_max) {
      (void) fail(at, "parentheses nested deeper than "
                        + std::to_string(depth_max));
      return std::nullopt;
    }
    ++depth_;
    auto x = chain(kind::any);
    --depth_;
    if (!x || !expect(kind::close, "\"&\", \"%\", \"||\" or \")\""))
      return std::nullopt;
    x->at = at;
    return x;
  }

  // -- quantities -------------------------------------------------------------

  bool around_parts(around& out, const char* after_site) {
    return site_name(out.site, a_site) && expect(kind::comma, after_site)
           && duration(out.within);
  }

  bool duration(std::chrono::microseconds& out) {
    if (!is(kind::name))
      return unexpected("a duration, such as 50ms");
    auto x = take();
    auto text = x.text;
    // "50 ms": spaces are free, and the unit has become a name.
    auto unit_at = x.stop;
    if (is_number(text) && is(kind::name)) {
      unit_at = peek().at;
      text += take().text;
    }
    auto read = to_duration(text);
    if (read) {
      out = *read;
      return true;
    }
    auto e = read.error();
    auto at = e.offset < x.text.size() ? x.at + e.offset : unit_at;
    return fail(at, std::move(e.what), std::move(e.expected));
  }

  bool copies_term(copies& out) {
    auto x = take();
    if (x.what != kind::name)
      return fail(x.at, "a count that is no number", a_copies);
    auto read = to_count(x.text);
    if (!read)
      return fail(x.at, std::move(read.error().what),
                  std::move(read.error().expected));
    out.count = *read;
    (void) take();
    return site_name(out.site, a_site);
  }

  // -- the whole --------------------------------------------------------------

  bool check_prime(const tree& out) {
    if (!out.prime)
      return true;
    if (out.services.empty())
      return fail(prime_at_, "the option prime alone",
                  "a service with \"%\" beside it");
    return crossed_
           || fail(prime_at_, "the option prime without a \"%\"",
                   "a service over several sites, such as {A: Site1 % Site2, "
                   "prime: Site1}");
  }

  // The canonical form has spaces and full names: were it longer than a text
  // may be, a peer could not read what we send it.
  bool check_printed(const tree& out) {
    auto size = to_string(out).size();
    steps_ += size;
    return size <= text_bytes_max
           || fail(0, "a scope whose canonical form is longer than "
                        + std::to_string(text_bytes_max) + " bytes");
  }

  std::string_view text_;
  const known_names& known_;
  std::unordered_map<std::string, const std::string*> sites_;
  tokens in_;
  std::size_t next_ = 0;
  std::size_t steps_ = 0;
  std::size_t depth_ = 0;
  std::size_t prime_at_ = 0;
  std::optional<std::size_t> alone_at_;
  bool crossed_ = false;
  std::unordered_set<std::string> given_;
  std::optional<syntax_error> error_;
};

} // namespace

counted_parse parse_counted(std::string_view text, const known_names& known) {
  if (text.size() > text_bytes_max)
    return {syntax_error{text_bytes_max,
                         "a scope longer than " + std::to_string(text_bytes_max)
                           + " bytes",
                         {},
                         {}},
            0};
  return parser{text, known}.run();
}

parse_result parse(std::string_view text, const known_names& known) {
  return parse_counted(text, known).outcome;
}

} // namespace cheops::scope
