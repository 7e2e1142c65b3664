#include "http/digest.hpp"

#include "http/loop_tags.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace cheops::http {

std::function<std::string(std::string_view)> keyed_digest() {
  return [key = loop_tags::fresh_key()](std::string_view text) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         digest, &size);
    return std::string{reinterpret_cast<const char*>(digest), size};
  };
}

} // namespace cheops::http
