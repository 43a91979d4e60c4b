// Commands on the connection itself: COMPRESS (RFC 4978), LANGUAGE (RFC 5255), UNAUTHENTICATE (RFC 8437).
#include "maild/imap/notify_job.hpp"

#include "common/base/text.hpp"
#include "common/net/deflate_stream.hpp"
#include "maild/imap/proto/response.hpp"

#include <array>

namespace mail::imap {

namespace {

// What texts are written in: English, which is also what "i-default" means (RFC 2277 §4.5).
constexpr std::array<std::string_view, 2> languages = {"en", "i-default"};

// RFC 4647 §3.4: a range is shortened from its end until a language is found. Empty: none.
std::string_view look_up_language(std::string_view range) {
    if (range == "*")
        return languages.front();
    if (text::iequals(range, "default")) // RFC 5255 §3.2
        return languages.back();
    while (!range.empty()) {
        for (const auto language : languages)
            if (text::iequals(range, language))
                return language;
        const auto dash = range.rfind('-');
        range = dash == std::string_view::npos ? std::string_view() : range.substr(0, dash);
    }
    return {};
}

} // namespace

Task<Reply> Session::cmd_compress(const Command& command) {
    if (std::get<WordsArguments>(command.body).words.front() != "DEFLATE")
        co_return Reply::no("only DEFLATE is known");
    if (compressed_)
        co_return Reply::no("the connection is compressed already", "COMPRESSIONACTIVE");
    // RFC 4978 §3: the client waits for the answer; whether bytes that came before it are compressed, nobody could tell.
    if (!reader_.buffered().empty()) {
        bye("", "nothing may be sent between COMPRESS and its answer");
        co_return Reply::none();
    }
    append_status(out_, command.tag, "OK", "", "compression begins");
    co_await flush();
    if (auto packed = net::make_deflate_stream(stream_)) {
        stream_ = std::move(packed);
        reader_.attach(*stream_);
        compressed_ = true;
    } else {
        broken_ = true; // promised, and no memory for it
        state_ = State::ended;
    }
    co_return Reply::none();
}

Task<Reply> Session::cmd_language(const Command& command) {
    const auto& ranges = std::get<WordsArguments>(command.body).words;
    if (ranges.empty()) {
        say("* LANGUAGE (" + std::string(languages[0]) + " " + std::string(languages[1]) + ")");
        co_return Reply::ok("LANGUAGE completed");
    }
    for (const auto& range : ranges) {
        const auto language = look_up_language(range);
        if (language.empty())
            continue;
        say("* LANGUAGE (" + std::string(language) + ")");
        co_return Reply::ok("LANGUAGE completed");
    }
    co_return Reply::no("none of these languages is spoken here"); // RFC 5255 §3.2: the language stays as it was
}

// RFC 8437 §3: everything but TLS and compression is as after the greeting.
Task<Reply> Session::cmd_unauthenticate(const Command&) {
    unselect();
    watch_.reset();
    notify_.reset();
    doorbell_->revoked = false;
    mailbox_.reset();
    rev2_ = utf8_accept_ = condstore_ = qresync_ = uid_only_ = false;
    state_ = State::greeted;
    framer_.set_limits(FramerLimits::before_sign_in());
    co_return Reply::ok("sign in again", "CAPABILITY " + capabilities());
}

} // namespace mail::imap
