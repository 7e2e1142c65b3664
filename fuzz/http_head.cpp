// A head or a chunked body gives the same whole and in pieces; what is
// accepted obeys the rules that keep two readers from disagreeing; and what
// goes on is read as what came.
#include "cheops/text.hpp"
#include "http/body.hpp"
#include "http/head.hpp"
#include "http/rewrite.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using namespace cheops;
using namespace cheops::http;
using outcome = head_reader::outcome;

constexpr std::size_t trailer_bytes_max = 256;

// Small, so that the fuzzer reaches them.
site::limits small_limits() {
  site::limits x;
  x.header_bytes = 1024;
  x.header_fields = 16;
  x.target_bytes = 128;
  return x;
}

void require(bool fine, const char* rule) {
  if (fine)
    return;
  std::fprintf(stderr, "broken: %s\n", rule);
  std::abort();
}

// Where the next piece ends: fixed by the input, so that a find repeats.
struct cutter {
  std::uint32_t state;
  std::size_t next(std::size_t left) {
    state = state * 1664525u + 1013904223u;
    auto n = 1 + (state >> 16) % 17;
    return n < left ? n : left;
  }
};

void check_same(const head& a, const head& b) {
  require(a.bytes == b.bytes && a.method == b.method && a.target == b.target
            && a.status == b.status && a.version == b.version
            && a.host == b.host && a.body == b.body && a.length == b.length
            && a.nominated == b.nominated && a.ids == b.ids,
          "a head is the same whole and in pieces");
  require(a.fields.size() == b.fields.size(), "as many fields in pieces");
  for (std::size_t i = 0; i < a.fields.size(); ++i)
    require(a.fields[i].name == b.fields[i].name
              && a.fields[i].value == b.fields[i].value,
            "a field is the same in pieces");
}

void check_accepted(const head& h, side of) {
  unsigned hosts = 0;
  unsigned lengths = 0;
  unsigned codings = 0;
  for (std::size_t i = 0; i < h.fields.size(); ++i) {
    hosts += h.ids[i] == known::host;
    lengths += h.ids[i] == known::content_length;
    codings += h.ids[i] == known::transfer_encoding;
    require(is_token(h.fields[i].name), "a field's name is a token");
    for (char c : h.fields[i].value)
      require((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t',
              "a value holds no control character");
  }
  require(lengths + codings <= 1, "there is one framing at most");
  require(hosts <= 1, "there is one Host at most");
  require(codings == 0 || h.version == 11, "no coding in HTTP/1.0");
  require(h.bytes.substr(h.bytes.size() - 4) == "\r\n\r\n",
          "a head ends with an empty line");
  if (of == side::answer)
    return;
  require(h.version == 10 || hosts == 1, "HTTP/1.1 has a Host");
  require((h.body == framing::chunked) == (codings == 1),
          "a request with a coding is chunked");
  require(h.body != framing::until_close, "a request's body has an end");
}

unsigned count(const head& in, known what) {
  unsigned out = 0;
  for (auto id : in.ids)
    out += id == what;
  return out;
}

site::limits large_limits() {
  site::limits x;
  x.header_bytes = 64 * 1024;
  x.header_fields = 4096;
  return x;
}

void check_rewritten(const head& h) {
  const traffic::header ours[] = {{"Cheops-From", "S\r\nX-Evil: 1"}};
  request_additions with;
  with.target = h.target;
  with.host = "127.0.0.1:1";
  with.via = "Via: 1.1 S (x)\r\n";
  forwarding client;
  client.own = "Forwarded: for=127.0.0.1;proto=http";
  with.client = &client;
  with.set_for_peer = ours;
  std::string out;
  write_request(out, h, with);
  head_reader reader{side::request};
  require(reader.read(out, large_limits()) == outcome::complete,
          "what goes on is a head");
  const auto& again = reader.got();
  require(again.bytes == out, "and nothing else");
  require(again.method == h.method && again.target == h.target
            && again.version == 11,
          "it asks the same");
  require(again.body == h.body && again.length == h.length,
          "its body ends where it ended");
  require(again.host == (h.has_host ? h.host : with.host),
          "it goes to the same host");
  require(count(again, known::ours) == 1, "of our fields it has our own alone");
  require(count(again, known::hop_by_hop) == 0 && again.nominated.empty(),
          "what was for this hop stays here");
  require(again.wants_upgrade == passes_upgrade(h), "an upgrade is whole");
  require(again.get("X-Evil").empty(), "a value cannot end its line");
}

void check_rewritten_answer(const head& h) {
  answer_additions with;
  with.body = h.body == framing::until_close ? framing::chunked : h.body;
  with.sites = "S=200";
  std::string out;
  write_answer(out, h, with);
  head_reader reader{side::answer};
  require(reader.read(out, large_limits()) == outcome::complete,
          "an answer that goes on is a head");
  const auto& again = reader.got();
  require(again.bytes == out && again.status == h.status, "the same answer");
  require(again.body == with.body
            && (h.body != framing::length || again.length == h.length),
          "its body ends where it ended");
  require(count(again, known::ours) == 1
            && again.get("Cheops-Sites") == "S=200",
          "a backend sets no field of ours");
  require(count(again, known::hop_by_hop) == 0 && again.nominated.empty()
            && count(again, known::upgrade) == 0,
          "what was for this hop stays here");
}

void check_head(std::string_view text, side of, std::uint32_t seed) {
  const auto most = small_limits();
  head_reader whole{of};
  auto end = whole.read(text, most);
  // Each piece lies elsewhere, as when a buffer grows.
  head_reader pieces{of};
  std::string moved[2];
  cutter cut{seed};
  std::size_t at = 0;
  auto last = outcome::more;
  for (int turn = 0; last == outcome::more && at < text.size(); ++turn) {
    at += cut.next(text.size() - at);
    auto& here = moved[turn % 2];
    here = std::string{};
    here.reserve(text.size() + 64);
    here.assign(text.substr(0, at));
    // The other copy stays until the views have moved.
    last = pieces.read(here, most);
  }
  if (text.empty())
    return;
  require(last == end, "the outcome is the same in pieces");
  if (end == outcome::refused)
    require(whole.why().why == pieces.why().why
              && whole.why().status == pieces.why().status,
            "the refusal is the same in pieces");
  if (end != outcome::complete)
    return;
  check_same(whole.got(), pieces.got());
  check_accepted(whole.got(), of);
  if (of == side::request)
    check_rewritten(whole.got());
  else
    check_rewritten_answer(whole.got());
}

struct body_result {
  std::string passed;
  std::string trailers;
  std::size_t used = 0;
  bool bad = false;
  bool done = false;
};

body_result read_body(std::string text, bool decode, cutter* cut) {
  body_reader reader;
  reader.start(framing::chunked, 0, decode, trailer_bytes_max);
  body_result out;
  while (out.used < text.size() && !out.bad && !reader.done()) {
    auto left = text.size() - out.used;
    auto n = cut != nullptr ? cut->next(left) : left;
    auto step = reader.scan(text.data() + out.used, n);
    require(step.pass + step.drop <= n, "no more is dealt with than is given");
    require(step.bad || reader.done() || step.pass + step.drop == n,
            "a body that goes on takes all");
    out.passed.append(text, out.used, step.pass);
    out.used += step.pass + step.drop;
    out.bad = step.bad;
  }
  out.done = reader.done();
  out.trailers = reader.take_trailers();
  return out;
}

void check_body(const std::string& text, bool decode, std::uint32_t seed) {
  cutter cut{seed};
  auto whole = read_body(text, decode, nullptr);
  auto pieces = read_body(text, decode, &cut);
  require(whole.bad == pieces.bad && whole.done == pieces.done,
          "a body ends the same in pieces");
  if (whole.bad)
    return;
  require(whole.passed == pieces.passed && whole.used == pieces.used
            && whole.trailers == pieces.trailers,
          "a body is the same in pieces");
}

} // namespace

// The first byte says what the rest is, and how it is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0)
    return 0;
  std::string text{reinterpret_cast<const char*>(data) + 1, size - 1};
  auto seed = static_cast<std::uint32_t>(data[0]);
  switch (data[0] % 4) {
  case 0:
    check_head(text, side::request, seed);
    break;
  case 1:
    check_head(text, side::answer, seed);
    break;
  default:
    check_body(text, data[0] % 4 == 3, seed);
  }
  return 0;
}
