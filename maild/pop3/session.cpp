#include "maild/pop3/session.hpp"

#include "common/async/signal.hpp"
#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/mail/header.hpp"
#include "common/net/patience.hpp"
#include "maild/pop3/proto/message_text.hpp"
#include "maild/pop3/proto/surrogate.hpp"

#include <algorithm>

namespace mail::pop3 {
namespace {
/// A message is read and sent in pieces of this size, or whole where its parts may need surrogates; one that is read in one
/// piece is checked against its checksum.
constexpr std::uint64_t piece_bytes = 262144;

/// Puts surrogates for header sections in UTF-8 into the message's first piece, and tells by how much the message grows.
/// RFC 6856 §4: without UTF8 the client is owed RFC 5322's ASCII. LIST and STAT keep telling the size of what is stored: to
/// know better they would have to read every message. The headers of parts are made ASCII where the whole message is in
/// memory, up to limit::pop3_surrogate_bytes; of a larger one only its own header is, and what its parts say goes as it is.
std::int64_t make_ascii(std::string& piece, bool is_whole) {
    const auto before = static_cast<std::int64_t>(piece.size());
    if (is_whole) {
        if (auto surrogate = ascii_surrogate_of_message(piece))
            piece = std::move(*surrogate);
    } else {
        const std::size_t end = header_size(piece);
        if (const auto surrogate = ascii_surrogate(std::string_view(piece).substr(0, end)))
            piece.replace(0, end, *surrogate);
    }
    return static_cast<std::int64_t>(piece.size()) - before;
}
} // namespace

Session::Session(Services services, Profile profile, net::Stream& stream, std::string id)
    : services_(services), profile_(std::move(profile)), stream_(stream), reader_(stream), id_(std::move(id)) {}

bool Session::passwords_allowed() const { return stream_.tls() != nullptr || profile_.plaintext_auth; }

service::Caller Session::caller() const {
    return {service::Protocol::pop3, stream_.peer().address, id_, stream_.tls() != nullptr, stream_.channel_binding()};
}

void Session::say(std::string_view line) {
    out_ += line;
    out_ += "\r\n";
}

void Session::bad(std::string_view why) {
    log(Event::pop3_bad_command, {{"sid", id_}, {"reason", why}});
    say("-ERR " + std::string(why));
    const bool hurried = state_ == State::authorization && profile_.is_overloaded && profile_.is_overloaded();
    if (++errors_ >= (hurried ? limit::overload_errors : limit::pop3_errors))
        state_ = State::done;
}

Task<void> Session::flush() {
    if (out_.empty() || broken_)
        co_return;
    const auto written = co_await stream_.write(out_);
    out_.clear();
    if (!written) {
        broken_ = true;
        state_ = State::done;
    }
}

Task<void> Session::run() {
    stream_.set_timeout(std::chrono::seconds(limit::preauth_idle_seconds));
    say("+OK " + profile_.hostname + " POP3 ready");
    while (state_ != State::done) {
        // Answers of pipelined commands leave together (RFC 2449 §6.8).
        if (reader_.buffered().find('\n') == std::string_view::npos || out_.size() > limit::output_buffer)
            co_await flush();
        if (state_ == State::done)
            break;
        const auto line = co_await next_line(limit::pop3_line);
        if (!line || stream_.is_ending()) {
            if (stream_.is_ending())
                say("-ERR [SYS/TEMP] the session is ended by the server, try again later");
            else if (line.error().code == ErrorCode::too_large)
                say("-ERR the command line is too long");
            else if (line.error().code == ErrorCode::timeout)
                say("-ERR [SYS/TEMP] no command came in time");
            break;
        }
        const auto idle = state_ == State::transaction ? limit::pop3_idle_seconds : limit::preauth_idle_seconds;
        stream_.set_timeout(std::chrono::seconds(idle));
        auto command = parse_command(*line);
        if (command)
            co_await handle(std::move(*command));
        else
            bad(command.error().message);
        reader_.release();
    }
    co_await flush();
    co_await stream_.shutdown();
}

Task<Result<std::string>> Session::next_line(std::size_t max) {
    const net::Interruptible waiting(stream_);
    if (state_ != State::authorization)
        co_return co_await reader_.line(max);
    // Before sign-in a line has its time as a whole, however many pieces it comes in, and less of it in overload.
    const SteadyTime until = system_clock().steady() + std::chrono::seconds(limit::preauth_idle_seconds);
    while (reader_.buffered().find("\r\n") == std::string_view::npos && reader_.buffered().size() <= max + 1) {
        const auto left = std::chrono::duration_cast<Duration>(until - system_clock().steady());
        MAIL_CO_TRY(const bool more, co_await net::fill_within(stream_, reader_, left, profile_.is_overloaded));
        if (!more)
            break; // line() says so
    }
    co_return co_await reader_.line(max);
}

Task<void> Session::handle(Command command) {
    if (command.verb == Verb::quit) {
        co_await quit();
    } else if (command.verb == Verb::capa) {
        capabilities();
    } else if (command.verb == Verb::lang) {
        // RFC 6856 §3.2: one language; the list names it.
        if (command.text.empty())
            say("+OK Language listing follows:\r\nen English\r\n.");
        else if (text::iequals(command.text, "en") || command.text == "*")
            say("+OK en");
        else
            say("-ERR no such language");
    } else if (state_ == State::authorization) {
        co_await before_sign_in(std::move(command));
    } else {
        co_await after_sign_in(std::move(command));
    }
}

std::vector<std::string_view> Session::mechanisms() const {
    if (!passwords_allowed() && profile_.offer_stls)
        return {};
    return services_.sign_in.mechanisms(passwords_allowed());
}

// RFC 2449 §6, RFC 2595 §4, RFC 5034 §6, RFC 6856 §§2, 3: none of these differs between the states.
void Session::capabilities() {
    say("+OK capabilities follow");
    say("TOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nEXPIRE NEVER\r\nUTF8\r\nLANG");
    if (passwords_allowed())
        say("USER");
    std::string sasl;
    for (const auto name : mechanisms())
        sasl += " " + std::string(name);
    if (!sasl.empty())
        say("SASL" + sasl);
    if (profile_.offer_stls && stream_.tls() == nullptr)
        say("STLS");
    say("IMPLEMENTATION maild\r\n.");
}

// AUTH without a mechanism lists them: older than CAPA, and some clients still begin with it.
void Session::list_mechanisms() {
    say("+OK");
    for (const auto name : mechanisms())
        say(name);
    say(".");
}

Task<void> Session::before_sign_in(Command command) {
    switch (command.verb) {
    case Verb::user:
        if (!passwords_allowed())
            co_return bad("passwords are taken inside TLS only: use STLS first");
        user_ = std::move(command.text);
        say("+OK now the password"); // the same for every name: no probing
        co_return;
    case Verb::pass:
        co_await password(std::move(command));
        co_return;
    case Verb::utf8: // RFC 6856 §2.1: in this state alone
        utf8_ = true;
        co_return say("+OK UTF-8");
    case Verb::auth:
        if (command.text.empty())
            co_return list_mechanisms();
        co_await authenticate(std::move(command));
        co_return;
    case Verb::stls:
        co_await start_tls();
        co_return;
    default:
        bad("sign in first");
    }
}

Task<void> Session::start_tls() {
    if (!profile_.offer_stls || !profile_.tls || stream_.tls() != nullptr)
        co_return bad("STLS is not available");
    // RFC 2595 §4 and CVE-2011-0411: what was sent along with STLS must not survive into the secure session.
    if (!reader_.buffered().empty()) {
        say("-ERR commands were sent together with STLS");
        state_ = State::done;
        co_return;
    }
    say("+OK begin TLS");
    co_await flush();
    const auto secured = co_await stream_.start_tls(*profile_.tls);
    if (!secured) {
        log(Event::tls_failed, {{"sid", id_}, {"peer", stream_.peer().address}, {"reason", secured.error().message}});
        broken_ = true;
        state_ = State::done;
    }
    user_.clear();
    utf8_ = false; // RFC 2595 §4: nothing that was said in clear counts
}

Task<void> Session::password(Command command) {
    if (user_.empty())
        co_return bad("USER comes first");
    Secret secret(std::move(command.text));
    std::string user = std::move(user_);
    user_.clear(); // PASS needs a USER of its own each time
    service::Caller who = caller();
    auto mailbox = co_await services_.sign_in.check(std::move(user), std::move(secret), std::move(who));
    if (mailbox)
        co_await signed_in(std::move(*mailbox));
    else
        co_await refused(std::move(mailbox.error()));
}

Task<Result<std::string>> Session::sasl_line() {
    co_await flush();
    MAIL_CO_TRY(auto line, co_await next_line(limit::smtp_auth_line));
    if (line == "*")
        co_return fail(ErrorCode::invalid, "authentication cancelled");
    auto bytes = text::unbase64(line);
    if (!bytes)
        co_return fail(ErrorCode::invalid, "that is not base64");
    co_return std::move(*bytes);
}

Task<void> Session::authenticate(Command command) {
    auto exchange = mechanisms().empty() ? nullptr : services_.sign_in.begin(command.text, caller(), passwords_allowed());
    if (!exchange)
        co_return bad("this mechanism is not available");
    std::optional<std::string> response;
    if (command.initial) {
        // RFC 5034 §4: "=" is an initial response of no bytes.
        response = *command.initial == "=" ? std::optional(std::string{}) : text::unbase64(*command.initial);
        if (!response)
            co_return bad("that is not base64");
    }
    for (;;) {
        auto outcome = co_await exchange->next(std::move(response));
        if (auto* done = std::get_if<service::SaslExchange::Signed>(&outcome)) {
            co_await signed_in(std::move(done->mailbox));
            co_return;
        }
        if (auto* no = std::get_if<service::SaslExchange::Refused>(&outcome)) {
            co_await refused(std::move(no->error));
            co_return;
        }
        say("+ " + text::base64(std::get<service::SaslExchange::Challenge>(outcome).bytes));
        auto line = co_await sasl_line();
        if (!line) {
            if (line.error().code == ErrorCode::invalid)
                bad(line.error().message);
            else
                state_ = State::done;
            co_return;
        }
        response = std::move(*line);
    }
}

Task<void> Session::refused(Error error) {
    ++failures_;
    co_await flush();
    co_await async::sleep_for(service::SignIn::failure_delay(failures_));
    // RFC 3206: the client may tell a wrong password from a server in trouble.
    say((error.code == ErrorCode::temporary ? "-ERR [SYS/TEMP] " : "-ERR [AUTH] ") + error.message);
    if (failures_ >= limit::auth_failures)
        state_ = State::done;
}

Task<void> Session::signed_in(service::MailboxPtr mailbox) {
    auto lock = services_.locks.take(mailbox->account);
    if (!lock) {
        say("-ERR [IN-USE] another session has this maildrop open");
        co_return;
    }
    auto opened = co_await Maildrop::open(services_.mailboxes, mailbox, std::move(lock));
    if (!opened) {
        say("-ERR [SYS/TEMP] " + opened.error().message);
        co_return;
    }
    drop_ = std::move(*opened);
    watch_ = services_.sign_in.watch(mailbox, stream_.closer(), caller());
    state_ = State::transaction;
    say("+OK " + std::to_string(drop_->messages().size()) + " messages");
}

Task<void> Session::after_sign_in(Command command) {
    switch (command.verb) {
    case Verb::stat:
        co_return totals();
    case Verb::list:
        co_return list(command, false);
    case Verb::uidl:
        co_return list(command, true);
    case Verb::retr:
        co_await retrieve(*command.number, std::nullopt);
        co_return;
    case Verb::top:
        co_await retrieve(*command.number, command.lines);
        co_return;
    case Verb::dele:
        co_return remove(command);
    case Verb::rset:
        drop_->reset();
        co_return say("+OK");
    case Verb::noop:
        co_return say("+OK");
    default:
        bad("not after sign-in");
    }
}

void Session::totals() {
    std::uint64_t count = 0, bytes = 0;
    for (const auto& message : drop_->messages())
        if (!message.deleted) {
            ++count;
            bytes += message.size;
        }
    say("+OK " + std::to_string(count) + " " + std::to_string(bytes));
}

void Session::remove(const Command& command) {
    auto* message = drop_->find(command.number);
    if (message == nullptr)
        return bad("no such message");
    message->deleted = true;
    say("+OK marked");
}

void Session::list(const Command& command, bool unique_ids) {
    const auto& messages = drop_->messages();
    const auto line = [&](std::size_t index) {
        const auto& message = messages[index];
        return std::to_string(index + 1) + " " + (unique_ids ? drop_->unique_id(message) : std::to_string(message.size));
    };
    if (command.number) {
        if (drop_->find(command.number) == nullptr)
            return bad("no such message");
        return say("+OK " + line(*command.number - 1));
    }
    say("+OK");
    for (std::size_t i = 0; i < messages.size(); ++i)
        if (!messages[i].deleted)
            say(line(i));
    say(".");
}

Task<void> Session::retrieve(std::uint32_t number, std::optional<std::uint32_t> lines) {
    const auto* wanted = drop_->find(number);
    if (wanted == nullptr)
        co_return bad("no such message");
    const std::uint64_t size = wanted->size;
    const bool read_whole = !utf8_ && size <= limit::pop3_surrogate_bytes;
    auto piece = co_await drop_->read(number, 0, read_whole ? std::max<std::uint64_t>(size, piece_bytes) : piece_bytes);
    if (!piece) {
        const bool gone = piece.error().code == ErrorCode::not_found;
        say((gone ? "-ERR [SYS/TEMP] " : "-ERR [SYS/PERM] ") + piece.error().message);
        co_return;
    }
    std::uint64_t offset = piece->size();
    const std::int64_t growth = utf8_ ? 0 : make_ascii(*piece, offset >= size);
    say("+OK " + std::to_string(static_cast<std::int64_t>(size) + growth) + " octets");
    MessageText text(lines);
    for (;; offset += piece->size()) {
        text.put(out_, *piece);
        if (offset >= size || piece->empty() || text.is_enough())
            break;
        if (out_.size() > limit::output_buffer)
            co_await flush();
        piece = co_await drop_->read(number, offset, piece_bytes);
        if (!piece || broken_) {
            // The reply has begun: only the missing final dot can tell that it is not whole (RFC 1939 §3).
            if (!piece)
                log(Event::session_failed, {{"sid", id_}, {"reason", piece.error().message}});
            stream_.close();
            broken_ = true;
            state_ = State::done;
            co_return;
        }
    }
    text.finish(out_);
    if (out_.size() > limit::output_buffer)
        co_await flush();
}

Task<void> Session::quit() {
    state_ = State::done;
    if (drop_) {
        const auto updated = co_await drop_->update();
        // The lock goes before the answer: who has it may sign in again at once.
        watch_.reset();
        drop_.reset();
        if (!updated) {
            say("-ERR [SYS/TEMP] " + updated.error().message); // RFC 1939 §6: some were not removed
            co_return;
        }
    }
    say("+OK bye");
}

} // namespace mail::pop3
