#include "common/mail/utf7.hpp"

#include "tests/catch.hpp"

#include <vector>

using namespace mail;

TEST_CASE("RFC 3501 §5.1.3: modified UTF-7 examples and round trips") {
    const std::vector<std::pair<std::string, std::string>> rows = {
        {"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"},
        {"&Jjo-!", "☺!"},
        {"&ZeVnLIqe-", "日本語"},
        {"Entw&APw-rfe", "Entwürfe"},
        {"Tom &- Jerry", "Tom & Jerry"},
        {"&2D3eAA-", "\xF0\x9F\x98\x80"},
        {"INBOX", "INBOX"},
        {"", ""},
        {"&AOQ-b&AOQ-", "äbä"},
    };
    for (const auto& [encoded, utf8] : rows) {
        CHECK(decode_utf7(encoded) == utf8);
        CHECK(encode_utf7(utf8) == encoded);
    }
}

TEST_CASE("RFC 3501 §5.1.3: forms that are forbidden") {
    for (const auto* bad : {"&", "a&", "&Jjo", "&Jjo!", "&U,BTFw-&ZeVnLIqe-", "&AGE-", "&ACY-", "&Jj-", "&2D0-", "&3gA-",
                            "caf\xC3\xA9", "a\tb", "&J jo-", "&Jjp-", "&Jjo=-", "\x7F"})
        CHECK(!decode_utf7(bad));
}

TEST_CASE("Names from clients") {
    CHECK(decode_mailbox_name("&Jjo-", false) == "☺");
    CHECK(decode_mailbox_name("&Jjo-", true) == "&Jjo-");
    CHECK(decode_mailbox_name("☺", true) == "☺");
    CHECK(decode_mailbox_name("☺", false) == "☺");
    CHECK(!decode_mailbox_name("\xFF", true));
}
