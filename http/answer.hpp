#pragma once

#include "http/client.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <string>
#include <string_view>

/// Takes an answer from the wire; for client.cpp.
namespace cheops::http {

class answer_parser final : public boost::beast::http::basic_parser<false> {
public:
  enum class end : std::uint8_t { none, stopped, too_large };

  explicit answer_parser(const client_request& to);

  client_response response;
  /// Why the body was not taken any further.
  [[nodiscard]] end ended() const noexcept { return end_; }
  /// 1xx but 101: the real answer is yet to come.
  [[nodiscard]] bool interim() const noexcept {
    return response.status / 100 == 1 && response.status != 101;
  }

private:
  using text = boost::beast::string_view;
  using error_code = boost::beast::error_code;

  std::size_t take(text piece, error_code& ec);

  void on_request_impl(boost::beast::http::verb, text, text, int,
                       error_code&) override {}
  void on_response_impl(int code, text reason, int, error_code&) override;
  void on_field_impl(boost::beast::http::field, text name, text value,
                     error_code&) override;
  void on_header_impl(error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&,
                         error_code&) override {}
  std::size_t on_body_impl(text piece, error_code& ec) override {
    return take(piece, ec);
  }
  void on_chunk_header_impl(std::uint64_t, text, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, text piece,
                                 error_code& ec) override {
    return take(piece, ec);
  }
  void on_finish_impl(error_code&) override { finished_ = true; }

  const client_request& request_;
  end end_ = end::none;
  bool finished_ = false;
};

} // namespace cheops::http
