// `maild check` finds each kind of damage, and repairs what can be repaired without losing anything.
#include "tests/unit/store/sqlite_bench.hpp"

#include <algorithm>
#include <sqlite3.h>

namespace mail::store::test {
namespace {

/// A store with a little of everything, closed.
void make_store(const std::filesystem::path& path) {
    StillClock clock;
    auto store = open_at(options_for(path, clock));
    const AccountId ann = add_mailbox(*store, "ann@example.org");
    for (int i = 0; i < 10; ++i)
        REQUIRE(deliver(*store, ann, "message number " + std::to_string(i), clock));
    const FolderId inbox = need(store->mail().find_folder(ann, "INBOX")).id;
    const FolderId trash = need(store->mail().find_folder(ann, "Trash")).id;
    need(store->mail().expunge(inbox, uids(2, 3), false));
    need(store->mail().copy(inbox, uids(4, 5), trash, false, 0));
    done(store->mail().subscribe(ann, "INBOX", true));
    done(store->mail().put_attributes(ann, inbox, {{"comment", "x"}}));
    const auto bodies = need(store->mail().bodies(inbox, uids(1, 20), 20));
    done(store->mail().put_derived({{bodies[0].blob.id, "e", "b", "s", "f"}}));
    AcceptPlan out;
    out.message = Id::make(clock.now());
    out.content.memory = std::make_shared<const std::string>("queued");
    out.queue.push_back({"x@a.example", "a.example", "", 0, clock.now(), clock.now(), false});
    need(store->mail().accept(out));
}

void execute(const std::filesystem::path& path, const std::string& sql) {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open((path / "maild.db").c_str(), &db) == SQLITE_OK);
    char* error = nullptr;
    const int code = sqlite3_exec(db, ("PRAGMA foreign_keys=off;" + sql).c_str(), nullptr, nullptr, &error);
    INFO(sql << ": " << (error != nullptr ? error : ""));
    CHECK(code == SQLITE_OK);
    CHECK(sqlite3_total_changes(db) > 0);
    sqlite3_free(error);
    sqlite3_close(db);
}

struct Damage {
    const char* name;
    const char* sql;
    const char* told; ///< stands in one of the problems
    bool repairable = true;
};

constexpr Damage damages[] = {
    {"derived", "INSERT INTO derived VALUES (999, '', '', '', '')", "derived data of message bytes 999"},
    {"folder without account", "UPDATE folder SET account = 77 WHERE name = 'Junk'", "belongs to account 77", false},
    {"recoverable without account", "UPDATE recoverable SET account = 77 WHERE uid = 2", "belongs to account 77", false},
    {"vanished without folder", "INSERT INTO vanished VALUES (777, 5, 1, 3)", "of folder 777"},
    {"subscription", "INSERT INTO subscription VALUES (777, 'Work')", "subscription to Work of account 777"},
    {"attribute of no folder", "INSERT INTO attribute VALUES (1, 777, 'acl', 'x')", "attribute acl of account 1 and folder 777"},
    {"attribute of no account", "INSERT INTO attribute VALUES (777, 0, 'vendor', 'x')", "attribute vendor of account 777"},
    {"queue item without message", "UPDATE queue_item SET message = 777", "belongs to queued message 777", false},
    {"queued message without item", "DELETE FROM queue_item; DELETE FROM queue_domain", "has no recipient left"},
    {"address", "INSERT INTO address VALUES ('x@example.org', 'mailbox', 'x@example.org')", "address x@example.org leads to"},
    {"inbox", "UPDATE folder SET special_use = 0 WHERE name = 'INBOX'", "has no INBOX", false},
    {"overlap", "UPDATE blob SET offset = offset - 3 WHERE id = (SELECT max(id) FROM blob)", "overlap others", false},
    {"size", "UPDATE item SET size = size + 7 WHERE uid = 1", "has size"},
    {"references too many", "UPDATE blob SET refs = refs + 1 WHERE id = (SELECT min(id) FROM blob)", "references, counted"},
    {"references too few", "UPDATE blob SET refs = refs - 1 WHERE id = (SELECT min(id) FROM blob)", "references, counted"},
    {"expunged and there", "UPDATE vanished SET last = 4 WHERE uid = 2", "which it says was expunged"},
    {"messages", "UPDATE folder SET messages = messages + 1 WHERE name = 'INBOX'", "counts 9 items"},
    {"unseen", "UPDATE folder SET unseen = 0 WHERE name = 'INBOX'", "0 unseen"},
    {"bytes", "UPDATE folder SET bytes = 1 WHERE name = 'INBOX'", "and 1 bytes, but"},
    {"uid_next", "UPDATE folder SET uid_next = 5 WHERE name = 'INBOX'", "gives UID 5 next"},
    {"uid_next after an expunge", "UPDATE folder SET uid_next = 2; DELETE FROM item WHERE folder IN (SELECT id FROM folder WHERE name = "
                                  "'INBOX')", "gives UID 2 next"},
    {"modseq", "UPDATE folder SET modseq = 1 WHERE name = 'INBOX'", "is at change 1"},
    {"segment", "UPDATE segment SET live_bytes = 5, live_blobs = 1", "counts 1 messages and 5 bytes"},
    {"segment end", "UPDATE segment SET used = 5", "segment 1 counts"},
    {"segment row", "DELETE FROM segment", "segment 1 counts 0 messages"},
    {"blob counter", "UPDATE counter SET value = 1 WHERE name = 'blob'", "the next blob id"},
    {"folder counter", "DELETE FROM counter WHERE name = 'folder'", "the next folder id"},
    {"queue of a domain", "UPDATE queue_domain SET due = due + 1", "queue of a.example waits"},
    {"queue of no domain", "INSERT INTO queue_domain VALUES ('b.example', 1)", "queue of b.example waits"},
    {"item without bytes", "UPDATE item SET blob = 999 WHERE uid = 1", "has no bytes", false},
    {"journal", "INSERT INTO body_journal VALUES ((SELECT min(id) FROM blob), 'message number 1')", "journal of message bytes", false},
    {"checksum", "UPDATE blob SET checksum = checksum + 1 WHERE id = (SELECT min(id) FROM blob)", "checksum does not match", false},
    {"missing segment", "UPDATE blob SET segment = 9 WHERE id = (SELECT min(id) FROM blob)", "the segment is missing", false},
};

} // namespace

TEST_CASE("check tells each kind of damage and repairs what it can") {
    for (const Damage& damage : damages) {
        INFO(damage.name);
        ScratchDirectory directory;
        make_store(directory.path());
        REQUIRE(check_store(directory.path().string())->healthy());
        execute(directory.path(), damage.sql);
        const auto found = check_store(directory.path().string());
        REQUIRE(found);
        CHECK_FALSE(found->healthy());
        CHECK(std::any_of(found->problems.begin(), found->problems.end(), [&](const std::string& problem) {
            return problem.find(damage.told) != std::string::npos;
        }));
        if (!damage.repairable && std::string_view(damage.name) == "journal")
            continue; // the bytes in the segment are lost once it was replayed
        const auto mended = check_store(directory.path().string(), false, true);
        REQUIRE(mended);
        CHECK(mended->healthy() == damage.repairable);
        if (!damage.repairable)
            continue;
        const auto after = check_store(directory.path().string());
        for (const std::string& problem : after->problems)
            FAIL_CHECK(problem);
        CHECK(mended->repaired > 0);
        StillClock clock;
        auto store = open_at(options_for(directory.path(), clock));
        CHECK(deliver(*store, *store->resources().find_account_now("ann@example.org"), "life goes on", clock));
    }
}

TEST_CASE("a UID of an expunged item is not given again after a repair") {
    ScratchDirectory directory;
    make_store(directory.path());
    execute(directory.path(), "UPDATE folder SET uid_next = 2 WHERE name = 'INBOX'");
    CHECK(check_store(directory.path().string(), false, true)->healthy());
    StillClock clock;
    auto store = open_at(options_for(directory.path(), clock));
    CHECK(deliver(*store, *store->resources().find_account_now("ann@example.org"), "new", clock)->uid == 11);
}

} // namespace mail::store::test
