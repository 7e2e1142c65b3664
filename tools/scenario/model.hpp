#pragma once

#include "cheops/result.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

/// What a scenario file says; scenarios/README.md has the format. Texts hold
/// variables (`${x}`) as they were written; they are expanded when used.
namespace cheops::scenario {

using std::chrono::microseconds;
using std::chrono::milliseconds;

using texts = std::vector<std::pair<std::string, std::string>>;

/// What a value must be like.
struct matcher {
  enum class how : std::uint8_t {
    equals,
    contains, ///< A text in it.
    excludes, ///< There, and without that text in it.
    matches,  ///< A regular expression (ECMAScript) finds something in it.
    at_least,
    at_most,
    exists,
    absent,
  };
  how kind = how::equals;
  boost::json::value value;
};

/// How a request brings its scope.
enum class carrier : std::uint8_t { header, prefix, baggage };

struct request_spec {
  std::string site;
  std::string service;
  std::string method = "GET";
  std::string path = "/";
  std::string scope; ///< Empty: none.
  carrier carry = carrier::header;
  texts headers;
  std::optional<boost::json::value> json; ///< Sent as application/json.
  std::string body;                       ///< Where there is no `json`.
  std::uint64_t upload_bytes = 0; ///< Streams so many bytes as the body.
  bool discard_body = false;      ///< Counts the answer's bytes only.
  bool bypass = false;            ///< To the application, past the node.
  milliseconds timeout{30'000};
};

/// A call that a journal holds, or must not hold. Empty members match all.
struct call_spec {
  std::string site;
  std::string service;
  std::string method;
  std::string path; ///< A prefix of the path with its query.
};

struct expectation {
  std::vector<unsigned> status; ///< Any of them; empty: any answer.
  bool no_answer = false;       ///< The connection must fail.
  std::vector<std::pair<std::string, matcher>> body;    ///< By JSON Pointer.
  std::vector<std::pair<std::string, matcher>> headers; ///< By name.
  std::string error_code; ///< The slug in `Cheops-Error`.
  std::string error_site; ///< In `Cheops-Site`.
  std::optional<milliseconds> within;
  std::vector<call_spec> calls;
  std::vector<call_spec> no_calls;
  std::optional<std::uint64_t> body_bytes;
  /// The answer holds the checksum of what was uploaded.
  bool checksum_of_upload = false;
  std::string checksum; ///< Of a body that was discarded.
  /// How far the peak of each node's resident memory may rise.
  std::optional<std::uint64_t> memory_growth_at_most;
};

/// Variables from the answer: by JSON Pointer, `header NAME`, or `checksum` of
/// a body that was discarded.
using captures = texts;

struct request_action {
  request_spec request;
  expectation expect;
  captures capture;
};

/// Asks a node what it would do.
struct explain_action {
  request_spec request;
  std::vector<std::pair<std::string, matcher>> expect; ///< By JSON Pointer.
};

struct fault_change {
  enum class what : std::uint8_t { cut, one_way, round_trip, heal };
  what kind = what::heal;
  /// `cut`: one site (from everyone) or two (from each other); `one_way`: two,
  /// nothing comes from the first to the second; `round_trip`: two; `heal`:
  /// none (everything) or as for `cut`.
  std::vector<std::string> sites;
  milliseconds by{0}; ///< `round_trip`: what is added to it.
};

struct faults_action {
  std::vector<fault_change> changes;
};

struct link_condition {
  std::string at;
  std::string to;
  std::string state;                    ///< Empty: any.
  std::optional<milliseconds> at_least; ///< Round trip.
  std::optional<milliseconds> at_most;
};

/// Runs `cheops` beside a site's node.
struct cheops_action {
  std::string site;
  std::vector<std::string> words;
  unsigned status = 0;                               ///< That it must end with.
  std::vector<std::pair<std::string, matcher>> body; ///< By JSON Pointer.
  std::optional<matcher> output;                     ///< Of all that it prints.
  captures capture;                                  ///< JSON Pointers.
  milliseconds timeout{60'000};
};

/// What a node counts, by name: `cheops_replicants_awake`, with its labels
/// where it has some.
struct metrics_action {
  std::string site;
  std::vector<std::pair<std::string, matcher>> expect;
  captures capture; ///< Variable from a metric.
};

/// What a node's data folder has in its files, one behind the other.
struct store_action {
  std::string site;
  matcher expect;
};

/// Runs a workload to its end.
struct workload_action {
  std::size_t which = 0; ///< Of the file's workloads.
};

/// Asks again until it holds.
struct wait_action {
  bool all_links_up = false;
  std::vector<link_condition> links;
  std::optional<request_action> request;
  std::optional<cheops_action> cheops;
  std::optional<metrics_action> metrics;
  milliseconds within{10'000};
};

struct process_action {
  enum class what : std::uint8_t {
    kill,
    pause,
    resume,
    stop,
    start,
    restart,
    let_end,   ///< It may end by itself from now on, until it is started.
    lose_disk, ///< Of a node: it is killed, and its data folder is removed.
  };
  what kind = what::restart;
  std::string site;
  bool application = false; ///< Else the node.
};

using action = std::variant<request_action, explain_action, faults_action,
                            wait_action, process_action, cheops_action,
                            metrics_action, store_action, workload_action>;

struct step {
  int line = 0;
  std::string title;
  std::string who;
  std::string story;
  action run;
};

struct workload_request {
  unsigned weight = 1;
  request_spec request;
};

/// How often clients do what; parts of the sum.
struct change_mix {
  unsigned create = 4;
  unsigned update = 5;
  unsigned remove = 1;
  unsigned read = 2;
};

/// Clients that make, change, remove and read resources which several sites
/// have, and remember what they were told of each.
struct changes_spec {
  std::string service;
  std::string path; ///< Of the collection.
  std::string list; ///< JSON Pointer of the list in its answer.
  std::string scope;
  std::uint64_t resources = 100; ///< At once; each is made at least once.
  change_mix mix;
  std::vector<std::string> own{"id", "instance"}; ///< Differ by site.
  milliseconds timeout{10'000};
};

struct workload {
  int line = 0;
  std::string name;
  std::vector<std::string> sites;
  unsigned clients = 1;        ///< At each site.
  unsigned clients_in_all = 0; ///< Dealt to the sites in turn, instead.
  double rate = 10;            ///< Requests a second of each client.
  milliseconds lasts{10'000};
  std::vector<workload_request> requests;
  std::optional<changes_spec> changes; ///< Instead of requests.
  bool by_step = false;                ///< A step runs it.
};

enum class fault_kind : std::uint8_t {
  cut,
  kill,
  pause,
  cut_one_way, ///< What this site sends to another one is lost.
  delay,       ///< What this site sends to another one comes late.
  kill_application,
  pause_application,
};

[[nodiscard]] std::string_view to_string(fault_kind x) noexcept;

struct weighted_kind {
  fault_kind kind = fault_kind::cut;
  unsigned weight = 1;
};

struct span {
  milliseconds from{0};
  milliseconds to{0};
};

struct random_faults {
  int line = 0;
  unsigned events = 20;
  std::vector<weighted_kind> kinds{
    {fault_kind::cut}, {fault_kind::kill}, {fault_kind::pause}};
  span every{milliseconds{500}, milliseconds{2000}};
  span lasts{milliseconds{500}, milliseconds{3000}};
  span delay{milliseconds{50}, milliseconds{500}}; ///< Of `delay`, one way.
  std::uint64_t seed = 1;
};

struct check {
  enum class what : std::uint8_t {
    local_requests_never_failed_on_live_sites,
    scoped_requests_were_served,
    no_descriptor_leak,
    memory_flat,
    all_links_up,
    converged,
    acknowledged,
    no_duplicates,
    uncertain_shown,
  };
  int line = 0;
  what kind = what::all_links_up;
  std::uint64_t at_most = 0; ///< Descriptors, or bytes; 0: the default.
  milliseconds within{30'000};
};

[[nodiscard]] std::string_view to_string(check::what x) noexcept;

/// How a site's instance of the application is started.
struct application_spec {
  std::string description; ///< File; looked for in glue/applications too.
  std::vector<std::string> command;
  std::vector<std::string> services; ///< As the description names them.
  std::string healthy = "/healthz";
  std::string journal; ///< Path of the journal; empty: it keeps none.
  std::string deeds;   ///< Where it tells all that it has done; or empty.
};

struct site_spec {
  int line = 0;
  std::string name;
  /// What each peer may use here, as YAML for the node's configuration;
  /// absent: everything that the application offers.
  std::string allow_yaml;
  /// Of its `replication.witnesses`. Who names some has the scenario's key.
  std::vector<std::string> witnesses;
};

struct scenario {
  std::string file;
  std::string title;
  std::string story;
  application_spec application;
  std::vector<site_spec> sites;
  std::string node_yaml; ///< More for each node's configuration file.
  bool namespaces = false;
  std::uint16_t ports = 0; ///< Base of the ports that `--keep` uses.
  std::map<std::string, std::string> variables;
  std::vector<step> steps;
  std::vector<workload> workloads;
  std::optional<random_faults> faults;
  std::vector<check> checks;
};

} // namespace cheops::scenario
