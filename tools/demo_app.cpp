#include "cheops/mesh/view.hpp"
#include "tools/demo_app/services.hpp"

#include <CLI/CLI.hpp>

#include <atomic>
#include <csignal>
#include <iostream>

// The demo application: `cheops-demo-app --help`.

namespace {

std::unique_ptr<demo::server> serve(const std::string& at,
                                    std::vector<demo::route> routes,
                                    const char* what) {
  auto address = cheops::mesh::to_address(at);
  std::string why = '"' + at + "\" is not host:port";
  demo::server_settings with;
  with.routes = std::move(routes);
  std::unique_ptr<demo::server> out;
  if (address) {
    with.host = address->host;
    with.port = address->port;
    out = demo::server::start(std::move(with), why);
  }
  if (!out)
    std::cerr << "cheops-demo-app: " << what << " cannot listen: " << why
              << '\n';
  return out;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App options{"ServiceA and ServiceB: foos, each of which requires a bar"};
  demo::settings with;
  std::string at_a = "127.0.0.1:9101";
  std::string at_b = "127.0.0.1:9102";
  std::string journal_file;
  std::string data_file;
  bool any_names = false;
  options.add_option("--name", with.name, "Shown in answers and the journal");
  options.add_option("--service-a", at_a, "Where ServiceA listens");
  options.add_option("--service-b", at_b, "Where ServiceB listens");
  options.add_option("--service-b-url", with.service_b_url,
                     "Where ServiceA calls ServiceB (default: --service-b)");
  options.add_option("--journal", journal_file,
                     "Append a JSON line for each call received");
  options.add_flag("--no-unique-names", any_names,
                   "Allow two resources of one name");
  options.add_option("--data", data_file,
                     "Keep resources in this file, over restarts");
  options.add_option("--lose-answers", with.lose_every,
                     "Of so many changes that are done, one is not answered");
  CLI11_PARSE(options, argc, argv);
  with.unique_names = !any_names;
  if (with.service_b_url.empty())
    with.service_b_url = "http://" + at_b;

  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  demo::journal log(with.name, journal_file);
  if (!log.good()) {
    std::cerr << "cheops-demo-app: cannot write " << journal_file << '\n';
    return 1;
  }
  demo::ledger book(data_file);
  if (!book.good()) {
    std::cerr << "cheops-demo-app: cannot write " << data_file << '\n';
    return 1;
  }
  with.die = [] { std::_Exit(3); };
  demo::instance self(with, log, book);
  auto a = serve(at_a, demo::service_a(self), "ServiceA");
  auto b = serve(at_b, demo::service_b(self), "ServiceB");
  if (!a || !b)
    return 1;
  std::cout << with.name << ": ServiceA at port " << a->port()
            << ", ServiceB at port " << b->port() << std::endl;
  int number = 0;
  sigwait(&ends, &number);
  // Every line of the journal and every deed is written as it comes, so calls
  // that still wait for ServiceB need not be waited for.
  std::_Exit(0);
}
