#include "maild/play.hpp"

#include "common/base/text.hpp"
#include "common/mail/date.hpp"
#include "common/net/stream.hpp"
#include "common/net/bind.hpp"
#include "maild/service/snapshot.hpp"

namespace mail {
namespace {

constexpr std::string_view stranger = "192.0.2.1"; // RFC 5737: nobody's
constexpr std::size_t most_dialogue = 64 * 1024;

/// A stream whose other end is a client that follows a fixed course: each read gives the next command, chosen by the
/// replies written since. Nothing waits for anything.
class Client final : public net::Stream {
  public:
    Client(const service::Play& play, std::string message, std::string address, bool is_lmtp)
        : play_(play), message_(std::move(message)), is_lmtp_(is_lmtp) {
        peer_.address = std::move(address);
    }

    Task<Result<std::size_t>> read_some(std::span<char> buffer) override {
        if (at_ == At::greeting && replies_.empty()) // this client waits for the greeting, however long that takes
            co_return fail(ErrorCode::timeout, "the client waits");
        if (pending_.empty())
            next();
        const std::size_t count = std::min(buffer.size(), pending_.size());
        std::copy_n(pending_.begin(), count, buffer.begin());
        pending_.erase(0, count);
        co_return count; // 0: the client has gone
    }
    Task<Result<void>> write(std::string_view data) override {
        replies_ += data;
        co_return Result<void>{};
    }
    Task<Result<void>> start_tls(const net::TlsServer&) override { co_return fail(ErrorCode::unsupported, "a rehearsal has no TLS"); }
    Task<Result<void>> start_tls(const net::TlsClient&, net::TlsExpectation) override {
        co_return fail(ErrorCode::unsupported, "a rehearsal has no TLS");
    }
    void set_timeout(Duration) override {}
    Task<void> shutdown() override { co_return; }
    void close() noexcept override {}
    const net::Peer& peer() const noexcept override { return peer_; }
    const net::Peer& local() const noexcept override { return local_; }
    const net::TlsInfo* tls() const noexcept override { return nullptr; }
    std::function<void()> closer() override {
        return [] {};
    }

    /// With what the session said last.
    std::string take_dialogue() {
        hear();
        return std::move(dialogue_);
    }

  private:
    enum class At : std::uint8_t { greeting, hello, mail, rcpt, data, content, quit, gone };

    /// The code of the last whole reply since the former command.
    int hear() {
        int code = 0;
        for (const std::string_view line : text::split(replies_, '\n')) {
            const std::string_view text = text::trim(line);
            if (text.empty())
                continue;
            note("S", text);
            code = static_cast<int>(text::number<unsigned>(text.substr(0, 3)).value_or(0));
        }
        replies_.clear();
        return code;
    }

    void note(std::string_view who, std::string_view line) {
        if (dialogue_.size() + line.size() < most_dialogue)
            dialogue_.append(who).append(": ").append(line).append("\n");
    }

    void say(std::string line, At next) {
        note("C", line);
        pending_ = std::move(line) + "\r\n";
        at_ = next;
    }

    void next() {
        const int code = hear();
        const bool good = code / 100 == 2;
        switch (at_) {
        case At::greeting:
            return say((is_lmtp_ ? "LHLO " : "EHLO ") + std::string("client.invalid"), At::hello);
        case At::hello:
            return good ? say(mail_line(), At::mail) : say("QUIT", At::gone);
        case At::mail:
        case At::rcpt:
            accepted_ += at_ == At::rcpt && good ? 1U : 0U;
            if (at_ == At::mail && !good)
                return say("QUIT", At::gone);
            if (asked_ < play_.recipients.size())
                return say("RCPT TO:<" + play_.recipients[asked_++] + ">", At::rcpt);
            return accepted_ > 0 ? say("DATA", At::data) : say("QUIT", At::gone);
        case At::data:
            if (code != 354)
                return say("QUIT", At::gone);
            note("C", "(" + std::to_string(message_.size()) + " bytes of message)");
            pending_ = stuffed() + ".\r\n";
            at_ = At::content;
            return;
        case At::content:
            return say("QUIT", At::gone);
        case At::quit:
        case At::gone:
            return;
        }
    }

    [[nodiscard]] std::string mail_line() const {
        std::string line = "MAIL FROM:<" + play_.sender + ">";
        bool utf8 = !text::is_ascii(play_.sender);
        for (const std::string& recipient : play_.recipients)
            utf8 = utf8 || !text::is_ascii(recipient);
        if (!text::is_ascii(message_))
            line += " BODY=8BITMIME";
        return utf8 ? line + " SMTPUTF8" : line;
    }

    /// RFC 5321 §4.5.2.
    [[nodiscard]] std::string stuffed() const {
        std::string out;
        out.reserve(message_.size() + 64);
        bool at_start = true;
        for (const char c : message_) {
            if (at_start && c == '.')
                out += '.';
            out += c;
            at_start = c == '\n';
        }
        return out;
    }

    const service::Play& play_;
    std::string message_; ///< ends with CR LF
    bool is_lmtp_;
    net::Peer peer_;
    net::Peer local_;
    At at_ = At::greeting;
    std::size_t asked_ = 0;
    unsigned accepted_ = 0;
    std::string pending_; ///< for the session to read
    std::string replies_; ///< since the last command
    std::string dialogue_;
};

/// Files have other line ends than mail.
std::string with_crlf(std::string_view text) {
    std::string out;
    out.reserve(text.size() + text.size() / 32);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            out += '\r';
        out += text[i];
    }
    if (!out.ends_with("\r\n"))
        out += "\r\n";
    return out;
}

std::string made_up(const service::Play& play, Time now) {
    std::string to;
    for (const std::string& recipient : play.recipients)
        to += (to.empty() ? "" : ", ") + recipient;
    return "From: " + (play.sender.empty() ? std::string("postmaster@client.invalid") : play.sender) + "\r\nTo: " + to +
           "\r\nSubject: simulation\r\nDate: " + format_date(now) + "\r\n\r\nsimulation\r\n";
}

Result<smtp::Profile> profile_for(const service::ConfigSnapshot& config, const std::string& name) {
    for (const auto& [key, listener] : config.listeners) {
        const bool takes_mail = listener.protocol == "smtp" || listener.protocol == "submission" || listener.protocol == "lmtp";
        if (name.empty() ? listener.protocol != "smtp" : key != name || !takes_mail)
            continue;
        MAIL_TRY(smtp::Profile profile, smtp::profile_of(listener, nullptr));
        profile.error_delay = Duration::zero();
        return profile;
    }
    return fail(ErrorCode::not_found, name.empty() ? "no listener takes mail by SMTP" : "no listener " + text::escape(name, 64) + " takes mail",
                "see them with: mailctl listener list");
}

} // namespace

Task<Result<service::Played>> play_transaction(store::Store& store, smtp::Services services, const Clock& clock,
                                               service::Play play) {
    const auto config = services.config.current();
    MAIL_CO_TRY(smtp::Profile profile, profile_for(*config, play.listener));
    std::string address(stranger);
    if (!play.client.empty()) {
        address = net::canonical_address(play.client);
        if (address.empty())
            co_return fail(ErrorCode::invalid, text::escape(play.client, 64) + " is no address of a client", "for example 192.0.2.7");
    }
    service::MailboxPtr mailbox;
    if (const std::string& who = play.sign_in.empty() ? play.sender : play.sign_in; profile.is_submission() && !who.empty()) {
        const auto parsed = parse_address(who);
        auto found = parsed ? services.directory.find(address_key(*parsed)) : Result<service::MailboxPtr>(fail(parsed.error()));
        if (found)
            mailbox = std::move(*found);
        else if (!play.sign_in.empty())
            co_return fail(ErrorCode::not_found, "there is no mailbox " + text::escape(who, 320));
    }
    std::string message = with_crlf(play.message.empty() ? made_up(play, clock.now()) : play.message);
    service::Rehearsal rehearsal(store, services.config, services.directory, clock);
    smtp::Services rehearsed{services.config, services.directory, rehearsal, services.sign_in, services.budget};
    Client client(play, std::move(message), std::move(address), profile.is_lmtp());
    smtp::Session session(rehearsed, std::move(profile), client, "simulation");
    if (mailbox)
        session.sign_in_as(std::move(mailbox));
    co_await session.run();
    service::Played played;
    played.dialogue = client.take_dialogue();
    if (!rehearsal.story())
        co_return fail(ErrorCode::internal, "the session ended without a decision", text::escape(played.dialogue, 500));
    played.story = *rehearsal.story();
    co_return played;
}

} // namespace mail
