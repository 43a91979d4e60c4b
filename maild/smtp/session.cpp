#include "maild/smtp/session.hpp"

#include "common/async/signal.hpp"
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/net/patience.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/smtp/intake.hpp"

#include <algorithm>

namespace mail::smtp {
namespace {

/// RFC 5321 §3.8: the service is closing, or the mailbox may no longer be used.
Reply closing_reply() { return Reply(421, "4.3.2", "Service closing, try again later"); }

} // namespace

Session::Session(Services services, Profile profile, net::Stream& stream, std::string id)
    : services_(services), profile_(std::move(profile)), stream_(stream), reader_(stream), id_(std::move(id)) {
    standing_.may_xclient = schema::contains(profile_.xclient_from, stream_.peer().address);
    meet_peer();
    story_.connected(profile_, stream_, services_.delivery.clock().now());
}
Session::~Session() = default;

void Session::sign_in_as(service::MailboxPtr mailbox) {
    mailbox_ = std::move(mailbox);
    story_.signed_in(mailbox_->address, services_.delivery.clock().now());
}

/// Every command: where it is allowed and who does it. RFC 5321 §4.1.4 is this table.
const Session::Row& Session::row_of(Verb verb) noexcept {
    static constexpr std::string_view hello_first = "Say EHLO first";
    static constexpr Row rows[] = {
        {Verb::ehlo, anywhere, &Session::cmd_hello, ""},
        {Verb::helo, anywhere, &Session::cmd_hello, ""},
        {Verb::lhlo, anywhere, &Session::cmd_hello, ""},
        {Verb::mail, greeted, &Session::cmd_mail, "A transaction has begun already"},
        {Verb::rcpt, sender | recipients, &Session::cmd_rcpt, "MAIL comes first"},
        {Verb::data, recipients, &Session::cmd_data, "MAIL and an accepted RCPT come first"},
        // Anywhere, because the chunk that follows must be swallowed even when it is refused (RFC 3030 §2).
        {Verb::bdat, anywhere, &Session::cmd_bdat, ""},
        {Verb::rset, anywhere, &Session::cmd_plain, ""},
        {Verb::noop, anywhere, &Session::cmd_plain, ""},
        {Verb::quit, anywhere, &Session::cmd_plain, ""},
        {Verb::starttls, greeted | sender | recipients, &Session::cmd_starttls, hello_first},
        {Verb::auth, greeted, &Session::cmd_auth, "Not during a transaction"}, // RFC 4954 §4
        {Verb::vrfy, anywhere, &Session::cmd_plain, ""},
        {Verb::expn, anywhere, &Session::cmd_disabled, ""},
        {Verb::help, anywhere, &Session::cmd_plain, ""},
        {Verb::etrn, greeted, &Session::cmd_etrn, "Not during a transaction"}, // RFC 1985 §5.1
        {Verb::xclient, connected | greeted, &Session::cmd_xclient, "Not during a transaction"},
        {Verb::foreign, anywhere, &Session::cmd_foreign, ""},
    };
    static_assert(std::size(rows) == verb_count);
    return rows[static_cast<std::size_t>(verb)];
}

Task<void> Session::run() {
    config_ = services_.config.current();
    const bool greeted_well = co_await greet();
    if (!greeted_well)
        closing_ = true;
    std::string line;
    while (!closing_) {
        const auto status = co_await next_line(line, false);
        if (closing_)
            break;
        if (status != LineFramer::Status::line) {
            co_await answer_bad_line(status);
            continue;
        }
        if (must_end()) {
            close_with(closing_reply());
            break;
        }
        auto parsed = parse_command(line);
        if (auto* refusal = std::get_if<Reply>(&parsed))
            co_await refuse(std::move(*refusal));
        else
            co_await dispatch(std::get<Command>(std::move(parsed)));
    }
    co_await say_goodbye();
}

Reply Session::greeting() const {
    return Reply(220, "", config_->server.hostname + (profile_.is_lmtp() ? " LMTP ready" : " ESMTP ready"));
}

Task<bool> Session::greet() {
    if (profile_.banner_delay > Duration::zero()) {
        const net::Interruptible waiting(stream_);
        stream_.set_timeout(profile_.banner_delay);
        const auto early = co_await reader_.fill(512);
        if (early && *early) {
            // RFC 5321 §4.3.1: who does not wait for the greeting is hardly a mail server.
            log(Event::smtp_bad_command, {{"sid", id_}, {"peer", stream_.peer().address}, {"reason", "spoke before the greeting"}});
            close_with(Reply(554, "5.5.1", "You spoke before the greeting"));
            co_return false;
        }
        if (early || early.error().code != ErrorCode::timeout) {
            if (must_end())
                close_with(closing_reply());
            co_return false;
        }
    }
    // RFC 5321 §4.3.1. Whoever talks before this line is answered in order, after it.
    say(greeting());
    co_return true;
}

Task<void> Session::dispatch(Command command) {
    config_ = services_.config.current();
    const Row& row = row_of(verb_of(command));
    if ((row.states & state_) == 0) {
        const std::string_view why = state_ == connected ? std::string_view("Say hello first") : row.otherwise;
        co_await refuse(503, "5.5.1", why);
        co_return;
    }
    co_await (this->*row.handler)(std::move(command));
}

Task<LineFramer::Status> Session::next_line(std::string& line, bool sasl) {
    for (;;) {
        // RFC 4954 §4: AUTH lines may be longer than others.
        const std::string_view buffered = reader_.buffered();
        const bool is_long = sasl || (offers_auth() && text::istarts_with(buffered, "AUTH "));
        const auto max = static_cast<std::size_t>(is_long ? limit::smtp_auth_line : limit::smtp_command_line);
        const auto frame = framer_.next(buffered, max, std::size_t{limit::smtp_discard});
        if (frame.status == LineFramer::Status::line)
            line.assign(frame.line);
        reader_.consume(frame.consumed);
        if (frame.status != LineFramer::Status::need_more)
            co_return frame.status;
        const net::Interruptible waiting(stream_, state_ != chunking);
        const Duration patience = state_ == connected ? profile_.limits.hello : profile_.limits.command;
        const bool more = co_await fill(patience);
        if (more)
            continue;
        if (must_end() && !broken_)
            close_with(closing_reply());
        co_return LineFramer::Status::need_more;
    }
}

Task<void> Session::answer_bad_line(LineFramer::Status status) {
    switch (status) {
    case LineFramer::Status::too_long:
        co_await refuse(500, "5.5.2", "Line too long");
        co_return;
    case LineFramer::Status::bare_lf:
        log(Event::smtp_bad_command, {{"sid", id_}, {"reason", "bare LF"}});
        close_with(Reply(500, "5.5.2", "Only CR LF ends a line"));
        co_return;
    default:
        log(Event::limit_hit, {{"sid", id_}, {"limit", "smtp_discard"}, {"peer", stream_.peer().address}});
        close_with(Reply(500, "5.5.2", "Line much too long"));
    }
}

Task<bool> Session::fill(Duration patience) {
    stream_.set_timeout(patience);
    co_await flush();
    if (broken_) {
        closing_ = true;
        co_return false;
    }
    reader_.release();
    const auto more = co_await net::fill_within(stream_, reader_, patience, profile_.is_overloaded, 65536);
    if (!more && more.error().code == ErrorCode::timeout)
        say(Reply(421, "4.4.2", "Nothing came in time")); // RFC 5321 §4.5.3.2.7
    if (more && *more)
        co_return true;
    closing_ = true;
    co_return false;
}

Task<void> Session::flush() {
    if (out_.empty() || broken_)
        co_return;
    const auto written = co_await stream_.write(out_);
    out_.clear();
    broken_ = !written;
}

void Session::say(const Reply& reply) { append(out_, reply); }

Task<void> Session::refuse(Reply reply) {
    ++errors_;
    log(Event::smtp_bad_command, {{"sid", id_}, {"reply", reply.text()}});
    const bool overloaded = profile_.overloaded();
    const unsigned most = overloaded ? unsigned{limit::overload_errors} : profile_.limits.errors;
    if (errors_ >= most) {
        log(Event::limit_hit, {{"sid", id_}, {"limit", overloaded ? "overload_errors" : "smtp_errors_hard"}, {"peer", stream_.peer().address}});
        say(reply);
        close_with(Reply(421, "4.7.0", "Too many errors"));
        co_return;
    }
    if (errors_ > limit::smtp_errors_soft) {
        co_await flush();
        co_await async::sleep_for(profile_.error_delay);
    }
    say(reply);
}

void Session::close_with(const Reply& reply) {
    say(reply);
    closing_ = true;
    lingering_ = true;
}

Task<void> Session::say_goodbye() {
    constexpr auto patience = std::chrono::seconds(5);
    reset(); // a message without its end is dropped at once, not after the last words
    stream_.set_timeout(patience);
    co_await flush();
    if (!broken_)
        co_await stream_.shutdown();
    // Closing a socket with unread input makes TCP reset it, and our last words would be lost with it.
    stream_.set_timeout(std::chrono::seconds(2));
    for (int reads = 0; lingering_ && !broken_ && reads < 64; ++reads) {
        reader_.consume(reader_.buffered().size());
        const auto more = co_await reader_.fill(65536);
        if (!more || !*more)
            break;
    }
    stream_.close();
}

void Session::forget() {
    state_ = connected;
    reset();
    framer_ = LineFramer();
    helo_.clear();
    extended_ = false;
    mailbox_.reset();
    watch_.reset();
    meet_peer();
}

void Session::reset() {
    const Time now = services_.delivery.clock().now();
    if (auto refused = story_.end(now); refused && services_.delivery.stories() != nullptr)
        services_.delivery.stories()->refused(std::move(*refused), stream_.peer().address);
    transaction_ = Transaction();
    told_of_limit_ = false;
    chunks_.reset();
    chunk_endings_ = LineEndings();
    if (state_ != connected)
        state_ = greeted;
}

} // namespace mail::smtp
