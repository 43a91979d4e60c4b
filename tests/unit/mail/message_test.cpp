#include "tests/catch.hpp"

#include "common/mail/date.hpp"
#include "common/mail/header.hpp"
#include "common/mail/message.hpp"
#include "common/mail/received.hpp"

#include <array>

using namespace mail;
using namespace std::string_literals;

TEST_CASE("RFC 5321 §4.4: the Received field") {
    ReceivedInfo info;
    info.helo = "client.example";
    info.peer_address = "192.0.2.1";
    info.peer_name = "host.client.example";
    info.by = "mx.example.org";
    info.protocol = "ESMTPS";
    info.tls = "TLS1.3";
    info.id = "abc";
    info.for_recipient = "ann@example.org";
    info.time = *parse_rfc3339("2020-01-01T00:00:00Z");
    CHECK(received_field(info) ==
          "Received: from client.example (host.client.example [192.0.2.1])\r\n"
          "\tby mx.example.org with ESMTPS (TLS1.3)\r\n\tid abc\r\n\tfor <ann@example.org>;\r\n"
          "\tWed, 1 Jan 2020 00:00:00 +0000\r\n");
    info.helo = "evil\r\nX: y (";
    info.peer_address = "2001:db8::1";
    info.peer_name.clear();
    info.tls = "a)\r\nb";
    info.for_recipient = "a>\r\nX: <b";
    const std::string field = received_field(info);
    CHECK(field.find("[IPv6:2001:db8::1]") != std::string::npos);
    const HeaderView view = parse_header(field);
    REQUIRE(view.fields.size() == 1);
    CHECK(parse_date(view.fields[0].value.substr(view.fields[0].value.rfind(';') + 1)) == info.time);
    info.helo.clear();
    info.peer_address.clear();
    CHECK(received_field(info).starts_with("Received: by mx.example.org"));
}

TEST_CASE("RFC 3848 §1, RFC 6531 §3.7.3: protocol words") {
    CHECK(protocol_word(false, false, false, false, false) == "SMTP");
    CHECK(protocol_word(false, true, false, false, false) == "ESMTP");
    CHECK(protocol_word(false, true, true, true, false) == "ESMTPSA");
    CHECK(protocol_word(false, true, true, false, true) == "UTF8SMTPS");
    CHECK(protocol_word(true, true, false, false, false) == "LMTP");
    CHECK(protocol_word(true, true, true, true, true) == "UTF8LMTPSA");
}

TEST_CASE("small edits of a header") {
    CHECK(count_received("Received: a\r\n b\r\nRECEIVED : c\r\nReceivedX: d\r\n\r\nReceived: body\r\n") == 2);
    CHECK(count_received("") == 0);
    CHECK(without_return_path("Return-Path: <a>\r\n b\r\nreturn-path:<c>\nA: b\r\n\r\n") == "A: b\r\n\r\n");
    CHECK(without_return_path("A: b\r\nReturn-Path: <a>\r\n\r\n") == "A: b\r\nReturn-Path: <a>\r\n\r\n");
    CHECK(without_return_path("Return-Path: <a>") == "");
    CHECK(return_path_field("") == "Return-Path: <>\r\n");
    CHECK(return_path_field("a@b") == "Return-Path: <a@b>\r\n");
    const std::array<std::string_view, 2> names{"bcc", "X"};
    CHECK(remove_fields("A: b\r\nBcc: c\r\n d\r\nX: y\r\n\r\nBcc: body\r\n", names) ==
          "A: b\r\n\r\nBcc: body\r\n");
    const Time now = *parse_rfc3339("2020-01-01T00:00:00Z");
    CHECK(missing_fields("From: a\r\n\r\n", now, "id", "example.org") ==
          "Date: Wed, 1 Jan 2020 00:00:00 +0000\r\nMessage-ID: <id@example.org>\r\n");
    CHECK(missing_fields("date: x\r\nmessage-id: <y>\r\n\r\n", now, "id", "example.org").empty());
}

TEST_CASE("what a message needs to be relayed") {
    CHECK(header_needs_utf8("Subject: \xC3\xA4\r\n\r\nx"));
    CHECK_FALSE(header_needs_utf8("Subject: a\r\n\r\n\xC3\xA4"));
    CHECK(body_is_8bit("Subject: a\r\n\r\n\xC3\xA4"));
    CHECK_FALSE(body_is_8bit("Subject: \xC3\xA4\r\n\r\nx"));
    CHECK(is_clean_crlf("a\r\nb\r\n"));
    CHECK(is_clean_crlf(""));
    for (const auto& bad : {"a\nb\r\n"s, "a\rb\r\n"s, "a\r\nb"s, "a\0b\r\n"s, "a\r"s, "\r\n\n"s}) {
        INFO(bad);
        CHECK_FALSE(is_clean_crlf(bad));
    }
}
