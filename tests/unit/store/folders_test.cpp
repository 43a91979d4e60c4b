// Folders and subscriptions, on every engine.
#include "tests/unit/store/store_under_test.hpp"

#include <algorithm>

namespace mail::store::test {
namespace {
std::vector<std::string> names_of(const std::vector<Folder>& folders) {
    std::vector<std::string> names;
    for (const Folder& folder : folders)
        names.push_back(folder.name);
    std::sort(names.begin(), names.end());
    return names;
}
} // namespace

TEST_CASE("a new account has its default folders") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const auto folders = need(bench.mail().folders(ann));
    CHECK(names_of(folders) ==
          std::vector<std::string>{"Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"});
    CHECK(bench.folder(ann, "INBOX").special_use == SpecialUse::inbox);
    CHECK(bench.folder(ann, "Sent").special_use == SpecialUse::sent);
    CHECK(need(bench.mail().subscriptions(ann)).size() == 6);
    CHECK(code_of(bench.mail().find_folder(ann, "Inbox")) == ErrorCode::not_found);
    CHECK(need(bench.mail().folder(folders[0].id)).name == folders[0].name);
}

TEST_CASE("folders are created, renamed with what is below them, and deleted") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const auto create = [&](const std::string& name) {
        return need(bench.mail().create_folder(ann, name, FolderClass::mail, SpecialUse::none));
    };
    const Folder a = create("a");
    const Folder ab = create("a/b");
    const Folder axe = create("axe");
    CHECK(a.uid_validity != ab.uid_validity);
    CHECK(code_of(bench.mail().create_folder(ann, "a", FolderClass::mail, SpecialUse::none)) ==
          ErrorCode::conflict);
    CHECK(code_of(bench.mail().create_folder(4711, "z", FolderClass::mail, SpecialUse::none)) ==
          ErrorCode::not_found);

    SECTION("rename takes the children along and keeps identity") {
        bench.deliver(ann, "text", ab.id);
        done(bench.mail().rename_folder(a.id, "c"));
        CHECK(need(bench.mail().folder(ab.id)).name == "c/b");
        CHECK(need(bench.mail().folder(ab.id)).object_id == ab.object_id);
        CHECK(need(bench.mail().folder(ab.id)).uid_validity == ab.uid_validity);
        CHECK(need(bench.mail().folder(axe.id)).name == "axe");
        CHECK(bench.content(ab.id, 1) == "text");
        bench.reopen();
        CHECK(bench.folder(ann, "c/b").id == ab.id);
    }
    SECTION("rename below itself") {
        done(bench.mail().rename_folder(a.id, "a/b/c"));
        CHECK(need(bench.mail().folder(a.id)).name == "a/b/c");
        CHECK(need(bench.mail().folder(ab.id)).name == "a/b/c/b");
    }
    SECTION("rename onto a folder that exists changes nothing") {
        create("d/b");
        CHECK(code_of(bench.mail().rename_folder(a.id, "axe")) == ErrorCode::conflict);
        CHECK(code_of(bench.mail().rename_folder(a.id, "d")) == ErrorCode::conflict);
        CHECK(need(bench.mail().folder(a.id)).name == "a");
        CHECK(code_of(bench.mail().rename_folder(4711, "x")) == ErrorCode::not_found);
    }
    SECTION("a deleted folder's name comes back with another UIDVALIDITY") {
        bench.deliver(ann, "text", a.id);
        const ModSeq before = bench.folder(ann, "a").modseq;
        done(bench.mail().delete_folder(a.id));
        CHECK(code_of(bench.mail().folder(a.id)) == ErrorCode::not_found);
        CHECK(need(bench.mail().folder(ab.id)).name == "a/b");
        CHECK(need(bench.mail().usage(ann)).items == 0);
        const Folder again = create("a");
        CHECK(again.uid_validity > a.uid_validity);
        CHECK(again.id != a.id);
        CHECK(again.modseq > before);
        CHECK(code_of(bench.mail().delete_folder(a.id)) == ErrorCode::not_found);
    }
    SECTION("the change number does not fall back with a deleted folder and a restart") {
        bench.deliver(ann, "text", a.id);
        const ModSeq highest = bench.folder(ann, "a").modseq;
        done(bench.mail().delete_folder(a.id));
        bench.reopen();
        CHECK(bench.deliver(ann, "more").modseq > highest);
    }
    SECTION("INBOX stays") {
        CHECK(code_of(bench.mail().delete_folder(bench.folder(ann, "INBOX").id)) == ErrorCode::denied);
    }
}

TEST_CASE("RFC 9051 6.3.6: renaming INBOX moves its items and leaves it empty") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    for (int i = 0; i < 3; ++i)
        bench.deliver(ann, "m" + std::to_string(i));
    const Folder inbox = bench.folder(ann, "INBOX");
    done(bench.mail().rename_folder(inbox.id, "old"));
    CHECK(bench.folder(ann, "INBOX").id == inbox.id);
    CHECK(bench.folder(ann, "INBOX").messages == 0);
    CHECK(bench.folder(ann, "INBOX").uid_next == 4);
    const Folder old = bench.folder(ann, "old");
    CHECK(old.messages == 3);
    CHECK(bench.content(old.id, 2) == "m1");
    const UidSet gone = need(bench.mail().vanished(inbox.id, inbox.modseq));
    REQUIRE(gone.size() == 1);
    CHECK(gone[0].first == 1);
    CHECK(gone[0].last == 3);
    CHECK(bench.deliver(ann, "new").uid == 4);
}

TEST_CASE("subscriptions outlive their folder") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    done(bench.mail().subscribe(ann, "not/there", true));
    done(bench.mail().subscribe(ann, "not/there", true));
    done(bench.mail().subscribe(ann, "Junk", false));
    const auto names = need(bench.mail().subscriptions(ann));
    CHECK(std::count(names.begin(), names.end(), "not/there") == 1);
    CHECK(std::count(names.begin(), names.end(), "Junk") == 0);
    bench.reopen();
    CHECK(need(bench.mail().subscriptions(ann)) == names);
    CHECK(code_of(bench.mail().subscribe(4711, "x", true)) == ErrorCode::not_found);
}

TEST_CASE("attributes belong to folders, accounts and the server, and go with them") {
    FOR_EACH_ENGINE;
    Bench bench(engine);
    const AccountId ann = bench.add_mailbox("ann@example.org");
    const AccountId bob = bench.add_mailbox("bob@example.org");
    CHECK(need(bench.mail().account_name(ann)) == "ann@example.org");
    CHECK(code_of(bench.mail().account_name(4711)) == ErrorCode::not_found);
    const Folder work = need(bench.mail().create_folder(ann, "work", FolderClass::mail, SpecialUse::none));
    done(bench.mail().put_attributes(ann, work.id, {{"b", std::string("x\0y", 3)}, {"a", ""}}));
    done(bench.mail().put_attributes(ann, 0, {{"a", "of ann"}}));
    done(bench.mail().put_attributes(0, 0, {{"a", "of all"}}));
    CHECK(code_of(bench.mail().put_attributes(bob, work.id, {{"a", "no"}})) == ErrorCode::not_found);
    CHECK(code_of(bench.mail().put_attributes(4711, 0, {{"a", "no"}})) == ErrorCode::not_found);
    bench.reopen();
    const auto of_folder = need(bench.mail().attributes(ann, work.id));
    REQUIRE(of_folder.size() == 2);
    CHECK(of_folder[0].name == "a");
    CHECK(of_folder[1].value == std::string("x\0y", 3));
    CHECK(need(bench.mail().attributes(bob, 0)).empty());
    const auto named = need(bench.mail().attributes_named("a"));
    REQUIRE(named.size() == 3);
    CHECK(named[0].value == "of all");
    CHECK(named[1].value == "of ann");
    CHECK(named[2].folder == work.id);
    done(bench.mail().put_attributes(ann, work.id, {{"a", "new"}, {"b", std::nullopt}, {"c", std::nullopt}}));
    CHECK(need(bench.mail().attributes(ann, work.id)).size() == 1);
    done(bench.mail().delete_folder(work.id));
    CHECK(need(bench.mail().attributes_named("a")).size() == 2);
}

} // namespace mail::store::test
