// What may leave to a server with given capabilities, and in which form.
#include "common/mail/message.hpp"
#include "common/mail/header.hpp"
#include "maild/smtp_client/downgrade.hpp"
#include "maild/smtp_client/transaction.hpp"

#include <algorithm>

namespace mail::smtp_client {
namespace {

constexpr std::uint64_t whole_in_memory = 1024 * 1024;
constexpr std::uint64_t one_trip_most = 64 * 1024;

bool is_open_outcome(const std::optional<Outcome>& outcome) { return !outcome.has_value(); }

} // namespace

void Session::Transaction::decide_all(const Outcome& outcome) {
    for (auto& one : outcomes)
        if (!one)
            one = outcome;
}

bool Session::Transaction::is_open() const noexcept {
    return std::any_of(outcomes.begin(), outcomes.end(), is_open_outcome);
}

std::string Session::Transaction::mail_line() const {
    std::string line = smtp::serialize(mail);
    if (require_tls)
        line.insert(line.size() - 2, " REQUIRETLS"); // RFC 8689 §2
    return line;
}

std::string Session::Transaction::group() const {
    std::string out;
    out.reserve(256 + rcpts.size() * 80 + (way == Way::one_trip ? content->size() : 0));
    if (reset)
        out += "RSET\r\n";
    out += mail_line();
    for (std::size_t i = 0; i < rcpts.size(); ++i)
        out += rcpt_line(i);
    if (way == Way::data)
        out += "DATA\r\n";
    return out;
}

Task<Result<std::string>> Session::Transaction::read_head() {
    if (content)
        co_return content->substr(0, header_size(*content));
    // Header sections beyond this are cut; their bytes decide only whether SMTPUTF8 is needed.
    co_return co_await source.read(0, whole_in_memory / 4);
}

Task<Result<void>> Session::Transaction::read_all() {
    if (content)
        co_return Result<void>{};
    auto bytes = co_await source.read(0, source.size());
    if (!bytes)
        co_return fail(std::move(bytes).error());
    if (bytes->size() != source.size())
        co_return fail(ErrorCode::internal, "the message is shorter than its size says");
    content = std::move(*bytes);
    co_return Result<void>{};
}

Task<void> Session::Transaction::prepare(const Capabilities& server, bool verified_tls) {
    if (message.require_tls && (!verified_tls || !server.require_tls)) {
        // RFC 8689 §4.2.1
        decide_all(own_outcome("5.7.30", "the sender requires TLS and the server cannot do REQUIRETLS"));
        co_return;
    }
    require_tls = message.require_tls;
    size = source.size();
    if (server.size && server.max_size != 0 && size > server.max_size) {
        // RFC 1870 §6.1: not even tried.
        decide_all(own_outcome("5.3.4", "the message has " + std::to_string(size) + " bytes, the server takes " +
                                            std::to_string(server.max_size)));
        co_return;
    }
    Result<void> loaded;
    if (size <= whole_in_memory)
        loaded = co_await read_all();
    bool utf8_header = false;
    if (loaded && message.smtputf8) {
        auto head = co_await read_head();
        if (head)
            utf8_header = header_needs_utf8(*head);
        else
            loaded = fail(std::move(head).error());
    }
    if (!loaded) {
        decide_all(own_outcome("4.3.0", "the message could not be read: " + loaded.error().message));
        co_return;
    }
    plan_addresses(server, utf8_header);
    if (is_open())
        co_await plan_body(server);
}

/// RFC 6531 §3.2, §3.6: what is international leaves only with SMTPUTF8; a domain alone is written as A-label instead.
void Session::Transaction::plan_addresses(const Capabilities& server, bool utf8_header) {
    const auto refusal = [](std::string_view what) {
        return own_outcome("5.6.7", std::string(what) + " needs SMTPUTF8 and the server does not offer it");
    };
    if (!message.sender.empty()) {
        auto sender = parse_address(message.sender);
        if (!sender)
            return decide_all(own_outcome("5.1.7", "the sender's address is malformed"));
        mail.path.address = to_ascii_domain(*sender);
    }
    const bool utf8_sender = !is_ascii_only(mail.path.address);
    if ((utf8_sender || utf8_header) && !server.smtputf8)
        return decide_all(refusal(utf8_sender ? "the sender's address" : "the header"));
    bool utf8 = utf8_sender || utf8_header;
    for (std::size_t i = 0; i < message.recipients.size(); ++i) {
        const Recipient& recipient = message.recipients[i];
        auto address = parse_address(recipient.address);
        if (!address) {
            outcomes[i] = own_outcome("5.1.3", "the recipient's address is malformed");
            continue;
        }
        smtp::Rcpt rcpt;
        rcpt.path.address = to_ascii_domain(*address);
        const bool utf8_recipient = !is_ascii_only(rcpt.path.address);
        if (utf8_recipient && !server.smtputf8) {
            outcomes[i] = refusal("the recipient's address");
            continue;
        }
        utf8 = utf8 || utf8_recipient;
        if (server.dsn) {
            rcpt.parameters.notify = recipient.notify;
            if (!recipient.original.empty())
                rcpt.parameters.orcpt = recipient.original;
        }
        rcpts.push_back(std::move(rcpt));
        offered.push_back(i);
    }
    mail.parameters.smtputf8 = utf8;
    if (server.dsn && !message.envelope_id.empty())
        mail.parameters.envid = message.envelope_id;
    if (server.dsn && (message.return_headers_only || message.return_full))
        mail.parameters.ret = message.return_full ? smtp::DsnReturn::full : smtp::DsnReturn::headers;
}

/// RFC 6152 §3: 8-bit bodies leave as they are, or as 7-bit by a transfer encoding, or not at all.
Task<void> Session::Transaction::plan_body(const Capabilities& server) {
    const bool eight = message.eight_bit || message.binary;
    const bool as_binary = message.binary && server.binary && server.chunking;
    if (as_binary) {
        mail.parameters.body = smtp::Body::binary;
        way = Way::chunks;
    } else if (message.binary || (eight && !server.eight_bit)) {
        auto loaded = co_await read_all();
        if (!loaded) {
            decide_all(own_outcome("4.3.0", "the message could not be read: " + loaded.error().message));
            co_return;
        }
        auto seven = downgrade(*content);
        if (!seven) {
            // RFC 3463 §3.7, 5.6.3: conversion required but not supported.
            decide_all(own_outcome("5.6.3", "the server takes no 8-bit message and this one cannot be converted: " +
                                                seven.error().message));
            co_return;
        }
        content = std::move(*seven);
        size = content->size();
    } else if (eight && server.eight_bit) {
        mail.parameters.body = smtp::Body::eight_bit;
    }
    if (server.size)
        mail.parameters.size = size;
    if (way == Way::data && server.chunking && server.pipelining && content && size <= one_trip_most &&
        size > 0 && is_clean_crlf(*content))
        way = Way::one_trip;
}

} // namespace mail::smtp_client
