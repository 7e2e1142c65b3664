#include "tools/cli/fronts.hpp"
#include "tools/cli/program.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

/// `cheops http`: a curl that knows scopes.
namespace cheops::cli {

namespace {

struct http_options {
  std::string first;  ///< The method, or the target if it stands alone.
  std::string second; ///< The target behind a method.
  std::string scope;
  std::vector<std::string> fields;
  std::optional<std::string> data;
  std::string upload;
  std::string output;
  bool include = false;
  bool fail = false;
  bool insecure = false;
};

constexpr std::size_t data_bytes_max = 16 * 1024 * 1024;

/// What `-d` means: the text, or the content of a file.
result<std::string> body_of(const std::string& data) {
  if (!data.starts_with('@'))
    return data;
  auto name = data.substr(1);
  std::ifstream file;
  if (name != "-")
    file.open(name, std::ios::binary);
  std::istream& in = name == "-" ? std::cin : file;
  std::string out;
  char piece[16 * 1024];
  while (in.read(piece, sizeof piece), in.gcount() > 0) {
    out.append(piece, static_cast<std::size_t>(in.gcount()));
    if (out.size() > data_bytes_max)
      return error{errc::bad_request, name + " is over 16 MiB", "",
                   "read --data", "-T FILE streams it"};
  }
  if (name != "-" && !file.is_open())
    return error{errc::bad_request, "cannot read " + name, "", "read --data",
                 ""};
  return out;
}

bool has_field(const http::client_request& x, std::string_view name) {
  return std::ranges::any_of(
    x.fields, [&](const auto& f) { return same_name(f.first, name); });
}

/// The URL of "SERVICE/path"; a URL stays as it is.
result<std::string> url_of(const session& s, const std::string& target) {
  if (target.starts_with("http://") || target.starts_with("https://")
      || target.starts_with("http+unix://"))
    return target;
  auto slash = std::min(target.find('/'), target.size());
  auto service = target.substr(0, slash);
  auto facts = learn_application(s, "");
  if (!facts)
    return facts.error();
  if (const auto* front = find_front(facts->fronts, service))
    return front->url + (slash < target.size() ? target.substr(slash) : "/");
  std::string all;
  std::vector<std::string> names;
  for (const auto& x : facts->fronts) {
    names.push_back(x.service);
    all += (all.empty() ? "" : ", ") + x.service;
  }
  auto near = nearest_name(service, names);
  return error{errc::unknown_service, "no front of \"" + service + "\" here",
               "", "find the URL",
               near.empty() ? "there are " + all
                            : "did you mean " + near + "?"};
}

result<void> add_fields(http::client_request& to, const http_options& with) {
  for (const auto& field : with.fields) {
    auto colon = field.find(':');
    if (colon == 0 || colon == std::string::npos)
      return error{errc::bad_request, "-H \"" + field + "\" is no field", "",
                   "", "write 'Name: value'"};
    auto value = field.substr(colon + 1);
    value.erase(0, std::min(value.find_first_not_of(" \t"), value.size()));
    to.fields.emplace_back(field.substr(0, colon), value);
  }
  if (!with.scope.empty())
    to.fields.emplace_back("Scope", with.scope);
  return {};
}

result<void> add_body(http::client_request& to, const http_options& with,
                      std::shared_ptr<std::ifstream> file) {
  if (with.data) {
    auto body = body_of(*with.data);
    if (!body)
      return body.error();
    to.body = std::move(*body);
    auto first = to.body.find_first_not_of(" \t\r\n");
    auto is_json = first != std::string::npos
                   && (to.body[first] == '{' || to.body[first] == '[');
    if (!has_field(to, "Content-Type"))
      to.fields.emplace_back("Content-Type",
                             is_json ? "application/json"
                                     : "application/x-www-form-urlencoded");
  }
  if (with.upload.empty())
    return {};
  if (with.upload != "-") {
    file->open(with.upload, std::ios::binary);
    if (!*file)
      return error{errc::bad_request, "cannot read " + with.upload, "",
                   "open --upload-file", ""};
  }
  std::error_code no_size;
  auto bytes = with.upload == "-"
                 ? std::uintmax_t{0}
                 : std::filesystem::file_size(with.upload, no_size);
  // A pipe has no size: then the body is chunked.
  if (with.upload != "-" && !no_size)
    to.source_bytes = bytes;
  to.source = [file, standard = with.upload == "-"](char* at,
                                                    std::size_t room) {
    std::istream& in = standard ? std::cin : *file;
    in.read(at, static_cast<std::streamsize>(room));
    return static_cast<std::size_t>(in.gcount());
  };
  if (!has_field(to, "Content-Type"))
    to.fields.emplace_back("Content-Type", "application/octet-stream");
  return {};
}

std::string head_of(const http::client_response& x) {
  auto out = "HTTP/1.1 " + std::to_string(x.status) + " " + x.reason + "\n";
  for (const auto& [name, value] : x.fields)
    out += name + ": " + value + "\n";
  return out;
}

/// Whether a field's value must not be shown.
bool is_credential(std::string_view name) {
  return same_name(name, "Authorization") || same_name(name, "Cookie")
         || same_name(name, "X-Auth-Token")
         || same_name(name, "X-Subject-Token");
}

void show_request(const http::client_request& x) {
  std::cerr << "> " << x.method << " " << x.url << "\n";
  for (const auto& [name, value] : x.fields)
    std::cerr << "> " << name << ": "
              << (is_credential(name) ? "(not shown)" : value) << "\n";
}

/// The exit code of an answer, and a line on stderr if it is an error of
/// Cheops or --fail was given.
int conclude(const http::client_response& x, const http_options& with) {
  if (x.status < 400)
    return exit_ok;
  auto slug = std::string{x.get("Cheops-Error")};
  if (!slug.empty()) {
    auto site = std::string{x.get("Cheops-Site")};
    auto why = to_error(x).value_or(
      error{from_slug(slug), "Cheops refused: " + slug, site, "", ""});
    std::cerr << "cheops: " << to_string(why) << "\n";
  }
  if (!with.fail)
    return exit_ok;
  if (slug.empty())
    std::cerr << "cheops: the application answered " << x.status << "\n";
  auto code = from_slug(slug);
  return code == errc::none ? exit_failed : exit_of(code);
}

result<http::client_request> to_request(const session& s,
                                        const http_options& with,
                                        std::shared_ptr<std::ifstream> file) {
  http::client_request out;
  auto alone = with.second.empty();
  auto has_body = with.data.has_value();
  out.method = !alone                 ? with.first
               : !with.upload.empty() ? "PUT"
               : has_body             ? "POST"
                                      : "GET";
  std::ranges::transform(out.method, out.method.begin(), [](unsigned char c) {
    return static_cast<char>(std::toupper(c));
  });
  auto url = url_of(s, alone ? with.first : with.second);
  if (!url)
    return url.error();
  out.url = *url;
  out.timeout = s.timeout();
  out.tls.ca = s.options.ca_file;
  out.verify = !with.insecure;
  if (auto done = add_fields(out, with); !done)
    return done.error();
  if (auto done = add_body(out, with, std::move(file)); !done)
    return done.error();
  return out;
}

int run_http(const session& s, const http_options& with) {
  if (with.data && !with.upload.empty())
    return s.usage("-d and -T exclude each other", "");
  if (!with.scope.empty())
    if (auto done = check_scope(with.scope); !done)
      return s.fail(done.error());
  auto file = std::make_shared<std::ifstream>();
  auto request = to_request(s, with, file);
  if (!request)
    return s.fail(request.error());
  std::ofstream into;
  if (!with.output.empty()) {
    into.open(with.output, std::ios::binary | std::ios::trunc);
    if (!into)
      return s.usage("cannot write " + with.output, "");
    request->sink = [&into](std::string_view piece) {
      into.write(piece.data(), static_cast<std::streamsize>(piece.size()));
      return into.good();
    };
  }
  if (s.options.verbose)
    show_request(*request);
  auto answer = s.send(*request);
  if (!answer)
    return s.fail(answer.error());
  if (s.options.verbose) {
    auto head = head_of(*answer);
    for (std::size_t at = 0; at < head.size();) {
      auto end = head.find('\n', at);
      std::cerr << "< " << head.substr(at, end - at) << "\n";
      at = end + 1;
    }
  }
  if (with.include)
    std::cout << head_of(*answer) << "\n";
  std::cout << answer->body << std::flush;
  return conclude(*answer, with);
}

} // namespace

void add_http(program& to) {
  auto with = std::make_shared<http_options>();
  auto* http =
    to.add(&to.root, "http", "send a request, with a scope or without",
           [&to, with] { return run_http(to.common, *with); });
  http->group("Work");
  http
    ->add_option(
      "METHOD|TARGET", with->first,
      "a method, or the target alone: GET, with -d POST, with -T PUT")
    ->required();
  http->add_option("TARGET", with->second, "a URL, or SERVICE/path");
  http->add_option("-s,--scope", with->scope, "where it runs");
  // Vectors of CLI11 split "[a,b]", so texts of users are taken one by one.
  http->add_option("-H,--header", with->fields, "'Name: value', repeatable")
    ->allow_extra_args(false);
  http->add_option("-d,--data", with->data, "the body; @FILE, @-: from there")
    ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  http->add_option("-T,--upload-file", with->upload,
                   "stream this file as the body; -: standard input");
  http->add_option("-o,--output", with->output,
                   "write the answer's body to this file");
  http->add_flag("-i,--include", with->include, "print the answer's head too");
  http->add_flag("-f,--fail", with->fail, "exit 1 and more on HTTP errors");
  http->add_flag("-k,--insecure", with->insecure,
                 "do not check the server's certificate");
}

} // namespace cheops::cli
