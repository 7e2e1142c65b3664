#include "words.hpp"

#include <cctype>
#include <stdexcept>

namespace cheops::raft::testing {

namespace {

std::string number(std::uint64_t x) {
  return std::to_string(x);
}

std::string at(index_id index, term_id term) {
  return number(index) + "@" + number(term);
}

std::string quoted(const std::string& x) {
  // Long payloads stand for big ones; their size is what matters.
  return x.size() > 40 ? number(x.size()) + " bytes" : "\"" + x + "\"";
}

std::string body_words(const vote_request& x) {
  return std::string{x.rehearsal ? "rehearse?" : "vote?"} + " log "
         + at(x.last_index, x.last_term) + (x.transfer ? " by transfer" : "");
}

std::string body_words(const vote_answer& x) {
  return std::string{x.rehearsal ? "rehearsal: " : "vote: "}
         + (x.granted ? "yes" : "no");
}

std::string body_words(const append_request& x) {
  auto out = "append after " + at(x.previous_index, x.previous_term) + ": "
             + words(x.entries) + "; commit " + number(x.commit);
  if (x.held_by_all != 0)
    out += ", all have " + number(x.held_by_all);
  if (x.round != 0)
    out += ", round " + number(x.round);
  return out + (x.sleep ? ", sleep" : "");
}

std::string body_words(const append_answer& x) {
  auto out = x.accepted ? "has " + number(x.match)
             : x.full   ? "full at " + number(x.match)
                        : "lacks that: try " + at(x.hint_index, x.hint_term);
  return out + (x.round != 0 ? ", round " + number(x.round) : "");
}

std::string body_words(const snapshot_request& x) {
  return "snapshot " + words(x.whole);
}

std::string body_words(const forwarded& x) {
  return "please run r" + number(x.request) + " " + quoted(x.payload);
}

std::string body_words(const forward_refused& x) {
  return "cannot run r" + number(x.request);
}

std::string body_words(const timeout_now&) {
  return "campaign now";
}

std::string body_words(const read_index_request& x) {
  return "read " + number(x.read) + "?";
}

std::string body_words(const read_index_answer& x) {
  return "read " + number(x.read) + ": "
         + (x.granted ? "at " + number(x.index) : "no");
}

std::string effect_words(const persist& x) {
  auto out = "stores #" + number(x.sequence) + ": term " + number(x.term);
  if (x.voted_for)
    out += ", vote for " + words(*x.voted_for);
  if (x.whole)
    out += ", snapshot " + words(*x.whole);
  if (!x.entries.empty())
    out += ", from " + number(x.from) + ": " + words(x.entries);
  return out;
}

std::string effect_words(const send&) {
  return {};
}

std::string effect_words(const apply& x) {
  return "applies " + words(x.entries);
}

std::string effect_words(const restore& x) {
  return "restores " + words(x.whole);
}

std::string_view why_words(refusal x) {
  switch (x) {
  case refusal::no_leader:
    return "no leader";
  case refusal::busy:
    return "busy";
  case refusal::witness_full:
    return "witness full";
  case refusal::not_member:
    return "not a member";
  case refusal::bad_change:
    break;
  }
  return "bad change";
}

std::string effect_words(const refused& x) {
  return "refuses r" + number(x.request) + ": " + std::string{why_words(x.why)};
}

std::string effect_words(const fate_open& x) {
  return "leaves the fate of r" + number(x.request) + " open";
}

std::string effect_words(const read_granted& x) {
  return "grants read " + number(x.read) + " at " + number(x.index);
}

std::string effect_words(const read_refused& x) {
  return "refuses read " + number(x.read);
}

std::string effect_words(const leads& x) {
  return "knows " + (x.who ? words(*x.who) + " as" : std::string{"no"})
         + " leader in term " + number(x.term);
}

std::string_view role_words(role x) {
  switch (x) {
  case role::follower:
    return "follower";
  case role::rehearsing:
    return "rehearsing";
  case role::candidate:
    return "candidate";
  case role::leader:
    break;
  }
  return "leader";
}

} // namespace

member_id member_of(const std::string& text) {
  auto letter = text.size() > 1 && std::isalpha(text.back()) != 0;
  auto site = letter ? text.substr(0, text.size() - 1) : text;
  if (site.empty() || site.find_first_not_of("0123456789") != site.npos)
    throw std::invalid_argument("no member: " + text);
  return {site_id{site}, letter ? text.substr(text.size() - 1) : "a"};
}

std::string words(const member_id& x) {
  return x.site.value + (x.store == "a" ? "" : x.store);
}

std::string words(const member& x) {
  auto out = words(x.id);
  if (x.role == member_role::witness)
    out += ":witness";
  if (x.role == member_role::learner)
    out += ":learner";
  return out;
}

std::string words(const configuration& x) {
  std::string out = "members";
  for (const auto& one : x)
    out += " " + words(one);
  return out;
}

std::string words(const entry& x) {
  auto out = at(x.index, x.term) + " ";
  switch (x.kind) {
  case entry_kind::noop:
    return out + "noop";
  case entry_kind::operation:
    return out + quoted(x.payload);
  case entry_kind::configure:
    break;
  }
  return out + words(x.members);
}

std::string words(const std::vector<entry>& x) {
  std::string out;
  for (const auto& one : x)
    out += (out.empty() ? "" : ", ") + words(one);
  return out.empty() ? "nothing" : out;
}

std::string words(const snapshot& x) {
  return at(x.index, x.term) + " " + quoted(x.payload) + " " + words(x.members);
}

std::string words(const message& x) {
  auto what = std::visit([](const auto& b) { return body_words(b); }, x.body);
  return "term " + number(x.term) + " " + what;
}

std::string words(const effect& x) {
  return std::visit([](const auto& e) { return effect_words(e); }, x);
}

std::string words(const state& x) {
  auto out = std::string{role_words(x.now)} + " in term " + number(x.term);
  out += ", log " + number(x.log.base().index) + ".."
         + at(x.log.last_index(), x.log.last_term());
  out += ", commit " + number(x.commit) + ", applied " + number(x.applied);
  return out + (x.awake ? ", awake" : ", asleep");
}

} // namespace cheops::raft::testing
