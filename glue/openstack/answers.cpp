#include "glue/openstack/answers.hpp"

#include "cheops/names.hpp"
#include "glue/openstack/catalogue.hpp"
#include "glue/openstack/head.hpp"

#include <boost/json.hpp>

namespace cheops::glue::openstack {

namespace {

namespace json = boost::json;

/// {"server": {"id": …}}; empty: something else.
std::string id_of_server(std::string_view body) {
  boost::system::error_code ec;
  auto whole = json::parse(body, ec);
  const auto* outer = ec ? nullptr : whole.if_object();
  const auto* server =
    outer != nullptr ? outer->if_contains("server") : nullptr;
  const auto* inner = server != nullptr ? server->if_object() : nullptr;
  const auto* id = inner != nullptr ? inner->if_contains("id") : nullptr;
  const auto* text = id != nullptr ? id->if_string() : nullptr;
  return text != nullptr ? std::string{text->data(), text->size()} : "";
}

/// The token that a client shows to get another: {"auth": {"identity":
/// {"token": {"id": …}}}}; null: it shows none.
json::string* shown_token(json::value& whole) {
  auto* at = &whole;
  for (auto key : {"auth", "identity", "token", "id"}) {
    auto* object = at->if_object();
    at = object != nullptr ? object->if_contains(key) : nullptr;
    if (at == nullptr)
      return nullptr;
  }
  return at->if_string();
}

class answer_follower final : public traffic::follower {
public:
  answer_follower(answer_tasks what, std::shared_ptr<memory> known)
    : what_(std::move(what)), known_(std::move(known)) {}

  bool wants_request() const noexcept override { return what_.gives_token; }

  /// Keystone knows bare tokens only, in bodies too. The scope of the one that
  /// is shown goes on with the one that is given out.
  result<std::optional<std::string>>
  on_request(std::string_view body, const traffic::moment&) override {
    boost::system::error_code ec;
    auto whole = json::parse(body, ec);
    auto* shown = ec ? nullptr : shown_token(whole);
    if (shown == nullptr)
      return std::optional<std::string>{}; // Keystone will say what it is.
    std::string text{shown->data(), shown->size()};
    auto x = read_token(text);
    if (!x)
      return x.error();
    if (x->marked())
      return error{errc::forbidden,
                   "Keystone of this site gives no token for one of "
                     + x->issuer,
                   "", "read the token", "ask Keystone of " + x->issuer};
    if (x->bare.size() == text.size())
      return std::optional<std::string>{};
    if (what_.scope.empty())
      what_.scope = x->scope;
    *shown = x->bare;
    return std::optional{json::serialize(whole)};
  }

  result<wish> on_head(unsigned status, std::span<const traffic::field> fields,
                       bool here, const traffic::moment& now) override {
    // A service turns what Keystone's front told it into a 401 or a 5xx.
    if (!what_.token.empty() && (status == 401 || status >= 500))
      if (auto cause = known_->cause(what_.token, now.steady))
        return *cause;
    wish out;
    if (what_.base && here && status < 300)
      known_->base(*what_.base);
    if (what_.gives_token && status == 201)
      if (auto done = give_token(out, fields); !done)
        return done.error();
    if (!what_.subject.empty() && status < 300)
      out.set.push_back({std::string{subject_field}, what_.subject});
    auto fine = status < 300 || status == 300;
    if (fine && here && !what_.server_scope.empty())
      out.body = true;
    if (fine && (what_.front != nullptr || what_.to_fronts))
      out.body = true;
    out.needed = out.body && what_.to_fronts;
    return out;
  }

  result<std::optional<std::string>>
  on_body(std::string_view body, const traffic::moment& now) override {
    if (!what_.server_scope.empty()) {
      if (auto id = id_of_server(body); !id.empty())
        known_->keep(id, what_.server_scope,
                     now.steady + what_.config->times.scoped_resource);
      return std::optional<std::string>{};
    }
    if (what_.to_fronts) {
      auto made = at_fronts(body, *what_.app, *what_.config, what_.host);
      if (!made)
        return made.error();
      return std::optional{std::move(*made)};
    }
    auto made = links_at_front(body, *what_.front, what_.prefix, what_.host);
    if (!made)
      return std::optional<std::string>{}; // Not JSON: it has no links.
    return std::move(*made);
  }

private:
  result<void> give_token(wish& out,
                          std::span<const traffic::field> fields) const {
    if (what_.scope.empty())
      return {};
    for (const auto& x : fields)
      if (same_name(x.name, subject_field)) {
        auto whole = with_scope(x.value, what_.scope);
        if (!whole)
          return whole.error();
        out.set.push_back({std::string{subject_field}, std::move(*whole)});
      }
    return {};
  }

  answer_tasks what_;
  std::shared_ptr<memory> known_;
};

} // namespace

bool answer_tasks::nothing() const noexcept {
  return !gives_token && !base && subject.empty() && token.empty()
         && !wants_body();
}

bool answer_tasks::wants_body() const noexcept {
  return front != nullptr || to_fronts || !server_scope.empty();
}

std::unique_ptr<traffic::follower> follow(answer_tasks what,
                                          std::shared_ptr<memory> known) {
  return std::make_unique<answer_follower>(std::move(what), std::move(known));
}

} // namespace cheops::glue::openstack
