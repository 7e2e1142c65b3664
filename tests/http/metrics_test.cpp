#include "http/metrics.hpp"
#include "support/boost_test.hpp"

#include <map>
#include <optional>
#include <sstream>
#include <thread>

using namespace cheops;
using namespace std::chrono_literals;

namespace {

/// The text format, read back: sample -> value, and family -> type.
struct scrape {
  std::map<std::string, double> samples;
  std::map<std::string, std::string> types;

  explicit scrape(const std::string& text) {
    BOOST_REQUIRE(text.empty() || text.back() == '\n');
    std::istringstream in{text};
    std::string line;
    while (std::getline(in, line)) {
      std::istringstream words{line};
      std::string hash, keyword, name, type;
      if (line.starts_with("# TYPE")) {
        words >> hash >> keyword >> name >> type;
        BOOST_TEST(types.emplace(name, type).second, "twice: " << name);
      } else if (!line.starts_with('#')) {
        auto space = line.rfind(' ');
        BOOST_REQUIRE(space != std::string::npos);
        auto value = std::stod(line.substr(space + 1));
        BOOST_TEST(samples.emplace(line.substr(0, space), value).second,
                   "twice: " << line);
      }
    }
  }

  [[nodiscard]] double at(const std::string& sample) const {
    auto i = samples.find(sample);
    BOOST_REQUIRE_MESSAGE(i != samples.end(), "no sample " << sample);
    return i->second;
  }
  [[nodiscard]] std::size_t count(std::string_view prefix) const {
    std::size_t out = 0;
    for (auto& [name, value] : samples)
      out += name.starts_with(prefix) ? 1 : 0;
    return out;
  }
};

mesh::view_ptr two_sites() {
  auto v = std::make_shared<mesh::view>();
  v->self = site_id{"Site1"};
  v->sites.resize(2);
  v->sites[0].name = v->self;
  v->sites[0].state = mesh::reach::self;
  v->sites[0].round_trips[site_id{"Site2"}] = 40ms;
  v->sites[1].name = site_id{"Site2"};
  v->sites[1].state = mesh::reach::up;
  v->sites[1].stats.bytes_sent = 7;
  v->sites[1].stats.dials = 3;
  v->sites[1].stats.times_down = 2;
  return v;
}

} // namespace

BOOST_AUTO_TEST_SUITE(metrics)

BOOST_AUTO_TEST_CASE(shards_add_up) {
  auto m = http::metrics::make();
  auto& a = m->add_shard();
  auto& b = m->add_shard();
  a.exchange("Image", "local", "Site1", 200, 3ms);
  b.exchange("Image", "local", "Site1", 200, 300ms);
  b.exchange("Image", "share", "Site2", 201, 1ns);
  a.bytes(10, 100);
  b.bytes(1, 2);
  scrape x{m->render()};
  BOOST_TEST(x.at("cheops_requests_total{service=\"Image\",plan=\"local\","
                  "site=\"Site1\",status=\"200\"}")
             == 2);
  BOOST_TEST(x.at("cheops_requests_total{service=\"Image\",plan=\"share\","
                  "site=\"Site2\",status=\"201\"}")
             == 1);
  BOOST_TEST(x.at("cheops_bytes_total{direction=\"from_client\"}") == 11);
  BOOST_TEST(x.at("cheops_bytes_total{direction=\"to_client\"}") == 102);
}

BOOST_AUTO_TEST_CASE(a_histogram_is_cumulative_and_bounds_are_inclusive) {
  auto m = http::metrics::make();
  auto& a = m->add_shard();
  a.exchange("I", "local", "S", 200, 100us);
  a.exchange("I", "local", "S", 200, 100us + 1ns);
  a.exchange("I", "local", "S", 200, 61s);
  scrape x{m->render()};
  std::string family = "cheops_request_duration_seconds";
  auto bucket = [&](std::string le) {
    return x.at(family + "_bucket{service=\"I\",plan=\"local\",le=\"" + le
                + "\"}");
  };
  BOOST_TEST(bucket("0.0001") == 1);
  BOOST_TEST(bucket("0.00025") == 2);
  BOOST_TEST(bucket("60") == 2);
  BOOST_TEST(bucket("+Inf") == 3);
  BOOST_TEST(x.at(family + "_count{service=\"I\",plan=\"local\"}") == 3);
  BOOST_TEST(x.at(family + "_sum{service=\"I\",plan=\"local\"}") > 61.0);
  BOOST_TEST(x.types[family] == "histogram");
}

BOOST_AUTO_TEST_CASE(every_reason_of_refusal_is_there_from_the_start) {
  auto m = http::metrics::make();
  auto n = static_cast<std::size_t>(http::refusal::count_);
  BOOST_TEST(scrape{m->render()}.count("cheops_refused_total") == n);
  m->add_shard().refused(http::refusal::obs_fold);
  scrape x{m->render()};
  BOOST_TEST(x.count("cheops_refused_total") == n);
  BOOST_TEST(x.at("cheops_refused_total{reason=\"obs_fold\"}") == 1);
  BOOST_TEST(x.at("cheops_refused_total{reason=\"hops\"}") == 0);
}

BOOST_AUTO_TEST_CASE(gauges_go_up_and_down_over_shards) {
  auto m = http::metrics::make();
  auto& a = m->add_shard();
  auto& b = m->add_shard();
  a.connections("Image", 1);
  a.connections("Image", 1);
  b.connections("Image", -1);
  a.tunnels(1);
  a.pooled("127.0.0.1:80", 1, 0);
  a.pooled("127.0.0.1:80", -1, 1);
  scrape x{m->render()};
  BOOST_TEST(x.at("cheops_connections{front=\"Image\"}") == 1);
  BOOST_TEST(x.at("cheops_tunnels") == 1);
  std::string pool = "cheops_upstream_connections{endpoint=\"127.0.0.1:80\",";
  BOOST_TEST(x.at(pool + "state=\"idle\"}") == 0);
  BOOST_TEST(x.at(pool + "state=\"busy\"}") == 1);
}

BOOST_AUTO_TEST_CASE(links_and_sites_come_from_the_snapshot) {
  auto m = http::metrics::make();
  m->publish(two_sites());
  scrape x{m->render()};
  BOOST_TEST(x.at("cheops_link_up{peer=\"Site2\"}") == 1);
  BOOST_TEST(x.at("cheops_link_round_trip_seconds{peer=\"Site2\"}") == 0.04);
  BOOST_TEST(x.at("cheops_link_bytes_total{peer=\"Site2\",direction=\"sent\"}")
             == 7);
  BOOST_TEST(x.at("cheops_link_dials_total{peer=\"Site2\"}") == 3);
  BOOST_TEST(x.at("cheops_link_down_total{peer=\"Site2\"}") == 2);
  BOOST_TEST(x.at("cheops_sites{state=\"self\"}") == 1);
  BOOST_TEST(x.at("cheops_sites{state=\"up\"}") == 1);
  BOOST_TEST(x.at("cheops_sites{state=\"down\"}") == 0);
  BOOST_TEST(x.count("cheops_link_up") == 1U); // None to itself.
}

BOOST_AUTO_TEST_CASE(hostile_labels_cannot_make_it_grow) {
  auto m = http::metrics::make();
  auto& a = m->add_shard();
  constexpr int many = 20'000;
  for (int i = 0; i < many; ++i) {
    auto name = "service-" + std::to_string(i);
    a.exchange(name, "local", "S", static_cast<unsigned>(i), 1ms);
    a.pooled(name, 1, 0);
    a.connections(name, 1);
  }
  auto text = m->render();
  BOOST_TEST(text.size() < 1'000'000U);
  scrape x{text};
  BOOST_TEST(x.count("cheops_requests_total") <= 512U);
  BOOST_TEST(x.at("cheops_requests_total{service=\"other\",plan=\"other\","
                  "site=\"other\",status=\"other\"}")
             > 19'000);
  double all = 0;
  for (auto& [name, value] : x.samples)
    if (name.starts_with("cheops_requests_total"))
      all += value;
  BOOST_TEST(all == many); // Nothing is lost.
}

BOOST_AUTO_TEST_CASE(labels_with_strange_bytes_keep_the_format) {
  auto m = http::metrics::make();
  auto& a = m->add_shard();
  a.exchange("quote\" back\\ line\n bad\xff", std::string(10'000, 'p'), "S",
             200, 1ms);
  scrape x{m->render()};
  BOOST_TEST(x.count("cheops_requests_total{service=\"quote\\\" back\\\\ "
                     "line\\n bad\xEF\xBF\xBD\"")
             == 1U);
}

BOOST_AUTO_TEST_CASE(what_is_read_at_scrape_time_is_typed_by_its_name) {
  auto m = http::metrics::make();
  double value = 1;
  m->add_gauge("cheops_correlations", "Live.", [&value] { return value; });
  m->add_gauge("cheops_access_log_dropped_total", "Lost.", [] { return 5.0; });
  m->add_gauges("cheops_behind", "How many.", "peer", [] {
    return std::vector<std::pair<std::string, double>>{{"A", 1}, {"B", 3}};
  });
  value = 2;
  scrape x{m->render()};
  BOOST_TEST(x.at("cheops_behind{peer=\"A\"}") == 1);
  BOOST_TEST(x.at("cheops_behind{peer=\"B\"}") == 3);
  BOOST_TEST(x.at("cheops_correlations") == 2);
  BOOST_TEST(x.types["cheops_correlations"] == "gauge");
  BOOST_TEST(x.types["cheops_access_log_dropped_total"] == "counter");
}

BOOST_AUTO_TEST_CASE(the_process_shows_itself) {
  scrape x{http::metrics::make()->render()};
  BOOST_TEST(x.at("process_resident_memory_bytes") > 1e6);
  BOOST_TEST(x.at("process_open_fds") >= 3);
  BOOST_TEST(x.at("process_start_time_seconds") > 1.5e9);
  BOOST_TEST(x.samples.contains("process_cpu_seconds_total"));
}

BOOST_AUTO_TEST_CASE(a_scrape_may_run_while_threads_count) {
  auto m = http::metrics::make();
  auto& a = m->add_shard();
  std::thread counting{[&a] {
    for (int i = 0; i < 50'000; ++i)
      a.exchange("service-" + std::to_string(i % 300), "local", "S", 200, 1us);
  }};
  for (int i = 0; i < 20; ++i)
    (void) scrape{m->render()};
  counting.join();
  scrape x{m->render()};
  BOOST_TEST(x.count("cheops_requests_total") == 300U);
}

BOOST_AUTO_TEST_SUITE_END()
