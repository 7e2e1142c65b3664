#include "http/vault.hpp"

#include "cheops/ensure.hpp"
#include "cheops/percent.hpp"
#include "http/file.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

namespace cheops::http {

namespace {

using replicant::meta_id;
using replicant::operation_id;

constexpr char format_version = 1;
constexpr std::size_t id_bytes = 4;
constexpr std::size_t nonce_bytes = 12; ///< GCM's own size.
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t head_bytes = 1 + id_bytes + nonce_bytes;
constexpr std::string_view salt = "cheops replicants 1";

/// Key material: wiped when it goes.
struct secret {
  std::array<unsigned char, vault_key_bytes> bytes{};
  secret() = default;
  secret(const secret&) = default;
  secret& operator=(const secret&) = default;
  ~secret() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

const unsigned char* octets(std::string_view x) {
  return reinterpret_cast<const unsigned char*>(x.data());
}

unsigned char* octets(std::string& x) {
  return reinterpret_cast<unsigned char*>(x.data());
}

template <class Number>
void append(std::string& to, Number x) {
  for (int shift = sizeof(Number) * 8 - 8; shift >= 0; shift -= 8)
    to.push_back(static_cast<char>(x >> shift & 0xff));
}

std::string bytes_of(const meta_id& x) {
  std::string out;
  append(out, x.high);
  append(out, x.low);
  append(out, x.generation);
  return out;
}

std::string bytes_of(const operation_id& x) {
  std::string out;
  append(out, x.origin);
  append(out, x.session);
  append(out, x.sequence);
  return out;
}

std::string hmac(const secret& key, std::string_view a, std::string_view b) {
  std::string text;
  text.reserve(a.size() + b.size());
  text.append(a).append(b);
  std::string out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  ensure(HMAC(EVP_sha256(), key.bytes.data(),
              static_cast<int>(key.bytes.size()), octets(text), text.size(),
              octets(out), &size)
           != nullptr,
         "HMAC-SHA-256 is not to be had");
  out.resize(size);
  return out;
}

/// HKDF (RFC 5869): what is shared becomes one key for each use and group.
secret derived(const secret& from, std::string_view use,
               std::string_view group) {
  auto info = std::string{use}.append(group);
  secret out;
  auto size = out.bytes.size();
  struct context {
    EVP_PKEY_CTX* at = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr);
    context() = default;
    context(const context&) = delete;
    context& operator=(const context&) = delete;
    ~context() { EVP_PKEY_CTX_free(at); }
  } c;
  auto good = c.at != nullptr && EVP_PKEY_derive_init(c.at) > 0
              && EVP_PKEY_CTX_set_hkdf_md(c.at, EVP_sha256()) > 0
              && EVP_PKEY_CTX_set1_hkdf_salt(c.at, octets(salt),
                                             static_cast<int>(salt.size()))
                   > 0
              && EVP_PKEY_CTX_set1_hkdf_key(c.at, from.bytes.data(),
                                            static_cast<int>(from.bytes.size()))
                   > 0
              && EVP_PKEY_CTX_add1_hkdf_info(c.at, octets(info),
                                             static_cast<int>(info.size()))
                   > 0
              && EVP_PKEY_derive(c.at, out.bytes.data(), &size) > 0;
  ensure(good && size == out.bytes.size(), "HKDF is not to be had");
  return out;
}

/// AES-256-GCM over one text, both ways.
class cipher {
public:
  cipher() : at_(EVP_CIPHER_CTX_new()) {
    ensure(at_ != nullptr, "no memory for a cipher");
  }
  cipher(const cipher&) = delete;
  cipher& operator=(const cipher&) = delete;
  ~cipher() { EVP_CIPHER_CTX_free(at_); }

  /// Appends the encrypted text and its tag.
  void seal(const secret& key, std::string_view nonce, std::string_view about,
            std::string_view text, std::string& to) {
    auto start = to.size();
    to.resize(start + text.size() + tag_bytes);
    auto* out = octets(to) + start;
    int n = 0;
    auto good =
      EVP_EncryptInit_ex(at_, EVP_aes_256_gcm(), nullptr, key.bytes.data(),
                         octets(nonce))
        > 0
      && EVP_EncryptUpdate(at_, nullptr, &n, octets(about), size(about)) > 0
      && EVP_EncryptUpdate(at_, out, &n, octets(text), size(text)) > 0
      && EVP_EncryptFinal_ex(at_, out + text.size(), &n) > 0
      && EVP_CIPHER_CTX_ctrl(at_, EVP_CTRL_GCM_GET_TAG, tag_bytes,
                             out + text.size())
           > 0;
    ensure(good, "AES-256-GCM is not to be had");
  }

  std::optional<std::string> open(const secret& key, std::string_view nonce,
                                  std::string_view about,
                                  std::string_view sealed) {
    auto text = sealed.substr(0, sealed.size() - tag_bytes);
    std::string tag{sealed.substr(text.size())};
    std::string out(text.size(), '\0');
    int n = 0;
    auto good =
      EVP_DecryptInit_ex(at_, EVP_aes_256_gcm(), nullptr, key.bytes.data(),
                         octets(nonce))
        > 0
      && EVP_DecryptUpdate(at_, nullptr, &n, octets(about), size(about)) > 0
      && EVP_DecryptUpdate(at_, octets(out), &n, octets(text), size(text)) > 0
      && EVP_CIPHER_CTX_ctrl(at_, EVP_CTRL_GCM_SET_TAG, tag_bytes, octets(tag))
           > 0
      && EVP_DecryptFinal_ex(at_, octets(out) + out.size(), &n) > 0;
    return good ? std::optional{std::move(out)} : std::nullopt;
  }

private:
  static int size(std::string_view x) { return static_cast<int>(x.size()); }
  EVP_CIPHER_CTX* at_;
};

class vault : public ports::vault {
public:
  explicit vault(std::vector<secret> keys) : keys_(std::move(keys)) {}

  [[nodiscard]] std::string seal(const meta_id& meta, const operation_id& id,
                                 std::string_view content) const override {
    const auto& key = keys_.front();
    auto group = bytes_of(meta);
    auto operation = bytes_of(id);
    std::string out(1, format_version);
    out += name_of(key, group);
    out += hmac(derived(key, "nonce", group), operation, content)
             .substr(0, nonce_bytes);
    auto nonce = out.substr(1 + id_bytes);
    auto about = group + operation;
    cipher{}.seal(derived(key, "seal", group), nonce, about, content, out);
    return out;
  }

  [[nodiscard]] std::optional<std::string>
  open(const meta_id& meta, const operation_id& id,
       std::string_view sealed) const override {
    if (sealed.size() < head_bytes + tag_bytes || sealed[0] != format_version)
      return std::nullopt;
    auto group = bytes_of(meta);
    auto about = group + bytes_of(id);
    auto name = sealed.substr(1, id_bytes);
    for (const auto& key : keys_) {
      if (name_of(key, group) != name)
        continue;
      auto out = cipher{}.open(derived(key, "seal", group),
                               sealed.substr(1 + id_bytes, nonce_bytes), about,
                               sealed.substr(head_bytes));
      if (out)
        return out;
    }
    return std::nullopt;
  }

private:
  /// Tells keys apart; another one in each group, so that a witness does not
  /// see which groups share a key.
  static std::string name_of(const secret& key, std::string_view group) {
    auto x = derived(key, "name", group);
    return {reinterpret_cast<const char*>(x.bytes.data()), id_bytes};
  }

  std::vector<secret> keys_; ///< The first seals.
};

error bad_file(const std::string& where, std::string what, std::string hint) {
  return {errc::bad_config,
          where + ": " + std::move(what),
          {},
          "read the keys of replicants",
          std::move(hint)};
}

std::optional<secret> key_in(std::string_view line) {
  secret out;
  if (line.size() != 2 * out.bytes.size())
    return std::nullopt;
  for (std::size_t i = 0; i < out.bytes.size(); ++i) {
    auto high = hex_digit(line[2 * i]);
    auto low = hex_digit(line[2 * i + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    out.bytes[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return out;
}

std::string_view trimmed(std::string_view x) {
  constexpr auto blank = " \t\r";
  auto from = x.find_first_not_of(blank);
  if (from == std::string_view::npos)
    return {};
  return x.substr(from, x.find_last_not_of(blank) + 1 - from);
}

constexpr auto make_one =
  "make one with `cheops key generate`, and copy it to each site that has "
  "copies";

result<std::vector<secret>> keys_in(std::string_view text,
                                    const std::string& file) {
  std::vector<secret> out;
  for (unsigned number = 1; !text.empty(); ++number) {
    auto end = std::min(text.find('\n'), text.size());
    auto line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#')
      continue;
    auto where = file + ":" + std::to_string(number);
    auto key = key_in(line);
    if (!key)
      return bad_file(where,
                      "a key is 64 hexadecimal digits, and this line has "
                        + std::to_string(line.size()) + " characters",
                      make_one);
    if (out.size() == vault_keys_max)
      return bad_file(where,
                      "more than " + std::to_string(vault_keys_max) + " keys",
                      "remove those that seal nothing any more");
    out.push_back(*key);
  }
  if (out.empty())
    return bad_file(file, "there is no key in it", make_one);
  return out;
}

} // namespace

result<std::shared_ptr<const ports::vault>>
open_vault(const std::string& file) {
  auto text = read_secret(file);
  if (!text)
    return text.error();
  auto keys = keys_in(*text, file);
  OPENSSL_cleanse(text->data(), text->size());
  if (!keys)
    return keys.error();
  return std::shared_ptr<const ports::vault>{
    std::make_shared<vault>(std::move(*keys))};
}

void changing_vault::exchange(std::shared_ptr<const ports::vault> keys) {
  std::lock_guard lock{guard_};
  keys_.swap(keys);
}

std::shared_ptr<const ports::vault> changing_vault::now() const {
  std::lock_guard lock{guard_};
  return keys_;
}

std::string changing_vault::seal(const meta_id& group, const operation_id& id,
                                 std::string_view content) const {
  return now()->seal(group, id, content);
}

std::optional<std::string> changing_vault::open(const meta_id& group,
                                                const operation_id& id,
                                                std::string_view sealed) const {
  return now()->open(group, id, sealed);
}

std::string fresh_vault_file() {
  secret key;
  ensure(RAND_priv_bytes(key.bytes.data(), static_cast<int>(key.bytes.size()))
           > 0,
         "the system has no random bytes");
  std::string out = "# A key of replicants with a witness (cheops key "
                    "generate). Keep it to yourself.\n"
                    "# The first key seals, all open: docs/configuration.md.\n";
  constexpr std::string_view digits = "0123456789abcdef";
  for (auto x : key.bytes) {
    out += digits[x >> 4];
    out += digits[x & 0xf];
  }
  return out + "\n";
}

result<void> make_vault_file(const std::string& file) {
  return write_secret(file, fresh_vault_file());
}

} // namespace cheops::http
