#include "tools/scenario/admin.hpp"

#include "cheops/names.hpp"
#include "http/client.hpp"

#include <boost/json.hpp>

namespace cheops::scenario {

namespace json = boost::json;

namespace {

http::client_request to_admin(const live_site& of, const std::string& target) {
  http::client_request call;
  call.url = "http+unix://" + of.admin_socket() + ":" + target;
  return call;
}

error at(const live_site& of, const std::string& target, std::string what) {
  return {errc::broken, std::move(what), of.name, "ask " + target, ""};
}

} // namespace

result<json::value> ask(const live_site& of, const std::string& method,
                        const std::string& target, const std::string& body,
                        milliseconds timeout) {
  auto call = to_admin(of, target);
  call.method = method;
  call.timeout = timeout;
  if (!body.empty())
    call.fields.emplace_back("Content-Type", "application/json");
  call.body = body;
  auto got = http::fetch(call);
  if (!got) {
    auto failed = got.error();
    failed.site = of.name;
    return failed;
  }
  if (got->status / 100 != 2)
    return at(of, target, std::to_string(got->status) + ' ' + got->body);
  if (got->body.empty())
    return json::value{};
  boost::system::error_code wrong;
  auto out = json::parse(got->body, wrong);
  if (wrong)
    return at(of, target, "not JSON: " + got->body.substr(0, 200));
  return out;
}

result<std::string> metrics_of(const live_site& x) {
  auto call = to_admin(x, "/metrics");
  call.timeout = milliseconds{10'000};
  auto got = http::fetch(call);
  if (!got)
    return got.error();
  if (got->status != 200)
    return at(x, "/metrics", std::to_string(got->status));
  return got->body;
}

bool is_ready(const live_site& x) {
  auto call = to_admin(x, "/readyz");
  call.timeout = milliseconds{1000};
  auto got = http::fetch(call);
  return got && got->status == 200;
}

result<link_seen> link_of(const live_site& of, std::string_view peer) {
  auto got = ask(of, "GET", "/v1/links");
  if (!got)
    return got.error();
  boost::system::error_code wrong;
  const auto* links = got->find_pointer("/links", wrong);
  if (!links || !links->is_array())
    return at(of, "/v1/links", "no \"links\" in the answer");
  auto text = [](const json::value& x, const char* member) {
    boost::system::error_code absent;
    const auto* found = x.find_pointer(member, absent);
    return found && found->is_string() ? std::string{found->get_string().data(),
                                                     found->get_string().size()}
                                       : std::string{};
  };
  for (const auto& x : links->get_array()) {
    if (!same_name(text(x, "/peer"), peer))
      continue;
    link_seen out{text(x, "/state"), std::nullopt};
    const auto* time = x.find_pointer("/round_trip_us", wrong);
    if (time && time->is_number())
      out.round_trip = microseconds{time->to_number<std::int64_t>()};
    return out;
  }
  return link_seen{"absent", std::nullopt};
}

std::string
faults_body(const std::map<std::string, mesh::peer_faults>& faults) {
  json::array out;
  auto add = [&out](const std::string& peer, const char* direction,
                    const mesh::fault& x) {
    if (x == mesh::fault{})
      return;
    out.push_back({{"peer", peer},
                   {"direction", direction},
                   {"cut", x.cut},
                   {"delay", std::to_string(x.delay.count()) + "us"},
                   {"loss", x.loss}});
  };
  for (const auto& [peer, x] : faults) {
    add(peer, "in", x.in);
    add(peer, "out", x.out);
  }
  return json::serialize(json::object{{"faults", std::move(out)}});
}

} // namespace cheops::scenario
