#include "glue/adapters.hpp"

#include "glue/kubernetes/adapter.hpp"
#include "glue/kubernetes/calls.hpp"
#include "glue/openstack/adapter.hpp"

#include <cassert>

namespace cheops::glue {

std::vector<std::string> adapter_names() {
  return {"kubernetes", "openstack"};
}

std::string adapter_fault(std::string_view name,
                          const application::description& app) {
  if (name == "kubernetes")
    return kubernetes::fault_of(app);
  return name == "openstack" ? openstack::fault_of(app) : "";
}

std::shared_ptr<traffic::adapter>
make_adapter(std::shared_ptr<const application::description> app,
             const site::config& config, keyed_digest digest) {
  if (app->adapter.empty())
    return nullptr;
  if (app->adapter == "kubernetes")
    return kubernetes::make(std::move(app), config, std::move(digest));
  assert(app->adapter == "openstack"); // Others are refused when read.
  return openstack::make(std::move(app), config, std::move(digest));
}

std::shared_ptr<const application_calls>
make_calls(const application::description& app, const site::config& config) {
  return app.adapter == "kubernetes" ? kubernetes::make_calls(config) : nullptr;
}

} // namespace cheops::glue
