// The Indexer over a store in memory: what it makes after delivery, and how it comes through failures.
#include "maild/service/indexer.hpp"

#include "common/mail/encoded.hpp"
#include "maild/service/mailboxes.hpp"
#include "maild/store/memory/text_index.hpp"
#include "tests/unit/service/one_copy.hpp"
#include "tests/unit/service/world.hpp"

#include <atomic>
#include <thread>

using namespace mail;
using namespace mail::service;
using namespace mail::service::test;

namespace {

/// A text index whose puts fail while it is told to.
class FailingIndex final : public store::TextIndex {
  public:
    store::BlobId indexed() const override { return inner_->indexed(); }
    Result<void> put(const std::vector<store::IndexedText>& texts, store::BlobId up_to) override {
        if (failing)
            return fail(code, "as the test wants");
        return inner_->put(texts, up_to);
    }
    Result<store::TextHits> find(std::string_view text) override { return inner_->find(text); }
    Result<void> clear() override {
        ++cleared;
        failing = false;
        dead = 0;
        return inner_->clear();
    }
    Result<void> belong_to(std::string_view tag) override {
        return closed ? fail(ErrorCode::no_space, "as the test wants") : inner_->belong_to(tag);
    }
    store::TextIndexStats stats() const override {
        auto out = inner_->stats();
        out.messages += dead;
        return out;
    }
    std::atomic<bool> failing = false;
    std::atomic<bool> closed = false;
    std::atomic<int> cleared = 0;
    std::atomic<std::uint64_t> dead = 0; ///< rows of removed messages that it says it has
    ErrorCode code = ErrorCode::no_space;

  private:
    std::unique_ptr<store::TextIndex> inner_ = store::make_memory_text_index();
};

struct Bench {
    Bench() : runtime(1), pool(1, 16), indexer(*world.store, index, bus, pool, system_clock()),
              mailboxes(*world.store, bus, world.directory, system_clock()) {
        world.add("domain", "example.test");
        world.add("mailbox", "ann@example.test");
        world.store->on_commit([this](const store::Changes& changes) { bus.publish(changes); });
        account = *run(world.store->mail().find_account("ann@example.test"));
        inbox = run(world.store->mail().find_folder(account, "INBOX"))->id;
        mailboxes.use_text_index(index, pool);
        runtime.start();
    }
    ~Bench() {
        indexer.close();
        tasks.close();
        tasks.wait(std::chrono::seconds(10));
        runtime.stop();
    }
    void start() {
        tasks.spawn(runtime.executor(0), indexer.run());
    }
    void deliver(const std::string& bytes, const std::string& prefix = "") {
        REQUIRE(run(world.store->mail().accept(one_copy(account, inbox, bytes, prefix))));
    }
    bool until(const std::function<bool()>& holds) const {
        for (int i = 0; i < 2000; ++i) {
            if (holds())
                return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        return false;
    }
    /// The absent bits of each item, UIDs ascending.
    std::vector<std::uint64_t> absent(const std::vector<std::string>& texts) {
        std::vector<std::string> folded;
        for (const auto& text : texts)
            folded.push_back(casemap(text));
        const store::UidSet all{{1, 1000000}};
        const auto rows = run(mailboxes.absent_texts(account, inbox, all, folded));
        REQUIRE(rows);
        std::vector<std::uint64_t> out;
        for (const auto& row : *rows)
            out.push_back(row.absent);
        return out;
    }

    World world;
    async::Runtime runtime;
    async::WorkerPool pool;
    async::TaskGroup tasks;
    FailingIndex index;
    ChangeBus bus;
    Indexer indexer;
    Mailboxes mailboxes;
    store::AccountId account = 0;
    store::FolderId inbox = 0;
};

std::string message(const std::string& word) { return "Subject: test\r\n\r\nthe word is " + word + "\r\n"; }

} // namespace

TEST_CASE("After a delivery, derived data and texts are there without a FETCH") {
    Bench bench;
    for (int i = 0; i < 150; ++i) // more than one slice
        bench.deliver(message("early" + std::to_string(i)));
    bench.start();
    REQUIRE(bench.until([&] { return bench.indexer.counts().complete; }));
    bench.deliver(message("late"));
    REQUIRE(bench.until([&] { return bench.indexer.counts().indexed == 151; }));
    REQUIRE(bench.until([&] { return bench.indexer.counts().complete; }));
    const auto rows = run(bench.world.store->mail().derived(bench.inbox, {{1, 1000}}, 1000));
    REQUIRE(rows);
    REQUIRE(rows->size() == 151);
    for (const auto& row : *rows)
        CHECK(row.derived.blob != 0);
    const auto absent = bench.absent({"late", "EARLY149", "nowhere"});
    REQUIRE(absent.size() == 151);
    CHECK(absent[0] == 0b111);
    CHECK(absent[149] == 0b101);
    CHECK(absent[150] == 0b110);
}

TEST_CASE("What is not indexed yet, and what only a prefix holds, is never called absent") {
    Bench bench;
    bench.deliver(message("one"), "Delivered-To: ann@example.test\r\n");
    bench.deliver(message("two"));
    bench.start();
    REQUIRE(bench.until([&] { return bench.indexer.counts().indexed == 2; }));
    CHECK(bench.absent({"delivered-to"}) == std::vector<std::uint64_t>{0, 1});
    bench.index.failing = true;
    bench.deliver(message("three"));
    REQUIRE(bench.until([&] { return bench.indexer.counts().failed; }));
    CHECK(bench.absent({"nowhere"}) == std::vector<std::uint64_t>{1, 1, 0});
    REQUIRE(bench.until([&] { return bench.indexer.counts().derived == 3; }));
}

TEST_CASE("A damaged text index, or one that is asked for, is built again from the first message") {
    Bench bench;
    for (int i = 0; i < 10; ++i)
        bench.deliver(message("w" + std::to_string(i)));
    bench.start();
    REQUIRE(bench.until([&] { return bench.indexer.counts().indexed == 10; }));
    bench.index.code = ErrorCode::internal;
    bench.index.failing = true;
    bench.deliver(message("more"));
    REQUIRE(bench.until([&] { return bench.indexer.counts().texts.messages == 11; }));
    CHECK(bench.index.cleared == 1);
    bench.indexer.rebuild();
    REQUIRE(bench.until([&] { return bench.index.cleared == 2 && bench.indexer.counts().complete; }));
    CHECK(bench.indexer.counts().texts.messages == 11);
    CHECK(bench.absent({"nowhere"}) == std::vector<std::uint64_t>(11, 1));
}

TEST_CASE("An index that is ahead of its store belongs to another state of it and goes") {
    Bench bench;
    bench.deliver(message("one"));
    bench.start();
    REQUIRE(bench.until([&] { return bench.indexer.counts().complete; }));
    REQUIRE(bench.index.put({{900000, "STALE", true}}, 900000));
    bench.deliver(message("two"));
    REQUIRE(bench.until([&] { return bench.index.cleared == 1 && bench.indexer.counts().texts.messages == 2; }));
    CHECK(bench.absent({"the word is", "two"}) == std::vector<std::uint64_t>{0b10, 0});
}

TEST_CASE("An index that holds more of removed messages than of those that are there is built anew") {
    Bench bench;
    bench.deliver(message("one"));
    bench.start();
    REQUIRE(bench.until([&] { return bench.indexer.counts().complete; }));
    bench.index.dead = 9'000;
    bench.deliver(message("two"));
    REQUIRE(bench.until([&] { return bench.indexer.counts().texts.messages == 9'002; }));
    CHECK(bench.index.cleared == 0);
    bench.index.dead = 11'000;
    bench.deliver(message("three"));
    REQUIRE(bench.until([&] { return bench.indexer.counts().complete && bench.indexer.counts().texts.messages == 11'003; }));
    bench.deliver(message("four"));
    REQUIRE(bench.until([&] { return bench.indexer.counts().texts.messages == 4; }));
    CHECK(bench.index.cleared == 1);
    CHECK(bench.absent({"four"}) == std::vector<std::uint64_t>{1, 1, 1, 0});
}

TEST_CASE("An index that cannot be opened is no reason to leave derived data alone, and answers nothing") {
    Bench bench;
    bench.index.closed = true;
    bench.deliver(message("one"));
    bench.start();
    REQUIRE(bench.until([&] { return bench.indexer.counts().derived == 1; }));
    CHECK(bench.indexer.counts().failed);
    CHECK(bench.indexer.counts().indexed == 0);
    CHECK(bench.absent({"nowhere"}).empty());
    bench.index.closed = false;
    bench.indexer.rebuild();
    REQUIRE(bench.until([&] { return bench.indexer.counts().indexed == 1; }));
    CHECK_FALSE(bench.indexer.counts().failed);
    CHECK(bench.absent({"nowhere"}) == std::vector<std::uint64_t>{1});
}

TEST_CASE("Nobody learns anything of a folder without the right to read it") {
    Bench bench;
    bench.world.add("mailbox", "bob@example.test");
    bench.deliver(message("secret"));
    bench.start();
    REQUIRE(bench.until([&] { return bench.indexer.counts().indexed == 1; }));
    const auto bob = *run(bench.world.store->mail().find_account("bob@example.test"));
    const store::UidSet all{{1, 10}};
    const std::vector<std::string> texts{"SECRET"};
    const auto rows = run(bench.mailboxes.absent_texts(bob, bench.inbox, all, texts));
    REQUIRE_FALSE(rows);
    CHECK(rows.error().code == ErrorCode::not_found);
}
