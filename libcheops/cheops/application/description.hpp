#pragma once

#include "cheops/names.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What is known of an application; docs/applications.md has the file format.
namespace cheops::application {

enum class verb : std::uint8_t { create, read, list, update, remove, other };

[[nodiscard]] std::string_view to_string(verb x) noexcept;

/// How one resource needs another (thesis, "dependencies").
enum class dependency : std::uint8_t {
  requires_,   ///< Needed to create it.
  relies_on,   ///< Needed as long as it lives.
  composed_of, ///< A part: made and deleted with it.
};

[[nodiscard]] std::string_view to_string(dependency x) noexcept;

/// Where a resource names another.
struct reference {
  dependency kind = dependency::requires_;
  /// JSON Pointer (RFC 6901) into the body, in which a segment `*` stands for
  /// each element of a list, or …
  std::string pointer;
  std::string path_parameter; ///< … the name of a `{parameter}` of the path.
  service_id service;         ///< Of the resource referred to.
  std::string resource;       ///< Its kind.
  bool by_name = false;       ///< The value is the other's name, not its id.
};

/// A method and a path template that do something to a resource.
struct operation {
  std::string method; ///< Upper case; GET covers HEAD.
  /// "/v2/images/{id}"; `{x}` matches one segment, and `{id}` is the
  /// resource's own id.
  std::string path;
  verb does = verb::other;
};

/// How it is found out what a create did whose answer never came.
enum class settling : std::uint8_t {
  nothing, ///< Not at all: nobody can tell.
  repeat,  ///< To send it again has no further effect.
  probe,   ///< `replication::probe` shows what was made.
};

/// What must be known of a resource to keep it on several sites.
struct replication {
  bool allowed = true;
  settling creates = settling::nothing;
  /// A path template and a query, with {name} and the parameters of the
  /// create's path: "/bars?name={name}".
  std::string probe;
  std::string found; ///< Pointer into its answer: one resource, or a list.
  /// After so long a call that was abandoned can no longer act; 0: nobody
  /// knows, so that it stays uncertain what it did.
  std::chrono::milliseconds settles_after{0};
  bool compensates = false; ///< A create that one site refuses is undone.
  /// An update by PUT leaves nothing of what was there before.
  bool put_replaces = true;
  /// Fields of requests that matter, beside those that tell what a body is.
  std::vector<std::string> fields;
};

struct resource {
  std::string kind;         ///< "bar".
  std::string id_pointer;   ///< Into answers: "/id".
  std::string name_pointer; ///< Into bodies: "/name"; empty: unnamed.
  bool unique_name = false; ///< The application enforces unique names.
  bool secret = false;      ///< Bodies are never shown.
  /// Reads of it tell clients what there is. Where the scope of one cannot be
  /// run, this site answers it.
  bool discovery = false;
  std::vector<operation> operations;
  std::vector<reference> references;
  replication copies;

  /// Its first operation of that verb whose path has these parameters and no
  /// other; null: there is none.
  [[nodiscard]] const operation*
  find(verb does, const std::vector<std::string_view>& parameters) const;
};

/// The names of a template's parameters, in their order.
[[nodiscard]] std::vector<std::string_view>
parameters_of(std::string_view path_template);

struct service {
  service_id name;
  std::vector<std::string> aliases;
  /// It authenticates users itself, so peers may use it by default.
  bool authenticates = false;
  std::vector<service_id> calls; ///< Services that it calls while serving.
  std::vector<resource> resources;
};

/// How a scope may reach a node, beside the `Scope` header.
struct carriers {
  bool prefix = true;   ///< /scope/<base64url>/…
  bool baggage = false; ///< W3C baggage member `cheops.scope`.
  bool trace = false;   ///< W3C traceparent, by correlation.
};

enum class error_shape : std::uint8_t { problem, openstack, kubernetes };

[[nodiscard]] std::string_view to_string(error_shape x) noexcept;

/// What `cheops run` sets so that the application's clients go to the node:
/// values may hold {url:SERVICE}, {scope} (text) and {scope64} (base64url).
struct client_settings {
  std::map<std::string, std::string> environment;
};

struct description {
  std::string name;
  std::vector<service> services;
  carriers carry;
  error_shape errors = error_shape::problem;
  /// Which class of glue/ knows what cannot be declared; empty: none.
  std::string adapter;
  client_settings clients;

  /// By name or alias, in any case; nullptr if there is none.
  [[nodiscard]] const service* find(std::string_view name) const noexcept;
  /// Whether serving a request on `from` can lead to calls of `to`: itself,
  /// or over any chain of `calls` and references.
  [[nodiscard]] bool reaches(const service_id& from,
                             const service_id& to) const;
};

/// Most segments that a template may have; longer paths are no resource's.
inline constexpr std::size_t template_segments_max = 32;

/// What a request is about.
struct request_class {
  const service* of = nullptr;     ///< Never null in an answer.
  const resource* about = nullptr; ///< Null: not a resource.
  verb does = verb::other;         ///< Guessed from the method where null;
                                   ///< `other` where only the path is known.
  std::string id;                  ///< Percent-decoded; empty in collections.
};

/// Classifies by method and path (the query is left out). `target` is the
/// request target in origin form. Literal segments win over parameters. Paths
/// are compared as applications read them: escapes decoded (`%2F` stays within
/// its segment), dot segments resolved, empty segments dropped (so a trailing
/// slash changes nothing). A malformed escape is "not a resource". Allocates
/// for the id and for paths with escapes only.
[[nodiscard]] request_class classify(const service& of, std::string_view method,
                                     std::string_view target);

/// A parameter of a template, in a target that matches it.
struct path_parameter {
  std::string_view name; ///< As the description has it.
  std::string value;     ///< Percent-decoded.
  /// The number, from 0, of the target's segment: those that were dropped
  /// count too.
  std::uint32_t segment = 0;
};

/// What a request is about, and how its path says so.
struct request_match {
  request_class what;
  const operation* by = nullptr; ///< Null: no template matches. One of another
                                 ///< method where `does` is `other`.
  std::vector<path_parameter> parameters; ///< Of `by`, {id} among them.
};

/// The same as `classify`, which costs less, and more.
[[nodiscard]] request_match match(const service& of, std::string_view method,
                                  std::string_view target);

} // namespace cheops::application
