#include "common/net/http_parser.hpp"

#include <array>
#include <variant>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>

namespace mail::net {
namespace http = boost::beast::http;
namespace asio = boost::asio;

struct HttpParser::State {
    std::variant<std::monostate, http::request_parser<http::buffer_body>, http::response_parser<http::buffer_body>> parser;
    bool at_chunk_head = false; ///< the last call could not go on for want of a whole chunk head
    template <class Visit> decltype(auto) visit(Visit&& use) {
        if (auto* request = std::get_if<1>(&parser))
            return use(*request);
        return use(std::get<2>(parser));
    }
};

HttpParser::HttpParser(Kind kind) : state_(std::make_unique<State>()) {
    if (kind == Kind::request)
        state_->parser.emplace<1>();
    else
        state_->parser.emplace<2>();
    state_->visit([](auto& parser) {
        parser.header_limit(1U << 20U);   // the caller's own limit is lower
        parser.body_limit(boost::none); // until limit_body
        parser.eager(true);
    });
}
HttpParser::~HttpParser() = default;

void HttpParser::expect_no_body() {
    state_->visit([](auto& parser) { parser.skip(true); });
}

bool HttpParser::put_head(std::string_view head) {
    return state_->visit([head](auto& parser) {
        boost::system::error_code error;
        parser.eager(false);
        const std::size_t used = parser.put(asio::buffer(head.data(), head.size()), error);
        parser.eager(true);
        return !error && used == head.size() && parser.is_header_done();
    });
}

std::string HttpParser::method() const { return std::string(std::get<1>(state_->parser).get().method_string()); }
std::string HttpParser::target() const { return std::string(std::get<1>(state_->parser).get().target()); }
int HttpParser::status() const { return static_cast<int>(std::get<2>(state_->parser).get().result_int()); }
bool HttpParser::keep_alive() const {
    return state_->visit([](auto& parser) { return parser.keep_alive(); });
}
bool HttpParser::is_http_1_0() const {
    return state_->visit([](auto& parser) { return parser.get().version() == 10; });
}

void HttpParser::each_field(const std::function<void(std::string_view, std::string_view)>& visit) const {
    state_->visit([&visit](auto& parser) {
        for (const auto& field : parser.get()) {
            const auto name = field.name_string();
            const auto value = field.value();
            visit(std::string_view(name.data(), name.size()), std::string_view(value.data(), value.size()));
        }
    });
}

bool HttpParser::done() const {
    return state_->visit([](auto& parser) { return parser.is_done(); });
}

void HttpParser::limit_body(std::uint64_t bytes) {
    state_->visit([bytes](auto& parser) { parser.body_limit(bytes); });
}

HttpParser::Step HttpParser::put_body(std::string_view in, std::size_t& consumed, std::string& out) {
    consumed = 0;
    return state_->visit([&](auto& parser) {
        if (parser.is_done())
            return Step::done;
        // Beast 1.81 asserts that a last chunk it looks at again has all of "0", CR LF, CR LF: "0\r\n" and one byte more
        // would end the process. No body ends in fewer bytes than these five.
        if (state_->at_chunk_head && parser.chunked() && in.size() < 5)
            return Step::more;
        std::array<char, 16384> room;
        auto& body = parser.get().body();
        body.data = room.data();
        body.size = room.size();
        body.more = true;
        boost::system::error_code error;
        consumed = parser.put(asio::buffer(in.data(), in.size()), error);
        out.append(room.data(), room.size() - body.size);
        body.data = nullptr;
        body.size = 0;
        state_->at_chunk_head = consumed == 0;
        if (error == http::error::body_limit)
            return Step::too_large;
        if (error && error != http::error::need_more && error != http::error::need_buffer)
            return Step::broken;
        return parser.is_done() ? Step::done : Step::more;
    });
}

bool HttpParser::put_end() {
    return state_->visit([](auto& parser) {
        boost::system::error_code error;
        parser.put_eof(error);
        return !error && parser.is_done();
    });
}

std::string_view reason_phrase(int status) {
    const auto text = http::obsolete_reason(static_cast<http::status>(status));
    return {text.data(), text.size()};
}

} // namespace mail::net
