#include "samples.hpp"

#include "cheops/replicant/codec.hpp"
#include "support/boost_test.hpp"

#include <vector>

using namespace cheops;
using namespace cheops::replicant;
using namespace cheops::replicant::testing;

namespace {

std::vector<message_body> all_bodies() {
  raft::append_request append{
    3, 1, {as_entry(4, verdict{2, false, 404})}, 2, 1, 9, true};
  raft::snapshot whole{4, 1, voters(2), "rebuild"};
  return {raft_part{2, raft::vote_request{true, 5, 1, true}},
          raft_part{2, raft::vote_answer{true, true}},
          raft_part{2, append},
          raft_part{2, raft::append_answer{true, 4, 3, 2, 9, true}},
          raft_part{2, raft::snapshot_request{whole, 9}},
          raft_part{2, raft::forwarded{7, "payload"}},
          raft_part{2, raft::forward_refused{7}},
          raft_part{2, raft::timeout_now{}},
          raft_part{2, raft::read_index_request{8}},
          raft_part{2, raft::read_index_answer{8, true, 4}},
          sample_summary(),
          summary_heard{4, 300},
          unknown_group{},
          foreign_group{},
          group_gone{},
          farewell{12, false},
          farewell_heard{}};
}

message sample_message(message_body body) {
  return {member(1), member(2), 99, sample_birth(), std::move(body)};
}

result<message> decoded(std::string_view x) {
  return decode_message(x, member(1).site, member(2).site);
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_encoded_is_decoded_as_it_was) {
  BOOST_TEST((decode_operation(encode(sample_operation())).value()
              == sample_operation()));
  membership own{sample_birth(), member(2)};
  BOOST_TEST((decode_membership(encode(own)).value() == own));
  BOOST_TEST(
    (decode_record(encode(sample_record())).value() == sample_record()));
  BOOST_TEST((decode_site(encode(sample_site())).value() == sample_site()));
  hard_state hard{7, member(3)};
  BOOST_TEST((decode_hard_state(encode(hard)).value() == hard));
  auto submitted = sample_submission(change::replace, 3);
  submitted.key = client_key{digest_of("a"), digest_of("b")};
  submitted.read_at = 4;
  submitted.floor = 2;
  submitted.report_soon = submitted.sealed = true;
  for (const auto& x : std::vector<log_entry>{
         submitted, verdict{9, false, 409}, compensation{7},
         membership_goal{{7, 1, 5}, 2, voters(4), false}}) {
    BOOST_TEST((decode_entry(encode(x)).value() == x));
    auto e = as_entry(12, x);
    e.request = 77;
    BOOST_TEST((decode_raft_entry(encode(e)).value() == e));
  }
  raft::snapshot whole{4, 1, voters(2), "rebuild"};
  BOOST_TEST((decode_snapshot(encode(whole)).value() == whole));
}

BOOST_AUTO_TEST_CASE(messages_go_round_too) {
  for (const auto& body : all_bodies()) {
    auto bytes = encode(sample_message(body));
    auto x = decoded(bytes);
    BOOST_TEST_REQUIRE(!!x);
    BOOST_TEST(x->body.index() == body.index());
    BOOST_TEST((x->from == member(1) && x->to == member(2)));
    BOOST_TEST(x->group == 99U);
    BOOST_TEST((x->born == sample_birth()));
    // The bodies have no comparison: their bytes are compared.
    BOOST_TEST((encode(*x) == bytes));
  }
}

BOOST_AUTO_TEST_CASE(a_cut_anywhere_is_an_error) {
  BOOST_TEST(refuses_every_cut(encode(sample_operation()), decode_operation));
  BOOST_TEST(refuses_every_cut(encode(membership{sample_birth(), member(2)}),
                               decode_membership));
  BOOST_TEST(refuses_every_cut(encode(sample_record()), decode_record));
  BOOST_TEST(
    refuses_every_cut(encode(hard_state{7, member(3)}), decode_hard_state));
  for (const auto& body : all_bodies())
    BOOST_TEST(refuses_every_cut(encode(sample_message(body)), decoded));
}

BOOST_AUTO_TEST_CASE(a_site_record_of_before_has_no_members) {
  auto now = sample_site();
  auto before = now;
  before.members.clear();
  auto earlier = encode(before);
  earlier.pop_back(); // How many there are.
  BOOST_TEST((decode_site(earlier).value() == before));
  auto bytes = encode(now);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (i != earlier.size())
      BOOST_TEST(!decode_site(std::string_view{bytes}.substr(0, i)), i);
}

BOOST_AUTO_TEST_CASE(what_is_in_clear_is_told_without_its_content) {
  submission x;
  x.id = {1, 2, 3};
  x.key = client_key{{1, 2}, {3, 4}};
  x.content = "hi";
  BOOST_TEST(shows_content(encode(log_entry{x})));
  x.sealed = true;
  BOOST_TEST(!shows_content(encode(log_entry{x})));
  BOOST_TEST(!shows_content(encode(log_entry{verdict{9, false, 409}})));
  BOOST_TEST(!shows_content(encode(log_entry{membership_goal{}})));
  BOOST_TEST(!shows_content(""));
}

BOOST_AUTO_TEST_CASE(another_layout_is_not_read) {
  auto bytes = encode(sample_record());
  bytes[0] = 2;
  BOOST_TEST(!decode_record(bytes));
}

BOOST_AUTO_TEST_CASE(values_out_of_their_range_are_errors) {
  auto x = sample_operation();
  x.does = static_cast<change>(4);
  BOOST_TEST(!decode_operation(encode(x)));
  auto y = sample_site();
  y.troubles[0].how = static_cast<site_state>(4);
  BOOST_TEST(!decode_site(encode(y)));
  // Entries of a message follow each other.
  raft::append_request gap{3, 1, {as_entry(5, verdict{})}, 2, 1, 9, false};
  BOOST_TEST(!decoded(encode(sample_message(raft_part{2, gap}))));
}

BOOST_AUTO_TEST_CASE(a_verdict_is_these_bytes) {
  std::string golden{"\x01\x01\x09\x00\x01\x99", 6};
  BOOST_TEST(encode(log_entry{verdict{9, false, 409}}) == golden);
}

BOOST_AUTO_TEST_CASE(a_submission_is_these_bytes) {
  submission x;
  x.id = {0x0102, 3, 4};
  x.floor = 2;
  x.does = change::patch;
  x.read_at = 5;
  x.content = "hi";
  std::string golden{"\x01\x00\0\0\0\0\0\0\x01\x02\x03\x04\x02\x02"
                     "\x01\x05\x00\x00\x00\x02hi",
                     22};
  BOOST_TEST(encode(log_entry{x}) == golden);
}
