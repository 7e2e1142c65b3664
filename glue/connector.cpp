#include "glue/connector.hpp"

#include "cheops/replicant/intake.hpp"
#include "glue/adapters.hpp"
#include "glue/call_pool.hpp"
#include "http/client.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

namespace cheops::glue {

namespace {

using replicant::call_end;

constexpr std::uint16_t cannot_be_sent = 400;
constexpr std::uint16_t has_no_service = 404;

bool is_of_connection(std::string_view name) {
  // RFC 9110, 7.6.1, and what the client says itself.
  static constexpr std::array<std::string_view, 9> names{
    "connection", "content-length",    "keep-alive", "proxy-connection",
    "te",         "transfer-encoding", "trailer",    "upgrade",
    "expect"};
  auto folded = fold_case(name);
  return std::ranges::find(names, folded) != names.end();
}

std::string url_of(const site::backend& to, const std::string& target) {
  return (to.tls ? "https://" : "http://") + mesh::to_string(to.at) + target;
}

/// What a call that came to nothing says of its request.
call_end end_of(const error& x) {
  static constexpr std::array<std::string_view, 4> once_out{
    "send request", "send body", "read answer", "read answer's body"};
  return std::ranges::find(once_out, x.step) == once_out.end()
           ? call_end::not_sent
           : call_end::cut;
}

class http_connector final : public application_connector {
public:
  explicit http_connector(connector_plan plan)
    : plan_(std::make_shared<const connector_plan>(std::move(plan))) {
    for (const auto& [service, backend] : plan_->backends)
      pools_.emplace(service, std::make_unique<call_pool>(plan_->calls_max,
                                                          plan_->waiting_max));
  }

  void call(replicant::call what,
            ports::completion<ports::call_result> done) override;
  void probe(replicant::probe what,
             ports::completion<replicant::probed> done) override;
  void reload(connector_plan plan) override {
    auto next = std::make_shared<const connector_plan>(std::move(plan));
    std::lock_guard lock{guard_};
    plan_.swap(next);
  }

private:
  [[nodiscard]] std::shared_ptr<const connector_plan> plan() const {
    std::lock_guard lock{guard_};
    return plan_;
  }

  mutable std::mutex guard_; ///< Of `plan_`.
  std::shared_ptr<const connector_plan> plan_;
  std::map<service_id, std::unique_ptr<call_pool>> pools_;
};

const application::resource* find(const connector_plan& plan,
                                  const service_id& service,
                                  std::string_view kind) {
  const auto* s = plan.app->find(service.value);
  if (s == nullptr)
    return nullptr;
  auto i = std::ranges::find(s->resources, kind, &application::resource::kind);
  return i == s->resources.end() ? nullptr : &*i;
}

heard send(const connector_plan& plan, const service_id& service,
           replicant::templated x) {
  auto found = plan.backends.find(service);
  if (found == plan.backends.end())
    return {error{errc::unknown_service,
                  "no front has that service",
                  {},
                  "call the application",
                  {}}};
  const auto& to = found->second;
  http::client_request out;
  out.method = std::move(x.method);
  out.url = url_of(to, x.target);
  for (auto& f : x.fields)
    if (!is_of_connection(f.name))
      out.fields.emplace_back(std::move(f.name), std::move(f.value));
  out.body = std::move(x.body);
  out.tls = to.identity.certificate.empty() ? to.files : site::node_files(to);
  out.token_file = to.identity.token_file;
  out.verify = to.verify;
  out.timeout = plan.timeout;
  heard got;
  std::string body;
  out.sink = [&](std::string_view piece) {
    got.whole = body.size() + piece.size() <= plan.answer_bytes_max;
    if (got.whole)
      body.append(piece);
    return got.whole;
  };
  got.answer = http::fetch(out);
  if (got.answer)
    got.answer->body = std::move(body);
  return got;
}

/// What most applications need: the request as it is.
ports::call_result call_described(const connector_plan& plan,
                                  replicant::call& what) {
  auto got = send(plan, what.service, std::move(what.request));
  std::string id;
  const auto* kind = find(plan, what.service, what.kind);
  if (got.answer && what.does == replicant::change::create && kind != nullptr)
    id = replicant::id_in_answer(
      *kind, got.whole ? got.answer->body : std::string_view{},
      got.answer->get("Location"));
  auto out = told(what.id, std::move(got));
  out.what.local_id = std::move(id);
  return out;
}

replicant::probed probe_described(const connector_plan& plan,
                                  replicant::probe& what) {
  const auto* kind = find(plan, what.service, what.kind);
  auto target = what.request.target;
  auto got = send(plan, what.service, std::move(what.request));
  replicant::probed out;
  if (kind != nullptr && got.answer && got.whole)
    out = replicant::read_probe(*kind, target,
                                static_cast<std::uint16_t>(got.answer->status),
                                got.answer->body);
  return out;
}

void http_connector::call(replicant::call what,
                          ports::completion<ports::call_result> done) {
  ports::call_result none;
  none.what.call = what.id;
  auto pool = pools_.find(what.service);
  if (pool == pools_.end()) {
    none.what.status = has_no_service;
    done(std::move(none));
    return;
  }
  auto now = plan();
  if (now->key_field)
    if (auto field = now->key_field(what.service, what.kind); !field.empty())
      // An undo is another call than what it undoes.
      what.request.fields.push_back(
        {field, to_string(what.operation) + "-" + what.request.method});
  auto work = [plan = std::move(now), what = std::move(what), done]() mutable {
    auto one = [&](replicant::templated x) {
      return send(*plan, what.service, std::move(x));
    };
    done(plan->calls ? plan->calls->call(what, one)
                     : call_described(*plan, what));
  };
  if (!pool->second->run(std::move(work))) {
    none.what.how = call_end::not_sent;
    done(std::move(none));
  }
}

void http_connector::probe(replicant::probe what,
                           ports::completion<replicant::probed> done) {
  replicant::probed none;
  none.call = what.id;
  auto pool = pools_.find(what.service);
  if (pool == pools_.end()) {
    done(none);
    return;
  }
  auto work = [plan = plan(), what = std::move(what), done]() mutable {
    auto one = [&](replicant::templated x) {
      return send(*plan, what.service, std::move(x));
    };
    auto out = plan->calls ? plan->calls->probe(what, one)
                           : probe_described(*plan, what);
    out.call = what.id;
    done(std::move(out));
  };
  if (!pool->second->run(std::move(work)))
    done(none);
}

} // namespace

ports::call_result told(replicant::call_id call, heard got) {
  ports::call_result out;
  out.what.call = call;
  if (!got.answer) {
    out.what.how = end_of(got.answer.error());
    // What can never be sent is refused, for good.
    if (got.answer.error().code == errc::bad_request) {
      out.what.how = call_end::answered;
      out.what.status = cannot_be_sent;
    }
    return out;
  }
  auto& x = *got.answer;
  out.what.how = call_end::answered;
  out.what.status = static_cast<std::uint16_t>(x.status);
  out.what.answer = replicant::digest_of(x.body);
  auto answer = std::make_shared<ports::application_answer>();
  answer->status = out.what.status;
  for (auto& [name, value] : x.fields)
    if (!is_of_connection(name))
      answer->fields.push_back({std::move(name), std::move(value)});
  answer->whole = got.whole;
  if (got.whole)
    answer->body = std::move(x.body);
  out.answer = std::move(answer);
  return out;
}

connector_plan
connector_plan_of(const site::config& config,
                  std::shared_ptr<const application::description> app) {
  connector_plan out;
  out.app = std::move(app);
  for (const auto& x : config.fronts)
    out.backends.emplace(x.service, x.to);
  out.calls = make_calls(*out.app, config);
  out.calls_max = config.bounds.application_calls;
  out.timeout = config.times.answer;
  out.answer_bytes_max = config.bounds.entry_bytes;
  return out;
}

std::shared_ptr<application_connector> make_connector(connector_plan plan) {
  return std::make_shared<http_connector>(std::move(plan));
}

} // namespace cheops::glue
