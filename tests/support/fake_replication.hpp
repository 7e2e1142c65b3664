#pragma once

#include "cheops/replication.hpp"

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

/// A replication port whose answers a test chooses.
namespace cheops::testing {

class fake_replication : public ports::replication {
public:
  using key = std::pair<std::string, std::string>; ///< Kind, local id.

  std::map<key, ports::local_replica> copies;
  std::map<std::string, ports::local_replica> named; ///< By the last part.
  std::function<void(ports::write_request,
                     ports::completion<result<ports::write_answer>>)>
    on_submit;
  std::function<void(const replicant::meta_id&,
                     ports::completion<result<replicant::read_answer>>)>
    on_read;
  std::function<void(const replicant::meta_id&, const ports::creation&, bool,
                     ports::completion<result<ports::write_answer>>)>
    on_scale;
  std::function<void(const replicant::meta_id&, replicant::resolve_asked,
                     ports::completion<result<ports::write_answer>>)>
    on_resolve;
  std::map<replicant::meta_id, ports::replicant_view> views;
  std::vector<ports::replicant_line> lines;
  std::map<std::string, ports::operation_view> operations;
  ports::feed_page feed;
  result<void> state;

  std::function<std::optional<ports::local_replica>(std::string_view local_id)>
    on_find; ///< In the place of `copies`.
  /// By kind; read on the data plane's threads.
  std::map<std::string, ports::open_creates> open;
  std::function<std::optional<ports::open_creates>(std::string_view name)>
    on_creating;

  [[nodiscard]] bool any() const noexcept override {
    return !copies.empty() || !open.empty() || on_creating;
  }

  [[nodiscard]] std::optional<ports::open_creates>
  creating(const service_id&, std::string_view kind,
           std::string_view name) const override {
    if (on_creating)
      return on_creating(name);
    auto i = open.find(std::string{kind});
    return i == open.end() ? std::nullopt : std::optional{i->second};
  }

  [[nodiscard]] std::optional<ports::local_replica>
  find(const service_id&, std::string_view kind,
       std::string_view local_id) const override {
    if (on_find)
      return on_find(local_id);
    auto i = copies.find({std::string{kind}, std::string{local_id}});
    return i == copies.end() ? std::nullopt : std::optional{i->second};
  }
  [[nodiscard]] std::optional<ports::local_replica>
  find(const replicant::natural_key& name) const override {
    auto i = named.find(name.path.back());
    return i == named.end() ? std::nullopt : std::optional{i->second};
  }
  void submit(ports::write_request what,
              ports::completion<result<ports::write_answer>> done) override {
    on_submit(std::move(what), std::move(done));
  }
  void read_linearizable(
    const replicant::meta_id& meta,
    ports::completion<result<replicant::read_answer>> done) override {
    on_read(meta, std::move(done));
  }
  void scale(const replicant::meta_id& meta, const ports::creation& to,
             bool remove_at_leavers,
             ports::completion<result<ports::write_answer>> done) override {
    on_scale(meta, to, remove_at_leavers, std::move(done));
  }
  void resolve(const replicant::meta_id& meta, replicant::resolve_asked how,
               ports::completion<result<ports::write_answer>> done) override {
    on_resolve(meta, std::move(how), std::move(done));
  }
  void list(const ports::list_filter& which,
            const std::optional<replicant::meta_id>& after,
            std::size_t lines_max,
            ports::completion<result<ports::list_page>> done) override {
    ports::list_page out;
    for (const auto& x : lines) {
      auto wanted = (!which.state || x.state == *which.state)
                    && (!which.service || x.service == *which.service)
                    && (!which.kind || x.kind == *which.kind)
                    && (!after || x.meta > *after);
      if (!wanted)
        continue;
      if (out.lines.size() == lines_max) {
        out.next = out.lines.back().meta;
        break;
      }
      out.lines.push_back(x);
    }
    done(std::move(out));
  }
  void describe(const replicant::meta_id& meta,
                ports::completion<result<std::optional<ports::replicant_view>>>
                  done) override {
    auto i = views.find(meta);
    done(i == views.end() ? std::nullopt : std::optional{i->second});
  }
  void operation(const replicant::meta_id& meta,
                 const replicant::operation_id& id,
                 ports::completion<result<std::optional<ports::operation_view>>>
                   done) override {
    auto i = operations.find(to_string(meta) + "_" + to_string(id));
    done(i == operations.end() ? std::nullopt : std::optional{i->second});
  }
  [[nodiscard]] ports::feed_page events(std::uint64_t after,
                                        std::size_t max) const override {
    ports::feed_page out;
    out.newest = feed.newest;
    for (const auto& x : feed.events)
      if (x.sequence > after && out.events.size() < max)
        out.events.push_back(x);
    return out;
  }
  [[nodiscard]] ports::replication_counters counters() const override {
    return {};
  }
  [[nodiscard]] result<void> health() const override { return state; }
};

} // namespace cheops::testing
