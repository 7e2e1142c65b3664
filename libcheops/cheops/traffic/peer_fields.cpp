#include "cheops/traffic/peer_fields.hpp"

namespace cheops::traffic {

std::string path_with(std::string_view path, const site_id& at,
                      const service_id& service) {
  std::string out{path.substr(0, path_bytes_max)};
  if (!out.empty())
    out += " > ";
  return out + at.value + "/" + service.value;
}

std::vector<header> peer_fields(const site::config& here,
                                const service_id& service,
                                std::string_view scope, std::string_view path,
                                std::uint32_t hops) {
  return {
    {"Cheops-From", here.name.value},
    {"Cheops-Service", service.value},
    {"Cheops-Scope", std::string{scope}},
    {"Cheops-Path", path_with(path, here.name, service)},
    {"Cheops-Hops", std::to_string(hops + 1)},
    {"Cheops-Deadline", std::to_string(here.times.peer_answer.count()) + "ms"}};
}

void add_wishes(std::vector<header>& to, const request_view& in) {
  for (auto name :
       {"Cheops-Wait", "Cheops-Consistency", "Cheops-Replicant-Index"})
    if (auto said = in.get(name); !said.empty())
      to.push_back({name, std::string{said}});
}

} // namespace cheops::traffic
