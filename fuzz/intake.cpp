#include "cheops/replicant/intake.hpp"

#include "cheops/replicant/codec.hpp"
#include "cheops/replicant/told.hpp"
#include "cheops/replicant/translate.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

// A request as "METHOD TARGET", fields as "Name: value", an empty line, a body.

namespace {

using namespace cheops;
using application::verb;

application::service sample_service() {
  application::service out;
  out.name = service_id{"S"};
  application::resource bar;
  bar.kind = "bar";
  bar.id_pointer = "/id";
  bar.name_pointer = "/m/name";
  bar.unique_name = true;
  bar.operations = {{"POST", "/bars", verb::create},
                    {"GET", "/bars/{id}", verb::read},
                    {"PUT", "/bars/{id}", verb::update},
                    {"DELETE", "/bars/{id}", verb::remove},
                    {"POST", "/bars/{id}/action", verb::other}};
  bar.copies.creates = application::settling::probe;
  bar.copies.probe = "/bars?name={name}&x=1";
  application::resource part;
  part.kind = "part";
  part.id_pointer = "/part/id";
  part.operations = {{"POST", "/bars/{bar}/parts", verb::create},
                     {"PATCH", "/bars/{bar}/parts/{id}", verb::update},
                     {"DELETE", "/bars/{bar}/parts/{id}", verb::remove}};
  auto needs = application::dependency::requires_;
  part.references = {{needs, "", "bar", out.name, "bar", false},
                     {needs, "/part/of/*/id", "", out.name, "bar", false},
                     {needs, "/part/by", "", out.name, "bar", true}};
  out.resources = {bar, part};
  return out;
}

/// Short ids are those of replicants.
std::optional<ports::local_replica> by_id(const service_id&, std::string_view,
                                          std::string_view id) {
  if (id.empty() || id.size() > 3)
    return std::nullopt;
  return ports::local_replica{
    replicant::random_meta(1, static_cast<std::uint8_t>(id[0])), 1,
    replicant::site_state::ok};
}

void check(bool holds) {
  if (!holds)
    std::abort();
}

std::string_view take_line(std::string_view& from) {
  auto end = std::min(from.find('\n'), from.size());
  auto line = from.substr(0, end);
  from.remove_prefix(std::min(end + 1, from.size()));
  return line;
}

} // namespace

/// No request crashes the intake. What it takes holds no credential, can be
/// read back, and can be translated to ids of whatever form.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace cheops::replicant;
  static const auto service = sample_service();
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  auto first = take_line(rest);
  auto space = std::min(first.find(' '), first.size());
  auto method = first.substr(0, space);
  auto target = first.substr(std::min(space + 1, first.size()));
  std::vector<traffic::field> fields;
  for (auto line = take_line(rest); !line.empty(); line = take_line(rest)) {
    auto colon = line.find(": ");
    if (colon != std::string_view::npos)
      fields.push_back({line.substr(0, colon), line.substr(colon + 2)});
  }
  (void) parse_operation_path(target);
  auto match = application::match(service, method, target);
  if (match.what.about == nullptr)
    return 0;
  traffic::request_view head{method, target, fields};
  auto asks = wishes_of(head);
  if (!asks)
    return 0;
  (void) matches_etag(asks->if_match, "\"a\"");
  std::optional<meta_id> on;
  if (match.what.does != verb::create)
    on = meta_of({service.name, match.what.about->kind, {"x"}}, 1);
  auto taken =
    take_in({match, head, target, rest, *asks, on, "", 100'000}, {by_id, {}});
  (void) read_probe(service.resources[0], target, 200, rest);
  (void) id_in_answer(service.resources[0], rest, target);
  if (!taken)
    return 0;
  for (const auto& f : taken->what.what.fields)
    check(!same_name(f.name, "Authorization") && !same_name(f.name, "Cookie"));
  auto again = decode_operation(encode(taken->what));
  check(again && *again == taken->what);
  auto ids = [](const meta_id&) { return std::optional<std::string>{"/?#%7"}; };
  check(translate(taken->what.what, ids).has_value());
  if (taken->what.undo)
    check(translate(*taken->what.undo, ids).has_value());
  if (taken->what.probe)
    check(translate(*taken->what.probe, ids).has_value());
  return 0;
}
