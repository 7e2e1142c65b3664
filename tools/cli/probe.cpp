#include "tools/cli/probe.hpp"

#include "cheops/percent.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <memory>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cheops::cli {

using std::chrono::milliseconds;
using std::chrono::system_clock;

namespace {

template <auto Free>
struct freer {
  template <class T>
  void operator()(T* x) const noexcept {
    Free(x);
  }
};

using addresses = std::unique_ptr<addrinfo, freer<freeaddrinfo>>;

class socket_fd {
public:
  explicit socket_fd(int fd) : fd_(fd) {}
  ~socket_fd() {
    if (fd_ >= 0)
      close(fd_);
  }
  socket_fd(const socket_fd&) = delete;
  socket_fd& operator=(const socket_fd&) = delete;
  [[nodiscard]] int get() const { return fd_; }

private:
  int fd_;
};

addresses resolve(const mesh::address& x, bool to_listen) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (to_listen ? AI_PASSIVE : 0);
  addrinfo* found = nullptr;
  auto port = std::to_string(x.port);
  if (getaddrinfo(x.host.c_str(), port.c_str(), &hints, &found) != 0)
    return nullptr;
  return addresses{found};
}

/// 0, or an errno: ETIMEDOUT where nothing happened in time.
int connect_in(const addrinfo& to, milliseconds timeout) {
  socket_fd s{socket(to.ai_family,
                     to.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                     to.ai_protocol)};
  if (s.get() < 0)
    return errno;
  if (connect(s.get(), to.ai_addr, to.ai_addrlen) == 0)
    return 0;
  if (errno != EINPROGRESS)
    return errno;
  pollfd waiting{s.get(), POLLOUT, 0};
  if (poll(&waiting, 1, static_cast<int>(timeout.count())) <= 0)
    return ETIMEDOUT;
  int failure = 0;
  socklen_t size = sizeof failure;
  getsockopt(s.get(), SOL_SOCKET, SO_ERROR, &failure, &size);
  return failure;
}

using bio = std::unique_ptr<BIO, freer<BIO_free_all>>;
using x509 = std::unique_ptr<X509, freer<X509_free>>;
using private_key = std::unique_ptr<EVP_PKEY, freer<EVP_PKEY_free>>;
using store = std::unique_ptr<X509_STORE, freer<X509_STORE_free>>;
using store_context =
  std::unique_ptr<X509_STORE_CTX, freer<X509_STORE_CTX_free>>;

void free_names(GENERAL_NAMES* x) {
  GENERAL_NAMES_free(x);
}
using general_names = std::unique_ptr<GENERAL_NAMES, freer<free_names>>;

error unusable(const std::string& file, const char* what) {
  ERR_clear_error();
  return {errc::bad_config, file + " holds no " + what + " in PEM", "",
          "read certificate", "make one: cheops ca issue SITE"};
}

result<bio> open_file(const std::string& file) {
  errno = 0;
  bio in{BIO_new_file(file.c_str(), "r")};
  if (in)
    return in;
  auto why = errno;
  ERR_clear_error();
  return error{errc::bad_config,
               file + " cannot be read: "
                 + (why != 0 ? std::strerror(why) : "no reason is known"),
               "", "read certificate",
               "correct the path, or its owner and mode"};
}

system_clock::time_point to_time(const ASN1_TIME* x) {
  std::tm parts{};
  ASN1_TIME_to_tm(x, &parts);
  return system_clock::from_time_t(timegm(&parts));
}

std::string site_of(X509* certificate) {
  constexpr std::string_view prefix = "urn:cheops:site:";
  general_names names{static_cast<GENERAL_NAMES*>(
    X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_URI)
      continue;
    const auto* uri = name->d.uniformResourceIdentifier;
    std::string_view text{
      reinterpret_cast<const char*>(ASN1_STRING_get0_data(uri)),
      static_cast<std::size_t>(ASN1_STRING_length(uri))};
    if (!text.starts_with(prefix))
      continue;
    if (auto out = percent_decoded(text.substr(prefix.size())))
      return *out;
  }
  return {};
}

/// Whether the CA file vouches for it, now apart: time has lines of its own.
bool vouches(const std::string& ca, X509* certificate, const x509& between) {
  store trusted{X509_STORE_new()};
  if (X509_STORE_load_file(trusted.get(), ca.c_str()) != 1)
    return false;
  X509_STORE_set_flags(trusted.get(), X509_V_FLAG_NO_CHECK_TIME);
  store_context context{X509_STORE_CTX_new()};
  STACK_OF(X509)* chain = sk_X509_new_null();
  if (between)
    sk_X509_push(chain, between.get());
  X509_STORE_CTX_init(context.get(), trusted.get(), certificate, chain);
  auto good = X509_verify_cert(context.get()) == 1;
  sk_X509_free(chain);
  return good;
}

bool is_private(const std::string& file) {
  struct stat facts {};
  return stat(file.c_str(), &facts) != 0 || (facts.st_mode & 077) == 0;
}

} // namespace

port_state probe_port(const mesh::address& at) {
  auto found = resolve(at, true);
  if (!found)
    return port_state::bad_host;
  socket_fd s{socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0)};
  // As a server does: what merely lingers (TIME_WAIT) is in nobody's way.
  int on = 1;
  setsockopt(s.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(s.get(), found->ai_addr, found->ai_addrlen) == 0
      && listen(s.get(), 1) == 0)
    return port_state::free;
  switch (errno) {
  case EACCES:
    return port_state::denied;
  case EADDRNOTAVAIL:
    return port_state::not_ours;
  default:
    return port_state::taken;
  }
}

result<std::chrono::microseconds> probe_connect(const mesh::address& to,
                                                milliseconds timeout) {
  auto name = mesh::to_string(to);
  auto found = resolve(to, false);
  if (!found)
    return error{errc::unreachable, to.host + " does not resolve", "",
                 "connect", ""};
  auto begin = std::chrono::steady_clock::now();
  auto failure = connect_in(*found, timeout);
  auto took = std::chrono::steady_clock::now() - begin;
  if (failure == ETIMEDOUT)
    return error{errc::timed_out, name + " does not answer", "", "connect", ""};
  if (failure != 0)
    return error{errc::unreachable, name + ": " + std::strerror(failure), "",
                 "connect", ""};
  return std::chrono::duration_cast<std::chrono::microseconds>(took);
}

result<certificate_facts> probe_certificate(const site::tls_files& files) {
  auto in = open_file(files.certificate);
  if (!in)
    return in.error();
  x509 leaf{PEM_read_bio_X509(in->get(), nullptr, nullptr, nullptr)};
  if (!leaf)
    return unusable(files.certificate, "certificate");
  x509 between{PEM_read_bio_X509(in->get(), nullptr, nullptr, nullptr)};
  certificate_facts out;
  out.not_before = to_time(X509_get0_notBefore(leaf.get()));
  out.not_after = to_time(X509_get0_notAfter(leaf.get()));
  out.site = site_of(leaf.get());
  auto key_file = open_file(files.key);
  if (!key_file)
    return key_file.error();
  private_key key{
    PEM_read_bio_PrivateKey(key_file->get(), nullptr, nullptr, nullptr)};
  if (!key)
    return unusable(files.key, "private key");
  out.key_fits = X509_check_private_key(leaf.get(), key.get()) == 1;
  out.key_private = is_private(files.key);
  if (!files.ca.empty())
    out.signed_by_ca = vouches(files.ca, leaf.get(), between);
  ERR_clear_error();
  return out;
}

} // namespace cheops::cli
