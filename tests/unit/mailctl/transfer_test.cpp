#include "mailctl/transfer/imap_pull.hpp"
#include "mailctl/transfer/maildir.hpp"
#include "mailctl/transfer/mbox.hpp"
#include "mailctl/transfer/names.hpp"
#include "mailctl/transfer/output.hpp"
#include "mailctl/transfer/progress.hpp"
#include "mailctl/transfer/walk.hpp"
#include "tests/catch.hpp"
#include "tests/unit/mailctl/fake_server.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <sys/stat.h>
#include <unistd.h>

using namespace mail;
using namespace mail::mailctl;
namespace fs = std::filesystem;

namespace {

struct TemporaryFolder {
    TemporaryFolder() {
        std::string name = (fs::temp_directory_path() / "transfer.XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~TemporaryFolder() { fs::remove_all(path); }
    fs::path path;
};

Time at(std::int64_t seconds) { return Time{std::chrono::seconds(seconds)}; }

/// Messages with everything that file formats stumble over.
std::vector<MailItem> odd_mailbox(unsigned seed) {
    std::mt19937 random(seed);
    const std::vector<std::string> folders{"INBOX", "INBOX/below", "Work", "Work/2024.01", "Grüße & Küsse", "a.mbox", "cur", "..b", ".hidden",
                                           "100% nothing"};
    const std::vector<std::string> bodies{"From here on\r\n", "From x Mon Feb  5 10:00:00 2024\r\n", ">From\r\n", ">From there\r\n", ">>>From far\r\n", "\r\n",
                                          "bare\nlines\n", "bare\rreturn\r\n", "no end", "\r\n\r\n\r\n", "Status: R\r\n", ".\r\n..\r\n", "\r\r\n",
                                          std::string("nul\0nul\r\n", 9), "\n", std::string(3000, '>') + "\r\n", "From " + std::string(2000, 'x') + "\r\n"};
    const std::vector<std::string> heads{"Subject: x\r\n\r\n", "Status: RO\r\nX-Status: A\r\nX-Keywords: mine\r\nX-Mbox-Bytes: 3\r\n\r\n", "X-Mbox-Bytes: 1\r\n", "X-Mbox-Bytes: x\r\n\r\n", "\r\n", "From a b\r\n", ""};
    const std::vector<std::string> flags{"\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Forwarded", "$Label1", "NonJunk"};
    std::vector<MailItem> out;
    for (const auto& folder : folders) {
        if (folder.find('%') != std::string::npos)
            continue; // no folder can be called that
        for (std::size_t i = 0, count = random() % 6; i < count; ++i) {
            MailItem item;
            item.folder = folder;
            item.date = at(static_cast<std::int64_t>(random() % 2000000000));
            item.bytes = heads[random() % heads.size()];
            for (std::size_t lines = random() % 5; lines > 0; --lines)
                item.bytes += bodies[random() % bodies.size()];
            if (item.bytes.empty())
                item.bytes = "x";
            for (const auto& flag : flags)
                if (random() % 3 == 0)
                    item.flags.push_back(flag);
            out.push_back(std::move(item));
        }
    }
    return out;
}

using Facts = std::tuple<std::string, std::string, std::vector<std::string>, std::int64_t>;
Facts facts_of(MailItem item) {
    std::sort(item.flags.begin(), item.flags.end());
    return {item.folder, item.bytes, item.flags, item.date.time_since_epoch().count()};
}

std::vector<Facts> read_all(const fs::path& path, const std::string& format = "auto", std::size_t* skipped = nullptr) {
    WalkOptions options;
    options.format = format;
    auto source = open_files(path.string(), options);
    REQUIRE(source);
    std::vector<Facts> out;
    for (;;) {
        auto item = (*source)->next();
        REQUIRE(item);
        if (!*item)
            break;
        out.push_back(facts_of(std::move(**item)));
    }
    if (skipped != nullptr)
        *skipped = (*source)->take_skipped().size();
    else
        for (const auto& each : (*source)->take_skipped())
            FAIL_CHECK(each.origin + ": " + each.why);
    std::sort(out.begin(), out.end());
    return out;
}

void put(const fs::path& path, std::string_view text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
}

} // namespace

TEST_CASE("export and import: every format gives back bytes, flags, dates and folders") {
    for (unsigned seed = 1; seed <= 60; ++seed)
        for (const std::string format : {"maildir", "mbox", "eml"}) {
            const TemporaryFolder folder;
            const auto directory = (folder.path / "out").string();
            const auto items = odd_mailbox(seed);
            auto target = format == "maildir" ? open_maildir_target(directory) : format == "mbox" ? open_mbox_target(directory) : open_eml_target(directory);
            REQUIRE(target);
            std::vector<Facts> expected;
            std::string open;
            for (const auto& item : items) {
                if (item.folder != open && !open.empty())
                    REQUIRE((*target)->end_folder());
                if (item.folder != open)
                    REQUIRE((*target)->begin_folder(item.folder));
                open = item.folder;
                REQUIRE((*target)->put(item));
                expected.push_back(facts_of(item));
            }
            if (!open.empty())
                REQUIRE((*target)->end_folder());
            std::sort(expected.begin(), expected.end());
            INFO(format << " seed " << seed);
            CHECK(read_all(directory) == expected);
            if (!items.empty())
                CHECK_FALSE(open_maildir_target(directory)); // nothing is mixed into it
        }
}

TEST_CASE("MboxReader: pieces of any size give the same messages") {
    std::string file;
    for (const auto& item : odd_mailbox(5))
        file += mbox_message(item);
    const auto read = [&](std::size_t piece) {
        MboxReader reader(MboxQuoting::mboxrd, 1U << 20U);
        std::vector<std::string> out;
        for (std::size_t i = 0; i < file.size(); i += piece)
            reader.put(std::string_view(file).substr(i, piece));
        reader.finish();
        while (auto message = reader.next())
            out.push_back(message->bytes);
        return out;
    };
    const auto whole = read(file.size());
    CHECK(whole.size() > 5);
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 1000U, 1001U})
        CHECK(read(piece) == whole);
}

TEST_CASE("MboxReader: what other programs write (RFC 4155)") {
    const auto read = [](std::string_view file, MboxQuoting quoting, std::size_t most = 1U << 20U) {
        MboxReader reader(quoting, most);
        reader.put(file);
        reader.finish();
        std::vector<MboxReader::Message> out;
        while (auto message = reader.next())
            out.push_back(std::move(*message));
        return out;
    };
    const std::string file = "From a@b.test Mon Feb  5 10:00:00 2024\nSubject: one\nStatus: RO\nX-Status: AF\nX-Keywords: $Label1 x\n\n>From me\n>>From you\nFrom nowhere in particular\n\n"
                             "From c@d.test Mon, garbage\n\nFrom MAILER-DAEMON Tue Feb  6 11:00:00 +0100 2024\nSubject: two\n\nx\n";
    const auto rd = read(file, MboxQuoting::mboxrd);
    REQUIRE(rd.size() == 2);
    CHECK(rd[0].bytes == "Subject: one\r\nStatus: RO\r\nX-Status: AF\r\nX-Keywords: $Label1 x\r\n\r\nFrom me\r\n>From you\r\nFrom nowhere in particular\r\n\r\nFrom c@d.test Mon, garbage\r\n");
    CHECK(rd[0].flags == std::vector<std::string>{"\\Seen", "\\Answered", "\\Flagged", "$Label1", "x"});
    CHECK(rd[0].date == at(1707127200));
    CHECK(rd[1].date == at(1707213600));
    CHECK(read(file, MboxQuoting::mboxo)[0].bytes.find("\r\n>>From you\r\n") != std::string::npos);
    CHECK(read("From a Mon Feb  5 10:00:00 2024\n\n" + std::string(5000, 'x'), MboxQuoting::mboxrd, 1000)[0].is_too_large);
    MboxReader foreign(MboxQuoting::mboxrd, 1000);
    foreign.put("Subject: an EML file\n\nx\n");
    CHECK(foreign.is_foreign());
}

TEST_CASE("maildir names carry flags, keywords and the exactness of line ends") {
    CHECK(parse_maildir_name("1.M2.host,S=10,W=12:2,DFPRSTab").flags == std::vector<std::string>{"\\Draft", "\\Flagged", "$Forwarded", "\\Answered", "\\Seen", "\\Deleted"});
    CHECK(parse_maildir_name("1.M2.host:2,Sab").keyword_letters == "ab");
    CHECK(parse_maildir_name("1.M2.host;2,S").flags.size() == 1);
    CHECK(parse_maildir_name("1.M2.host").flags.empty());
    CHECK(parse_maildir_name("1,S=10,W=10:2,").is_exact);
    CHECK_FALSE(parse_maildir_name("1,S=10,W=12:2,").is_exact);
    CHECK_FALSE(parse_maildir_name("1,S=,W=:2,").is_exact);
    CHECK(parse_keyword_letters("0 $Label1\n25 last\n26 none\nx y\n") == std::map<char, std::string>{{'a', "$Label1"}, {'z', "last"}});
}

TEST_CASE("folder names and file names") {
    CHECK(maildir_folder("Work/2024.01") == ".Work.2024&AC4-01");
    CHECK(folder_of_maildir(".Work.2024&AC4-01") == "Work/2024.01");
    CHECK(folder_of_maildir(".Entw&APw-rfe") == "Entwürfe");
    CHECK(folder_of_maildir(".Entwürfe") == "Entwürfe");
    for (const char* bad : {"..", "...", "x", ".a..b", ".a.", ".&bad", ".a*b", ".a\nb"})
        CHECK_FALSE(folder_of_maildir(bad));
    for (const char* bad : {".", "..", "a*", "a\tb", "%2E%2E/x", "a%00b", "\xFF"})
        CHECK_FALSE(level_of(bad));
    CHECK(level_of(file_name_of("..")) == "..");
    CHECK(file_name_of("..") == "%2E.");
    CHECK(path_of_folder("a/b.mbox/cur") == "a/b%2Embox/%63ur");
}

TEST_CASE("import never leaves the tree and tells what it leaves out") {
    const TemporaryFolder folder;
    const auto root = folder.path / "tree";
    put(folder.path / "secret", "Subject: secret\n\nx\n");
    put(folder.path / "elsewhere/cur/1:2,S", "Subject: secret\n\nx\n");
    put(root / "cur/1.a:2,S", "Subject: good\n\nx\n");
    put(root / "new/2.b", "no header at all\x01\x02");
    put(root / "cur/3.empty", "");
    fs::create_symlink(folder.path / "secret", root / "cur/4.link:2,");
    fs::create_directory_symlink(folder.path / "elsewhere", root / ".Linked");
    ::mkfifo((root / "cur/5.fifo").c_str(), 0600);
    put(root / ".a..b/cur/1", "Subject: odd\n\nx\n");
    put(root / ".Name\nwith/cur/1", "Subject: odd\n\nx\n");
    put(root / ".Good/cur/1:2,FS", "Subject: fine\r\n\r\nx\r\n");
    fs::path deep = root;
    for (int i = 0; i < 40; ++i)
        deep /= "d";
    put(deep / "cur/1", "Subject: deep\n\nx\n");
    std::ofstream(root / "cur/6.huge", std::ios::binary).close();
    fs::resize_file(root / "cur/6.huge", 100000000);
    std::size_t skipped = 0;
    const auto found = read_all(root, "auto", &skipped);
    REQUIRE(found.size() == 3);
    for (const auto& [name, bytes, flags, date] : found) {
        CHECK((name == "INBOX" || name == "Good"));
        CHECK(bytes.find("secret") == std::string::npos);
    }
    CHECK(skipped == 8); // empty, two links, FIFO, two names, too deep, too large
    CHECK_FALSE(open_files((folder.path / "absent").string(), {}));
}

TEST_CASE("PullState: what it says it reads back, anything else is no state") {
    PullState state;
    for (const auto& [from, to] : std::vector<std::pair<std::uint32_t, std::uint32_t>>{{1, 10}, {2, 11}, {4, 12}, {9, 20}, {10, 21}})
        state.add(from, to);
    CHECK(state.runs.size() == 3);
    for (const auto& [from, to] : std::vector<std::pair<std::uint32_t, std::uint32_t>>{{0, 0}, {1, 10}, {2, 11}, {3, 0}, {4, 12}, {5, 0}, {9, 20}, {10, 21}, {11, 0}})
        CHECK(state.local(from) == to);
    state.uid_validity = 7;
    state.last = 10;
    state.modseq = 1ULL << 40U;
    const auto again = PullState::parse(state.text());
    CHECK(again.text() == state.text());
    CHECK(again.local(10) == 21);
    for (const char* bad : {"", "x", "[]", "{}", R"({"uid_validity":7,"last":9,"runs":[[1,2]]})", R"({"uid_validity":7,"runs":[[1,0,1]]})",
                            R"({"uid_validity":7,"runs":[[5,1,3],[6,9,1]]})"})
        CHECK(PullState::parse(bad).last == 0);
}

TEST_CASE("names of other servers' folders (RFC 3501 §5.1)") {
    CHECK(local_folder_name("inbox", '.', "", false) == "INBOX");
    CHECK(local_folder_name("INBOX.Sent", '.', "INBOX.", false) == "Sent");
    CHECK(local_folder_name("a.b/c", '.', "", false) == "a/b_c");
    CHECK(local_folder_name("Entw&APw-rfe", '/', "", false) == "Entwürfe");
    CHECK(local_folder_name("R&D", '/', "", false) == "R&D");
    CHECK_FALSE(local_folder_name("\xFF", '/', "", false));
}

TEST_CASE("a progress bar says how far, how many, how fast and where") {
    CHECK(progress_line(50, 100, 1234, 2.0, "INBOX", 80) == "[##########----------]  50 %  1,234 messages  617/s  INBOX");
    CHECK(progress_line(200, 100, 1, 0.1, "x", 80) == "[####################] 100 %  1 messages  x");
    CHECK(progress_line(0, 0, 1000000, 0, "a\x1b[31mb", 80) == "1,000,000 messages  a\\x1b[31mb");
    CHECK(display_width(progress_line(1, 2, 3, 4, std::string(200, 'y'), 40)) == 40);
}

TEST_CASE("mailbox import shows its progress on a terminal alone, and sends what it read") {
    const TemporaryFolder folder;
    put(folder.path / "one.eml", "Date: Mon, 5 Feb 2024 10:00:00 +0000\n\nx\n");
    for (const bool tty : {false, true}) {
        test::FakeState state;
        state.answers["GET /v1/mailboxes/ann@example.org/mail"] = {200, R"({"items": []})"};
        state.answers["POST /v1/mailboxes/ann@example.org/mail/import?folder=INBOX"] = {200, R"({"added": 1, "uids": [7]})"};
        const auto done = test::run_mailctl(state, {"mailbox", "import", "ann@example.org", folder.path.string()}, "", tty);
        CHECK(done.code == 0);
        CHECK(done.out == "imported 1 message into 1 folder\n");
        CHECK((done.err.find("[####") != std::string::npos) == tty);
        REQUIRE(state.calls.size() == 2);
        CHECK(state.calls[1].body == "{\"size\":43,\"date\":\"2024-02-05T10:00:00Z\"}\nDate: Mon, 5 Feb 2024 10:00:00 +0000\r\n\r\nx\r\n");
    }
}

TEST_CASE("mailbox import tells what is wrong before anything is sent") {
    const auto code = [](std::vector<std::string> more) {
        test::FakeState state;
        state.answers["GET /v1/mailboxes/ann@example.org/mail"] = {200, R"({"items": []})"};
        std::vector<std::string> words{"mailbox", "import", "ann@example.org"};
        words.insert(words.end(), more.begin(), more.end());
        const auto done = test::run_mailctl(state, words);
        CHECK(state.calls.size() <= 1);
        CHECK(done.err.starts_with("error: "));
        return done.code;
    };
    CHECK(code({}) == 2);
    CHECK(code({"/nowhere/at/all"}) == 3);
    CHECK(code({"--imap", "mail.test"}) == 2);
    CHECK(code({"--imap", "mail.test", "--user", "x"}) == 2);
    CHECK(code({"--imap", "mail.test:0", "--user", "x", "--password-stdin"}) == 2);
    CHECK(code({"--imap", "mail.test:99999", "--user", "x", "--password-stdin"}) == 2);
    CHECK(code({"--imap", "[::1]x", "--user", "x", "--password-stdin"}) == 2);
    CHECK(code({"--imap", "mail.test", "--user", "x", "--password-stdin", "--format", "mbox"}) == 2);
}
