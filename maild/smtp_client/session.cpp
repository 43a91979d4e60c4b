#include "maild/smtp_client/session.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/sasl/client.hpp"

namespace mail::smtp_client {

Task<Result<std::string>> StringSource::read(std::uint64_t offset, std::uint64_t length) {
    if (offset >= bytes_->size())
        co_return std::string();
    co_return bytes_->substr(offset, length);
}

Session::Session(std::unique_ptr<net::Stream> stream, SessionOptions options)
    : stream_(std::move(stream)), reader_(*stream_), options_(std::move(options)) {}
Session::~Session() = default;

void Session::close() noexcept {
    usable_ = false;
    stream_->close();
}

void Session::note(std::string_view who, std::string_view line) {
    if (transcript_.size() + line.size() + 8 > options_.transcript_bytes)
        return;
    transcript_.append(who).append(": ").append(line).append("\n");
}

void Session::note_sent(std::string_view line) {
    while (!line.empty()) {
        const std::size_t end = line.find("\r\n");
        note("C", line.substr(0, end));
        line = end == line.npos ? std::string_view{} : line.substr(end + 2);
    }
}

/// The next whole reply out of what is buffered; nullopt: read on.
Result<std::optional<smtp::Reply>> Session::take_reply() {
    for (;;) {
        const std::string_view buffered = reader_.buffered();
        const std::size_t end = buffered.find('\n');
        if (end == buffered.npos) {
            if (buffered.size() > std::size_t{limit::reply_line})
                return fail(ErrorCode::too_large, "a line of the remote server's reply is too long");
            return std::optional<smtp::Reply>{};
        }
        // RFC 5321 §2.3.8: only CR LF ends a line. A server that breaks this may mean anything (faults O05).
        if (end == 0 || buffered[end - 1] != '\r')
            return fail(ErrorCode::invalid, "the remote server ends its lines with a bare LF");
        auto reply = parser_.feed(buffered.substr(0, end - 1));
        reader_.consume(end + 1);
        if (!reply)
            return fail(std::move(reply).error());
        if (reply->has_value()) {
            note("S", (*reply)->text());
            return std::move(reply).value();
        }
    }
}

Task<Result<smtp::Reply>> Session::read_reply(Duration timeout) {
    bool armed = false;
    for (;;) {
        auto reply = take_reply();
        if (!reply) {
            usable_ = false;
            co_return fail(std::move(reply).error());
        }
        if (reply->has_value())
            co_return std::move(**reply);
        if (!armed) {
            stream_->set_timeout(timeout); // for the whole reply: a byte a minute does not prolong it (faults O04)
            armed = true;
        }
        auto more = co_await reader_.fill();
        if (!more || !*more) {
            usable_ = false;
            if (!more)
                co_return fail(std::move(more).error());
            co_return fail(ErrorCode::closed, "the remote server closed the connection");
        }
    }
}

Task<Result<void>> Session::write(std::string_view bytes, Duration timeout) {
    stream_->set_timeout(timeout);
    auto written = co_await stream_->write(bytes);
    if (!written)
        usable_ = false;
    co_return written;
}

Task<Result<smtp::Reply>> Session::ask(std::string_view line, Duration timeout) {
    note_sent(line);
    MAIL_CO_DO(co_await write(line, timeout));
    co_return co_await read_reply(timeout);
}

Task<void> Session::quit() {
    if (usable_) {
        usable_ = false;
        const Duration timeout = options_.timeouts.quit;
        auto reply = co_await ask("QUIT\r\n", timeout);
        if (reply)
            co_await stream_->shutdown();
    }
    close();
}

} // namespace mail::smtp_client
