// How long the writer is busy at most with one change of a large folder: while it is, nobody's mail is taken.
// Usage: turn_bench DIRECTORY [messages]. The directory must be empty and on the disk to be measured.
#include "common/base/log.hpp"
#include "maild/store/sqlite/sqlite_store.hpp"
#include "tests/bench/wait.hpp"

#include <cstdio>
#include <cstdlib>
#include <functional>

namespace {

using namespace mail;
using namespace mail::store;
using steady = std::chrono::steady_clock;

using bench::wait;

/// The store, opened anew for each case, so that its longest turn is that of the case.
class Bench {
  public:
    Bench(std::string directory, std::size_t messages) : directory_(std::move(directory)), messages_(messages) {
        open();
        ResourceBatch batch;
        batch.writes.push_back({ResourceWrite::Action::put, "mailbox", "ann@example.org", "{}", "", {"ann@example.org"}, true});
        (void)wait(store_->resources().apply(std::move(batch)));
        account_ = *store_->resources().find_account_now("ann@example.org");
    }
    [[nodiscard]] FolderId folder(std::string_view name) { return wait(mail().find_folder(account_, name))->id; }
    [[nodiscard]] MailStore& mail() { return store_->mail(); }
    [[nodiscard]] Store& store() { return *store_; }
    [[nodiscard]] static UidSet all() { return {{1, ~Uid{0}}}; }

    void fill(FolderId target) {
        for (std::size_t done = 0; done < messages_;) {
            std::vector<AcceptPlan> plans;
            for (; plans.size() < 500 && done < messages_; ++done) {
                AcceptPlan plan;
                plan.message = Id::make(system_clock().now());
                plan.content.memory = std::make_shared<const std::string>(std::to_string(done) + std::string(500, 'x'));
                LocalCopy copy;
                copy.account = account_;
                copy.folder = target;
                copy.prefix = "Return-Path: <sender@example.org>\r\nDelivered-To: ann@example.org\r\n";
                copy.internal_date = system_clock().now();
                plan.local.push_back(std::move(copy));
                plans.push_back(std::move(plan));
            }
            (void)wait(mail().append(std::move(plans)));
        }
    }
    void measure(const char* what, const std::function<void()>& change) {
        open();
        const auto start = steady::now();
        change();
        const double took = std::chrono::duration<double, std::milli>(steady::now() - start).count();
        std::printf("%-44s %8.1f ms, longest turn %8.1f ms\n", what, took,
                    static_cast<double>(store_->stats().longest_turn) / 1000);
        std::fflush(stdout);
    }

  private:
    void open() {
        store_.reset();
        SqliteOptions options;
        options.directory = directory_;
        auto opened = open_sqlite(std::move(options));
        if (!opened) {
            std::fprintf(stderr, "%s\n", opened.error().message.c_str());
            std::exit(1);
        }
        store_ = std::move(*opened);
    }
    std::string directory_;
    std::size_t messages_;
    std::unique_ptr<Store> store_;
    AccountId account_ = 0;
};

FlagChange flags(FolderId folder, FlagOperation operation, std::vector<std::string> keywords) {
    FlagChange change;
    change.folder = folder;
    change.uids = Bench::all();
    change.operation = operation;
    change.flags = flag::seen;
    change.keywords = std::move(keywords);
    return change;
}

/// Every second one of the folder's UIDs.
UidSet scattered(std::size_t messages) {
    UidSet set;
    for (Uid uid = 1; uid <= messages; uid += 2)
        set.push_back({uid, uid});
    return set;
}

void run(Bench& bench, std::size_t messages) {
    const FolderId archive = bench.folder("Archive");
    const FolderId sent = bench.folder("Sent");
    const FolderId trash = bench.folder("Trash");
    const FolderId inbox = bench.folder("INBOX");
    bench.measure("append in batches of 500", [&] { bench.fill(archive); });
    bench.measure("flags added", [&] { (void)wait(bench.mail().change_flags(flags(archive, FlagOperation::add, {}))); });
    bench.measure("flags and a keyword replaced",
                  [&] { (void)wait(bench.mail().change_flags(flags(archive, FlagOperation::replace, {"$Work"}))); });
    bench.measure("copy", [&] { (void)wait(bench.mail().copy(archive, Bench::all(), sent, false, 0)); });
    bench.measure("move", [&] { (void)wait(bench.mail().copy(sent, Bench::all(), trash, true, 0)); });
    bench.measure("expunge every second one", [&] { (void)wait(bench.mail().expunge(trash, scattered(messages), false)); });
    bench.measure("expunge the others", [&] { (void)wait(bench.mail().expunge(trash, {}, false)); });
    (void)wait(bench.mail().copy(archive, Bench::all(), inbox, false, 0));
    bench.measure("rename of INBOX", [&] { (void)wait(bench.mail().rename_folder(inbox, "old")); });
    const FolderId old = bench.folder("old");
    bench.measure("deletion of a folder", [&] { (void)wait(bench.mail().delete_folder(old)); });
    bench.measure("recoverable items go for good", [&] {
        Maintenance what;
        what.recoverable_before = Time::max();
        while (wait(bench.store().maintain(what))->more) {
        }
    });
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: turn_bench DIRECTORY [messages]\n");
        return 2;
    }
    const std::size_t messages = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 100'000;
    Bench bench(argv[1], messages);
    std::printf("%zu messages\n", messages);
    run(bench, messages);
    return 0;
}
