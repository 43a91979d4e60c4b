// Who the peer is and what it may do for that: relaying by address or certificate, XCLIENT, ETRN.
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/net/bind.hpp"
#include "maild/service/queue_call.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/smtp/intake.hpp"
#include "maild/smtp/session.hpp"

namespace mail::smtp {

void Session::meet_peer() {
    const std::string& address = stream_.peer().address;
    const net::TlsInfo* tls = stream_.tls();
    // A certificate speaks for who showed it, not for whom a trusted client speaks.
    const bool by_certificate = tls != nullptr && tls->client && !standing_.is_spoken_for && profile_.may_relay(*tls->client);
    standing_.relays = by_certificate || profile_.may_relay(address);
    standing_.may_etrn = services_.queue != nullptr && !profile_.is_lmtp() && schema::contains(profile_.etrn_from, address);
}

Task<void> Session::cmd_etrn(Command command) {
    const std::string& node = std::get<Etrn>(command).text;
    if (!standing_.may_etrn) {
        co_await refuse(502, "5.5.1", "This command is not offered");
        co_return;
    }
    const auto count = co_await service::call_queue(*services_.queue, node, services_.delivery.clock().now());
    if (!count && count.error().code == ErrorCode::invalid) {
        co_await refuse(501, "5.5.4", "Syntax: ETRN domain");
        co_return;
    }
    if (!count) { // RFC 1985 §5.3
        say(Reply(458, "4.3.0", "Unable to queue messages for node " + node));
        co_return;
    }
    log(Event::smtp_queue_asked, {{"sid", id_}, {"peer", stream_.peer().address}, {"node", node}, {"items", *count}});
    if (*count == 0)
        say(Reply(251, "2.0.0", "OK, no messages waiting for node " + node));
    else
        say(Reply(253, "2.0.0", "OK, " + std::to_string(*count) + " pending messages for node " + node + " started"));
}

/// Postfix's XCLIENT_README, with the attributes that change anything here.
std::optional<Reply> Session::take_attributes(const Xclient& xclient) {
    net::Peer peer = stream_.peer();
    std::string name = standing_.name, helo = standing_.helo;
    for (const auto& [attribute, value] : xclient.attributes) {
        if (attribute == "ADDR" && !value.empty()) {
            const std::string_view text = value;
            peer.address = net::canonical_address(text::istarts_with(text, "IPV6:") ? text.substr(5) : text);
            peer.loopback = net::is_loopback(peer.address);
            if (peer.address.empty())
                return Reply(501, "5.5.4", "Bad ADDR");
        } else if (attribute == "PORT") {
            const auto port = value.empty() ? std::uint16_t{0} : text::number<std::uint16_t>(value);
            if (!port)
                return Reply(501, "5.5.4", "Bad PORT");
            peer.port = *port;
        } else if (attribute == "NAME") {
            name = value;
        } else if (attribute == "HELO") {
            if (!value.empty() && !is_helo_name(value))
                return Reply(501, "5.5.4", "Bad HELO");
            helo = value;
        } else if (attribute != "ADDR") {
            return Reply(501, "5.5.4", "Attribute " + attribute + " is not offered");
        }
    }
    standing_.name = std::move(name);
    standing_.helo = std::move(helo);
    stream_.set_peer(std::move(peer));
    return std::nullopt;
}

Task<void> Session::cmd_xclient(Command command) {
    if (!standing_.may_xclient) { // to everybody else the command does not exist
        co_await refuse(500, "5.5.2", "Command not recognized");
        co_return;
    }
    const net::Peer before = stream_.peer();
    auto refusal = take_attributes(std::get<Xclient>(command));
    if (refusal) {
        co_await refuse(std::move(*refusal));
        co_return;
    }
    log(Event::smtp_spoken_for, {{"sid", id_}, {"peer", before.text()}, {"for", stream_.peer().text()}});
    standing_.is_spoken_for = true;
    forget();
    story_.spoken_for(stream_, standing_.name, services_.delivery.clock().now());
    say(greeting());
}

} // namespace mail::smtp
