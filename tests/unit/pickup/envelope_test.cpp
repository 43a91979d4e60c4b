// The envelope out of a picked-up file's header.
#include "common/base/limits.hpp"
#include "maild/pickup/envelope.hpp"
#include "tests/catch.hpp"

using namespace mail;
using namespace mail::pickup;

namespace {

std::string envelope(std::string_view file) {
    const auto out = read_message(file);
    if (!out)
        return out.error().message;
    std::string text = out->sender ? out->sender->text() : "<>";
    for (const auto& to : out->recipients)
        text += " " + to.text();
    return text;
}

} // namespace

TEST_CASE("X-Sender and X-Receiver are the envelope and leave the header") {
    const auto out = read_message("X-Sender: <ann@example.org>\nx-receiver: bob@example.org\nX-Receiver: <BOB@example.org>\n"
                                  "X-Receiver: <carl@remote.test>\nFrom: x@y.test\nTo: somebody@else.test\n\nhi\n.\n");
    REQUIRE(out);
    CHECK(out->sender->text() == "ann@example.org");
    REQUIRE(out->recipients.size() == 2); // each once
    CHECK(out->recipients[1].text() == "carl@remote.test");
    CHECK(out->message == "From: x@y.test\r\nTo: somebody@else.test\r\n\r\nhi\r\n.\r\n");
    CHECK(envelope("X-Sender: <>\r\nX-Receiver: <a@b.test>\r\n\r\n") == "<> a@b.test");
    CHECK(envelope("X-Sender:\r\nX-Receiver: a@b.test\r\n\r\n") == "<> a@b.test");
}

TEST_CASE("without them From, To, Cc and Bcc are; Bcc goes") {
    const auto out = read_message("From: Ann <ann@example.org>\r\nTo: a@b.test, \"B, C\" <b@b.test>\r\nCc: team: c@b.test, a@b.test;\r\n"
                                  "Bcc: d@b.test\r\n\r\nhi");
    REQUIRE(out);
    CHECK(out->message.find("Bcc") == std::string::npos);
    CHECK(out->message.ends_with("\r\n\r\nhi\r\n"));
    CHECK(envelope("From: ann@example.org\nTo: a@b.test, b@b.test\nBcc: d@b.test\n\nx") == "ann@example.org a@b.test b@b.test d@b.test");
    CHECK(envelope("From: a@x.test, b@x.test\nSender: b@x.test\nTo: c@x.test\n\n") == "b@x.test c@x.test");
    CHECK(envelope("X-Receiver: c@x.test\nFrom: a@x.test\nTo: no\n\n") == "a@x.test c@x.test");
}

TEST_CASE("what is no message, or has no envelope, is told") {
    CHECK(envelope("") == "this is no message: it does not begin with a header field");
    CHECK(envelope("hello\n") == "this is no message: it does not begin with a header field");
    CHECK(envelope("\nFrom: a@b.test\nTo: a@b.test\n") == "this is no message: it does not begin with a header field");
    CHECK(envelope("To: a@b.test\n\n") == "there is no sender: neither X-Sender nor From");
    CHECK(envelope("From: a@b.test\n\n") == "there is no recipient: neither X-Receiver nor To, Cc or Bcc");
    CHECK(envelope("From: a@b.test\nX-Receiver: <>\n\n") == "X-Receiver names nobody");
    CHECK(envelope("From: a@b.test\nX-Receiver: nobody\n\n").starts_with("X-Receiver is no address: "));
    CHECK(envelope("From: a@b.test\nTo: Somebody\n\n").starts_with("To names no address: "));
    CHECK(envelope("From: a@b.test\nTo: c@b.test\n\nx\rTo: d@b.test\n") == "a CR stands alone: lines end in CR LF or LF");
    std::string many = "From: a@b.test\n";
    for (std::int64_t i = 0; i <= limit::smtp_recipients; ++i)
        many += "X-Receiver: r" + std::to_string(i) + "@b.test\n";
    CHECK(envelope(many + "\n") == "more than " + std::to_string(limit::smtp_recipients) + " recipients");
}
