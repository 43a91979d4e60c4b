// DATA and BDAT: the message comes in, becomes durable, and only then is answered 250.
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/mail/received.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/smtp/intake.hpp"
#include "maild/smtp/session.hpp"

#include <algorithm>

namespace mail::smtp {
namespace {

/// Bytes beyond the size limit that are read and dropped so that the client gets its 552; more is closed on.
constexpr std::uint64_t drop_bytes = 1U << 26;

} // namespace

std::unique_ptr<Intake> Session::make_intake() {
    const Mail& mail = transaction_.mail();
    const Time now = services_.delivery.clock().now();
    message_id_ = Id::make(now);
    const net::TlsInfo* tls = stream_.tls();
    ReceivedInfo trace;
    trace.helo = helo_;
    trace.peer_address = stream_.peer().address;
    trace.peer_name = standing_.name;
    trace.by = config_->server.hostname;
    trace.protocol = protocol_word(profile_.is_lmtp(), extended_, tls != nullptr, mailbox_ != nullptr, mail.parameters.smtputf8);
    if (tls != nullptr)
        trace.tls = tls->version + " " + tls->cipher;
    trace.id = message_id_.text();
    // RFC 5321 §7.2: naming one of several recipients would tell the others of it.
    if (transaction_.recipients().size() == 1)
        trace.for_recipient = transaction_.recipients().front().address.text();
    trace.priority = mail.parameters.priority;
    trace.time = now;
    IntakeOptions options;
    options.max_bytes = max_message_size();
    options.size_hint = mail.parameters.size.value_or(0);
    options.trace = received_field(trace);
    options.rules.submission = profile_.is_submission();
    if (mailbox_) {
        options.rules.author = mailbox_;
        options.rules.right = [this](const Address& address) { return services_.directory.send_right(*mailbox_, address); };
    }
    options.rules.sender = transaction_.sender();
    options.rules.now = now;
    options.rules.unique = message_id_.text();
    options.rules.hostname = config_->server.hostname;
    return std::make_unique<Intake>(services_.delivery, services_.budget, std::move(options));
}

Task<bool> Session::fill_message(SteadyTime since, std::uint64_t received) {
    // Slow senders hold a session and its memory for nothing (faults §3.6).
    const auto grace = std::chrono::seconds(profile_.overloaded() ? limit::overload_seconds : limit::smtp_slow_seconds);
    const auto late = services_.delivery.clock().steady() - since - grace;
    const std::int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(late).count();
    if (seconds > 0 && received < static_cast<std::uint64_t>(seconds) * profile_.limits.bytes_per_second) {
        log(Event::limit_hit, {{"sid", id_}, {"limit", "smtp_bytes_per_second"}, {"peer", stream_.peer().address}});
        close_with(Reply(421, "4.4.2", "The message comes too slowly"));
        co_return false;
    }
    co_return co_await fill(profile_.limits.data);
}

Task<void> Session::cmd_data(Command) {
    // RFC 3030 §3: a binary message has no lines, so it cannot come by DATA.
    if (transaction_.mail().parameters.body == Body::binary) {
        co_await refuse(503, "5.5.1", "BODY=BINARYMIME needs BDAT");
        co_return;
    }
    const auto intake = make_intake();
    say(Reply(354, "", "Go on, end with a dot on a line of its own"));
    const SteadyTime since = services_.delivery.clock().steady();
    DataFramer framer;
    while (!framer.done()) {
        if (reader_.buffered().empty()) {
            const bool more = co_await fill_message(since, framer.size());
            if (!more)
                co_return; // RFC 5321 §4.1.1.4: a message without its end is no message
        }
        reader_.consume(framer.feed(reader_.buffered(), intake->sink()));
        if (framer.has_bare_line_ending()) {
            // Somebody else may read the message's end elsewhere: nothing after this can be trusted (SMTP smuggling).
            const Reply reply(554, "5.5.2", "CR or LF alone in a message: only CR LF ends a line");
            refuse_message(reply);
            close_with(Reply(reply));
            co_return;
        }
        co_await intake->settle();
        if (framer.size() > max_message_size() + drop_bytes) {
            log(Event::limit_hit, {{"sid", id_}, {"limit", "message_bytes"}, {"peer", stream_.peer().address}});
            close_with(Reply(552, "5.3.4", "Message much too large"));
            co_return;
        }
    }
    if (framer.has_long_line()) // faults S51: a long line is never cut
        intake->refuse(Reply(554, "5.6.0", "A line of the message is too long"));
    co_await complete(*intake);
}

std::optional<Reply> Session::refuse_chunk(const Bdat& bdat) {
    if (state_ != recipients && state_ != chunking)
        return Reply(503, "5.5.1", "MAIL and an accepted RCPT come first");
    if (transaction_.have_chunks_failed())
        return Reply(503, "5.5.1", "A chunk was refused: RSET comes first");
    if (bdat.size > max_message_size())
        return Reply(552, "5.3.4", "Message too large; at most " + std::to_string(max_message_size()) + " bytes");
    return std::nullopt;
}

Task<bool> Session::read_chunk(std::uint64_t size, Intake* intake) {
    const SteadyTime since = services_.delivery.clock().steady();
    for (std::uint64_t received = 0; received < size;) {
        if (reader_.buffered().empty()) {
            const bool more = co_await fill_message(since, received);
            if (!more)
                co_return false;
        }
        const std::string_view buffered = reader_.buffered();
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(size - received, buffered.size()));
        const std::string_view part = buffered.substr(0, count);
        std::string* sink = intake != nullptr ? intake->sink() : nullptr;
        if (sink != nullptr) {
            sink->append(part);
            chunk_endings_.feed(part);
        }
        reader_.consume(count);
        received += count;
        if (intake != nullptr)
            co_await intake->settle();
    }
    co_return true;
}

Task<void> Session::cmd_bdat(Command command) {
    const Bdat bdat = std::get<Bdat>(command);
    auto refusal = refuse_chunk(bdat);
    if (bdat.size > max_message_size() + drop_bytes) {
        log(Event::limit_hit, {{"sid", id_}, {"limit", "message_bytes"}, {"peer", stream_.peer().address}});
        close_with(Reply(552, "5.3.4", "Chunk much too large"));
        co_return;
    }
    if (!refusal && !chunks_)
        chunks_ = make_intake();
    // RFC 3030 §2: the chunk follows at once, wanted or not; its bytes are never commands (faults S41).
    Intake* const wanted = refusal ? nullptr : chunks_.get();
    const bool whole = co_await read_chunk(bdat.size, wanted);
    if (!whole)
        co_return;
    if (refusal) {
        if (state_ == recipients || state_ == chunking) {
            transaction_.fail_chunks();
            state_ = chunking;
            chunks_.reset();
        }
        co_await refuse(std::move(*refusal));
        co_return;
    }
    state_ = chunking;
    const bool binary = transaction_.mail().parameters.body == Body::binary;
    if (!binary && chunk_endings_.is_bare(bdat.last))
        chunks_->refuse(Reply(554, "5.5.2", "CR or LF alone in a message without BODY=BINARYMIME"));
    if (bdat.last) {
        const auto intake = std::move(chunks_);
        co_await complete(*intake);
        co_return;
    }
    if (chunks_->refusal()) {
        const Reply reply = *chunks_->refusal();
        refuse_message(reply);
        say(reply);
        transaction_.fail_chunks();
        chunks_.reset();
        co_return;
    }
    say(Reply(250, "2.0.0", std::to_string(bdat.size) + " bytes taken"));
}

void Session::answer_message(const Reply& reply) {
    const std::size_t count = profile_.is_lmtp() ? transaction_.recipients().size() : 1;
    for (std::size_t i = 0; i < count; ++i)
        say(reply);
}

void Session::refuse_message(const Reply& reply) {
    story_.refused_message(message_id_, transaction_.recipients(), reply, services_.delivery.clock().now());
    const Event event = reply.is_temporary() ? Event::smtp_deferred : Event::smtp_message_rejected;
    log(event, {{"sid", id_},
                {"qid", message_id_.text()},
                {"peer", stream_.peer().address},
                {"from", transaction_.sender()},
                {"recipients", transaction_.recipients().size()},
                {"reply", reply.text()}});
}

Task<void> Session::complete(Intake& intake) {
    co_await intake.finish();
    if (intake.refusal()) {
        refuse_message(*intake.refusal());
        answer_message(*intake.refusal());
        reset();
        co_return;
    }
    const Mail& mail = transaction_.mail();
    service::Incoming incoming;
    incoming.id = message_id_;
    incoming.content = std::move(intake.content());
    incoming.envelope.sender = transaction_.sender();
    incoming.envelope.envelope_id = mail.parameters.envid.value_or("");
    incoming.envelope.return_headers_only = mail.parameters.ret == DsnReturn::headers;
    incoming.envelope.return_full = mail.parameters.ret == DsnReturn::full;
    // RFC 6531 §3.2: what the message needs counts, not what the client could have sent.
    incoming.envelope.smtputf8 = mail.parameters.smtputf8 && (mail.path.is_utf8() || intake.needs_utf8());
    incoming.envelope.eight_bit = mail.parameters.body == Body::eight_bit || intake.is_8bit();
    incoming.envelope.binary = mail.parameters.body == Body::binary;
    incoming.envelope.require_tls = mail.parameters.require_tls;
    incoming.envelope.message_id = intake.message_id();
    incoming.release = transaction_.release(services_.delivery.clock().now());
    incoming.priority = transaction_.priority();
    incoming.recipients = transaction_.recipients();
    incoming.peer = helo_ + " [" + stream_.peer().address + "]";
    incoming.session = id_;
    incoming.each_answered = profile_.is_lmtp();
    incoming.subject = intake.subject();
    const bool counted = co_await count_sending(incoming);
    if (!counted)
        co_return;
    story_.complete(incoming, intake.size(), services_.delivery.clock().now());
    const auto receipt = co_await services_.delivery.accept(std::move(incoming));
    if (!receipt) {
        give_back_sending();
        const Reply reply = reply_for(receipt.error());
        refuse_message(reply);
        answer_message(reply);
        reset();
        co_return;
    }
    const Reply accepted(250, "2.0.0", "Accepted as " + message_id_.text());
    const Reply overall = overall_reply(receipt->recipients, accepted);
    if (overall == accepted) {
        story_.accepted();
        if (!services_.delivery.is_rehearsal())
            log(Event::smtp_accepted, {{"sid", id_},
                                   {"qid", message_id_.text()},
                                   {"peer", stream_.peer().address},
                                   {"from", transaction_.sender()},
                                   {"recipients", transaction_.recipients().size()},
                                   {"size", intake.size()},
                                   {"message_id", intake.message_id()}});
    } else {
        refuse_message(overall);
    }
    if (!profile_.is_lmtp())
        say(overall);
    for (std::size_t i = 0; profile_.is_lmtp() && i < receipt->recipients.size(); ++i)
        say(receipt->recipients[i] ? accepted : reply_for(receipt->recipients[i].error())); // RFC 2033 §4.2
    reset();
}

} // namespace mail::smtp
