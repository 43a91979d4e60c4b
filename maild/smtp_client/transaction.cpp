// One message over an open session: envelope, content, final reply.
#include "maild/smtp_client/transaction.hpp"

namespace mail::smtp_client {
namespace {

constexpr int shutting_down = 421; // RFC 5321 §3.8: may answer any command

/// RFC 5321 §4.5.3.1.10: 452, and 552 from old servers, may mean "too many recipients": those left are for a further
/// transaction, if this one has any.
bool means_too_many(const smtp::Reply& reply) {
    if (reply.code != 452 && reply.code != 552)
        return false;
    return reply.enhanced.empty() || reply.enhanced.ends_with(".5.3");
}

} // namespace

Task<Sent> Session::send(const Message& message, MessageSource& source) {
    Transaction t(message, source);
    Sent sent;
    transcript_.clear();
    if (!usable_) {
        t.decide_all(own_outcome("4.4.2", "the connection is closed"));
    } else if (!reader_.buffered().empty()) {
        // Words that nobody asked for would be taken for answers to what comes next.
        usable_ = false;
        t.unanswered_loss = true;
        t.decide_all(own_outcome("4.5.0", "the server spoke out of turn"));
    } else {
        // RFC 8689 §4.2.1: a verified certificate of a host that is certainly the right one.
        const bool protects = stream_->tls() != nullptr && stream_->tls()->verified && options_.trusted_host;
        co_await t.prepare(capabilities_, protects);
        if (!t.rcpts.empty() && t.is_open()) {
            t.reset = needs_reset_;
            needs_reset_ = true;
            co_await offer(t);
        }
    }
    t.decide_all(own_outcome("4.5.0", "the transaction ended without an answer"));
    sent.unanswered = t.unanswered_loss;
    sent.outcomes.reserve(t.outcomes.size());
    for (auto& outcome : t.outcomes)
        sent.outcomes.push_back(std::move(*outcome));
    if (!usable_)
        stream_->close();
    co_return sent;
}

Task<Sent> Session::probe(const Message& message) {
    StringSource nothing(std::make_shared<const std::string>("\r\n"));
    Transaction t(message, nothing);
    t.envelope_only = true;
    transcript_.clear();
    if (usable_) {
        const bool protects = stream_->tls() != nullptr && stream_->tls()->verified && options_.trusted_host;
        co_await t.prepare(capabilities_, protects);
        t.reset = needs_reset_;
        if (!t.rcpts.empty() && t.is_open())
            co_await offer_one_by_one(t);
    }
    for (const std::size_t place : t.accepted)
        if (!t.outcomes[place])
            t.outcomes[place] = own_outcome("2.1.5", "the server takes this recipient");
    t.decide_all(own_outcome("4.4.2", "the connection is closed"));
    if (usable_) {
        auto undone = co_await ask("RSET\r\n", options_.timeouts.mail);
        needs_reset_ = !undone || undone->code != 250;
    }
    Sent sent;
    for (auto& outcome : t.outcomes)
        sent.outcomes.push_back(std::move(*outcome));
    co_return sent;
}

void Session::lost(Transaction& t, const Error& error, std::string_view stage) {
    usable_ = false;
    t.unanswered_loss = !t.answered && error.code == ErrorCode::closed;
    t.decide_all(outcome_of(error, stage));
}

Task<void> Session::offer(Transaction& t) {
    if (!capabilities_.pipelining) {
        co_await offer_one_by_one(t);
        co_return;
    }
    std::string group = t.group();
    note_sent(group);
    if (t.way == Way::one_trip) {
        const std::string bdat = smtp::serialize(smtp::Bdat{t.content->size(), true});
        note_sent(bdat);
        note("C", "(" + std::to_string(t.content->size()) + " bytes of message)");
        group += bdat;
        group += *t.content;
    }
    auto written = co_await write(group, options_.timeouts.mail);
    // A server that closes early may have said why: then its words are still to be read.
    if (!written && written.error().code != ErrorCode::closed) {
        lost(t, written.error(), "sending the envelope");
        co_return;
    }
    co_await read_envelope_replies(t);
}

void Session::take_mail_reply(Transaction& t, const smtp::Reply& reply) {
    if (reply.code / 100 == 2)
        return;
    t.mail_refused = true;
    if (reply.code == shutting_down)
        usable_ = false;
    Outcome outcome = outcome_of(reply);
    t.decide_all(outcome);
}

void Session::take_rcpt_reply(Transaction& t, std::size_t index, const smtp::Reply& reply) {
    const std::size_t place = t.offered[index];
    if (t.outcomes[place]) // MAIL was refused: its answer counts for all
        return;
    if (reply.code / 100 == 2) {
        t.accepted.push_back(place);
        return;
    }
    if (reply.code == shutting_down) {
        usable_ = false;
        t.decide_all(outcome_of(reply));
        return;
    }
    Outcome outcome = outcome_of(reply);
    if (means_too_many(reply) && !t.accepted.empty()) {
        outcome.verdict = Verdict::temporary;
        outcome.status[0] = '4';
        outcome.retry_now = true;
    }
    t.outcomes[place] = std::move(outcome);
}

Task<void> Session::read_envelope_replies(Transaction& t) {
    const std::size_t first = t.reset ? 0 : 1; // RSET, MAIL, RCPT ...
    for (std::size_t i = first; i < t.rcpts.size() + 2; ++i) {
        auto reply = co_await read_reply(i < 2 ? options_.timeouts.mail : options_.timeouts.rcpt);
        if (!reply) {
            lost(t, reply.error(), i == 0 ? "after RSET" : i == 1 ? "after MAIL" : "after RCPT");
            co_return;
        }
        const bool leaving = reply->code == shutting_down;
        if (i < 2 && leaving)
            t.unanswered_loss = !t.answered;
        t.answered = true;
        if (i == 1 || leaving)
            take_mail_reply(t, *reply);
        else if (i > 1)
            take_rcpt_reply(t, i - 2, *reply);
        if (leaving)
            co_return;
    }
    if (t.way == Way::data)
        co_await read_data_reply(t);
    else if (t.way == Way::one_trip)
        co_await finish(t);
    else if (!t.accepted.empty())
        co_await transfer(t);
}

Task<void> Session::offer_one_by_one(Transaction& t) {
    if (t.reset) {
        auto reply = co_await ask("RSET\r\n", options_.timeouts.mail);
        if (!reply || reply->code == shutting_down) {
            lost(t, reply ? Error{ErrorCode::closed, reply->text()} : reply.error(), "after RSET");
            co_return;
        }
    }
    const std::string mail = t.mail_line();
    note_sent(mail);
    auto written = co_await write(mail, options_.timeouts.mail);
    auto reply = co_await read_reply(options_.timeouts.mail);
    if (!written || !reply) {
        lost(t, !reply ? reply.error() : written.error(), "after MAIL");
        co_return;
    }
    t.unanswered_loss = reply->code == shutting_down && !t.answered;
    t.answered = true;
    take_mail_reply(t, *reply);
    for (std::size_t i = 0; i < t.rcpts.size() && usable_ && !t.mail_refused; ++i) {
        const std::string rcpt = t.rcpt_line(i);
        note_sent(rcpt);
        written = co_await write(rcpt, options_.timeouts.rcpt);
        reply = co_await read_reply(options_.timeouts.rcpt);
        if (!written || !reply) {
            lost(t, !reply ? reply.error() : written.error(), "after RCPT");
            co_return;
        }
        take_rcpt_reply(t, i, *reply);
    }
    if (!usable_ || t.accepted.empty() || t.envelope_only)
        co_return;
    if (t.way == Way::data) {
        const std::string_view data = "DATA\r\n";
        note_sent(data);
        written = co_await write(data, options_.timeouts.data);
        co_await read_data_reply(t);
    } else {
        co_await transfer(t);
    }
}

Task<void> Session::read_data_reply(Transaction& t) {
    auto reply = co_await read_reply(options_.timeouts.data);
    if (!reply) {
        lost(t, reply.error(), "after DATA");
        co_return;
    }
    if (reply->code != 354) {
        if (reply->is_positive() || reply->code == shutting_down)
            usable_ = false; // 2xx to DATA: the server and we no longer talk about the same thing
        t.decide_all(reply->is_positive() ? own_outcome("4.5.0", "unexpected answer to DATA: " + reply->text())
                                          : outcome_of(*reply));
        co_return;
    }
    if (!t.accepted.empty()) {
        co_await transfer(t);
        co_return;
    }
    // RFC 2920 §3.1: 354 though every recipient was refused; an empty message ends it.
    const std::string_view nothing = ".\r\n";
    auto written = co_await write(nothing, options_.timeouts.data);
    auto ended = co_await read_reply(options_.timeouts.data);
    if (!written || !ended)
        usable_ = false;
}

Task<void> Session::transfer(Transaction& t) {
    note("C", "(" + std::to_string(t.size) + " bytes of message)");
    Result<void> written;
    if (t.way == Way::chunks)
        written = co_await write_chunks(t);
    else
        written = co_await write_data(t);
    if (!t.is_open())
        co_return; // a chunk was refused
    if (!written && written.error().code != ErrorCode::closed) {
        lost(t, written.error(), "sending the message");
        co_return;
    }
    co_await finish(t);
}

Task<void> Session::finish(Transaction& t) {
    // RFC 5321 §4.5.3.2.6 and RFC 1047: patience here saves duplicates. Whatever is not a 2xx leaves the message with us.
    auto reply = co_await read_reply(options_.timeouts.final_reply);
    if (!reply) {
        lost(t, reply.error(), "waiting for the final reply");
        co_return;
    }
    if (reply->code == shutting_down)
        usable_ = false;
    needs_reset_ = reply->code / 100 != 2;
    if (!t.accepted.empty() || !reply->is_positive())
        t.decide_all(outcome_of(*reply));
}

} // namespace mail::smtp_client
