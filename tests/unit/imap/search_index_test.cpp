// SEARCH with the text index answers exactly what it answers without.
#include "common/mail/encoded.hpp"
#include "maild/service/indexer.hpp"
#include "maild/store/memory/text_index.hpp"
#include "maild/store/sqlite/text_index.hpp"
#include "tests/unit/imap/world.hpp"
#include "tests/unit/service/one_copy.hpp"

#include "tests/catch.hpp"

#include <filesystem>
#include <random>
#include <thread>

using namespace mail;
using namespace mail::imap;
using namespace mail::imap::test;

namespace {

template <class T> Task<void> keep(Task<T> task, T& out) { out = co_await std::move(task); }
template <class T> T run(Task<T> task) {
    T out;
    async::run_until_done(keep(std::move(task), out));
    return out;
}

/// Counts what the index was asked, so that a test knows it took part, and takes only so many puts.
class PacedIndex final : public store::TextIndex {
  public:
    explicit PacedIndex(std::unique_ptr<store::TextIndex> inner) : inner_(std::move(inner)) {}
    store::BlobId indexed() const override { return inner_->indexed(); }
    Result<void> put(const std::vector<store::IndexedText>& texts, store::BlobId up_to) override {
        while (allowed <= 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        --allowed;
        return inner_->put(texts, up_to);
    }
    Result<store::TextHits> find(std::string_view text) override {
        ++finds;
        return inner_->find(text);
    }
    Result<void> clear() override { return inner_->clear(); }
    Result<void> belong_to(std::string_view tag) override { return inner_->belong_to(tag); }
    store::TextIndexStats stats() const override { return inner_->stats(); }
    std::atomic<int> finds = 0;
    std::atomic<int> allowed = 1;

  private:
    std::unique_ptr<store::TextIndex> inner_;
};

/// Random messages and keys of a few words, so that many keys hit something.
class Maker {
  public:
    explicit Maker(unsigned seed) : random_(seed) {}
    std::size_t below(std::size_t n) { return random_() % n; }
    std::string word() {
        static const std::vector<std::string> words{
            "alpha", "Beta", "gr\xC3\xBC\xC3\x9F" "e", "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82", "\xE6\xBC\xA2\xE5\xAD\x97\xE4\xBB\xAE\xE5\x90\x8D", "x1", "alphabet", "<b>bold</b>",
            "caf\xC3\xA9", "cafe\xCC\x81", "100%", "a\"b"};
        return words[below(words.size())];
    }
    std::string words(std::size_t most) {
        std::string out = word();
        for (std::size_t i = below(most); i > 0; --i)
            out += " " + word();
        return out;
    }
    std::string message() {
        const auto subject = below(2) ? words(3) : encode_header(words(3));
        const std::string head = "From: " + std::string(below(2) ? "ann" : "bob") + "@example.test\r\nSubject: " + subject + "\r\n";
        switch (below(6)) {
        case 0: return head + "\r\n" + words(8) + "\r\n";
        case 1:
            return head + "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
                   encode_base64_lines(words(8));
        case 2:
            return head + "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\nContent-Type: text/html; "
                          "charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
                   encode_quoted_printable(words(5)) + "\r\n--q\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner " + words(2) +
                   "\r\n\r\n" + words(4) + "\r\n--q--\r\n";
        case 3:
            return "Subject: =?koi8-r?B?8NLJ18XU?= " + word() + "\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n\xF0\xD2\xC9\xD7\xC5\xD4 " +
                   std::string(below(2) ? "alpha" : "x1") + "\r\n";
        case 4: return head + "Content-Type: text/plain; charset=iso-8859-1\r\n\r\ngr\xFC\xDF" "e caf\xE9\r\n"; // 8bit
        default: return " starts oddly " + words(2) + "\r\n\r\n" + words(3);
        }
    }
    std::string text() {
        const auto whole = words(2);
        std::string literal = below(4) == 0 ? whole.substr(0, 2) : whole;
        return "{" + std::to_string(literal.size()) + "+}\r\n" + literal;
    }
    std::string key(int depth = 0) {
        switch (below(depth > 2 ? 5 : 8)) {
        case 0:
        case 1: return "TEXT " + text();
        case 2: return "BODY " + text();
        case 3: return "HEADER Subject " + text();
        case 4: return "FROM ann";
        case 5: return "NOT " + key(depth + 1);
        case 6: return "OR " + key(depth + 1) + " " + key(depth + 1);
        default: return "(" + key(depth + 1) + " " + key(depth + 1) + ")";
        }
    }

  private:
    std::mt19937 random_;
};

struct Scratch {
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "maild-search-XXXXXX").string();
        path = ::mkdtemp(name.data());
    }
    ~Scratch() { std::filesystem::remove_all(path); }
    std::string path;
};

/// One mailbox that is searched with the text index and, through a second set of services, without.
struct Bench {
    explicit Bench(bool memory)
        : index(memory ? store::make_memory_text_index() : store::make_text_index(scratch.path, std::uint64_t{1} << 28)),
          indexer(*world.store, index, world.bus, own_pool, system_clock()),
          plain(*world.store, world.bus, world.directory, system_clock()) {
        world.mailboxes.use_text_index(index, world.pool);
        account = *run(world.store->mail().find_account("ann@example.test"));
        inbox = run(world.store->mail().find_folder(account, "INBOX"))->id;
        runtime.start();
        tasks.spawn(runtime.executor(0), indexer.run());
    }
    ~Bench() {
        index.allowed = 1'000'000;
        indexer.close();
        tasks.close();
        CHECK(tasks.wait(std::chrono::seconds(10)));
        runtime.stop();
    }
    void deliver(const std::string& bytes, const std::string& prefix) {
        REQUIRE(run(world.store->mail().accept(service::test::one_copy(account, inbox, bytes, prefix))));
    }
    /// Half of them as a delivery makes them: with header fields of this recipient alone.
    void fill(Maker& make, int messages) {
        static const std::vector<std::string> prefixes{
            "", "", "Return-Path: <alpha@remote.test>\r\nDelivered-To: ann@example.test\r\n",
            "X-Folded: Beta\r\n alphabet\r\n", "X-Word: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n", "X-Eight: caf\xC3\xA9\r\n"};
        for (int i = 0; i < messages; ++i)
            deliver(make.message(), prefixes[make.below(prefixes.size())]);
    }
    [[nodiscard]] std::string answers(const std::string& searches, bool indexed) {
        if (indexed)
            return world.as_ann(searches);
        std::string output;
        const Services services{plain, world.sign_in, world.tasks, world.pool, system_clock()};
        async::run_until_done(serve(services, world.profile(),
                                    net::make_script_stream("0 LOGIN ann@example.test sesam\r\n" + searches, &output, {}), "s2"));
        return output.substr(output.find('\n', output.find("0 OK")) + 1);
    }
    void compare(Maker& make, int searches) {
        std::string script = "s SELECT INBOX\r\n";
        for (int i = 0; i < searches; ++i)
            script += "q UID SEARCH CHARSET UTF-8 " + make.key() + "\r\n";
        const auto without = answers(script, false);
        CHECK(without.find("* SEARCH ") != std::string::npos);
        CHECK(without.find("q BAD") == std::string::npos);
        CHECK(without.find("q NO") == std::string::npos);
        CHECK(answers(script, true) == without);
    }
    [[nodiscard]] bool until(const std::function<bool()>& holds) const {
        for (int i = 0; i < 2000 && !holds(); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return holds();
    }

    const Scratch scratch;
    World world;
    PacedIndex index;
    async::WorkerPool own_pool{1, 16};
    async::Runtime runtime{1};
    async::TaskGroup tasks;
    service::Indexer indexer;
    service::Mailboxes plain;
    store::AccountId account = 0;
    store::FolderId inbox = 0;
};

} // namespace

TEST_CASE("SEARCH with the text index equals SEARCH without it, for random messages and keys") {
    Bench bench(GENERATE(true, false));
    Maker make(1234);
    bench.fill(make, 100);
    REQUIRE(bench.until([&] { return bench.index.indexed() > 0; })); // one slice, and no more for now
    bench.compare(make, 80);
    bench.fill(make, 60);
    const auto gone = bench.world.as_ann("s SELECT INBOX\r\nd STORE 1:10,60:90 +FLAGS.SILENT (\\Deleted)\r\nx EXPUNGE\r\n");
    CHECK(gone.find("x OK") != std::string::npos);
    bench.compare(make, 80);
    CHECK(bench.indexer.counts().indexed < 100);
    bench.index.allowed = 1'000'000;
    bench.fill(make, 30);
    bench.compare(make, 40); // while it is filled
    const auto last = run(bench.world.store->mail().blobs(0, 1000))->blobs.back().blob.id;
    REQUIRE(bench.until([&] { return bench.index.indexed() == last; }));
    const int before = bench.index.finds;
    bench.compare(make, 200);
    CHECK(bench.index.finds > before + 100);
}
