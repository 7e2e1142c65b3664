#include "glue/openstack/catalogue.hpp"

#include "cheops/site/network.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <functional>
#include <optional>

namespace cheops::glue::openstack {

namespace {

namespace json = boost::json;

using edit = std::function<std::optional<std::string>(std::string_view key,
                                                      std::string_view text)>;

/// Shows every text that is the value of a key; a text for it replaces it.
void each_text(json::value& in, const edit& change) {
  if (auto* list = in.if_array()) {
    for (auto& x : *list)
      each_text(x, change);
    return;
  }
  auto* object = in.if_object();
  if (object == nullptr)
    return;
  for (auto& entry : *object) {
    auto* text = entry.value().if_string();
    if (text == nullptr)
      each_text(entry.value(), change);
    else if (auto x = change({entry.key().data(), entry.key().size()},
                             {text->data(), text->size()}))
      *text = *x;
  }
}

/// "http://host:port/path?query" in three.
struct url_parts {
  std::string_view scheme;
  std::string_view authority;
  std::string_view rest; ///< From the slash on; may be empty.
};

std::optional<url_parts> split(std::string_view url) {
  url_parts out;
  auto colon = url.find("://");
  if (colon == std::string_view::npos)
    return std::nullopt;
  out.scheme = url.substr(0, colon);
  auto after = url.substr(colon + 3);
  auto end = std::min(after.find_first_of("/?"), after.size());
  out.authority = after.substr(0, end);
  out.rest = after.substr(end);
  return out;
}

/// With the port that the scheme means.
std::optional<mesh::address> address_of(const url_parts& x) {
  if (auto full = mesh::to_address(x.authority))
    return full;
  auto port = x.scheme == "https" ? ":443" : ":80";
  return mesh::to_address(std::string{x.authority} + port);
}

std::string_view host_of(std::string_view authority) {
  auto bracket = authority.find(']');
  auto colon = authority.find(':', bracket == authority.npos ? 0 : bracket);
  return authority.substr(0, colon);
}

bool is_everywhere(const std::string& host) {
  auto ip = site::to_ip(host);
  return ip && (ip == site::to_ip("0.0.0.0") || ip == site::to_ip("::"));
}

std::string at_authority(const site::front& front, std::string_view authority,
                         std::string_view rest) {
  return std::string{front.tls.empty() ? "http://" : "https://"}
    .append(authority)
    .append(rest);
}

/// Shows each entry of a catalogue, wherever it stands: its type, and its
/// endpoints.
template <class Visit>
void each_entry(json::value& in, const Visit& visit) {
  if (auto* list = in.if_array()) {
    for (auto& x : *list)
      each_entry(x, visit);
    return;
  }
  auto* object = in.if_object();
  if (object == nullptr)
    return;
  auto* type = object->if_contains("type");
  auto* endpoints = object->if_contains("endpoints");
  if (type != nullptr && type->is_string() && endpoints != nullptr
      && endpoints->is_array()) {
    const auto& text = type->get_string();
    visit(std::string_view{text.data(), text.size()}, *endpoints);
    return;
  }
  for (auto& entry : *object)
    each_entry(entry.value(), visit);
}

error nonsense() {
  return {errc::broken, "Keystone's answer is not JSON", "", "read the answer",
          ""};
}

std::string replaced_segment(std::string_view path, std::string_view from,
                             std::string_view to) {
  std::string out;
  for (;;) {
    auto slash = path.find('/');
    auto segment = path.substr(0, slash);
    // Some have a word before it: "AUTH_<id>".
    auto at = segment.size() >= from.size() ? segment.size() - from.size() : 0;
    if (segment.substr(at) == from && (at == 0 || segment[at - 1] == '_'))
      out.append(segment.substr(0, at)).append(to);
    else
      out.append(segment);
    if (slash == std::string_view::npos)
      return out;
    out += '/';
    path.remove_prefix(slash + 1);
  }
}

} // namespace

result<std::string> read_catalogue(std::string_view body) {
  boost::system::error_code ec;
  auto whole = json::parse(body, ec);
  if (ec || !whole.is_object())
    return nonsense();
  const auto* token = whole.get_object().if_contains("token");
  const auto* catalogue = token != nullptr && token->is_object()
                            ? token->get_object().if_contains("catalog")
                            : nullptr;
  return catalogue != nullptr && catalogue->is_array()
           ? json::serialize(*catalogue)
           : std::string{"[]"};
}

std::string for_project(std::string_view catalogue, std::string_view made_for,
                        std::string_view wanted) {
  boost::system::error_code ec;
  auto whole = json::parse(catalogue, ec);
  if (ec || made_for.empty() || made_for == wanted)
    return std::string{catalogue};
  each_text(whole, [&](auto key, auto text) -> std::optional<std::string> {
    if (key != "url")
      return std::nullopt;
    return replaced_segment(text, made_for, wanted);
  });
  return json::serialize(whole);
}

result<std::string> at_fronts(std::string_view body,
                              const application::description& app,
                              const site::config& config,
                              std::string_view asked_host) {
  boost::system::error_code ec;
  auto whole = json::parse(body, ec);
  if (ec)
    return nonsense();
  each_entry(whole, [&](std::string_view type, json::value& endpoints) {
    const auto* service = app.find(type);
    const auto* front =
      service != nullptr ? site::front_of(config, service->name) : nullptr;
    if (front == nullptr)
      return;
    each_text(endpoints, [&](auto key, auto url) -> std::optional<std::string> {
      auto parts = key == "url" ? split(url) : std::nullopt;
      if (!parts || address_of(*parts) != front->to.at)
        return std::nullopt;
      auto where = mesh::to_string(front->listen);
      if (is_everywhere(front->listen.host))
        where = std::string{host_of(asked_host)} + ":"
                + std::to_string(front->listen.port);
      return at_authority(*front, where, parts->rest);
    });
  });
  return json::serialize(whole);
}

result<std::optional<std::string>> links_at_front(std::string_view body,
                                                  const site::front& front,
                                                  std::string_view prefix,
                                                  std::string_view asked_host) {
  boost::system::error_code ec;
  auto whole = json::parse(body, ec);
  if (ec)
    return nonsense();
  auto any = false;
  each_text(whole, [&](auto key, auto url) -> std::optional<std::string> {
    auto parts = key == "href" ? split(url) : std::nullopt;
    if (!parts)
      return std::nullopt;
    auto rest = std::string{prefix}.append(parts->rest);
    std::optional<std::string> out;
    if (same_name(parts->authority, asked_host)) {
      if (!prefix.empty())
        out = std::string{parts->scheme}.append("://").append(parts->authority)
              + rest;
    } else if (address_of(*parts) == front.to.at && !asked_host.empty()) {
      out = at_authority(front, asked_host, rest);
    }
    any = any || out;
    return out;
  });
  return any ? std::optional{json::serialize(whole)} : std::nullopt;
}

} // namespace cheops::glue::openstack
