// How fast the embedded store is: durable accepts per second at several numbers of callers, a full listing,
// flags. Usage: store_bench DIRECTORY [seconds per case]. The directory must be on the disk to be measured.
#include "common/async/runtime.hpp"
#include "common/base/log.hpp"
#include "maild/store/sqlite/sqlite_store.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <thread>

namespace {

using namespace mail;
using namespace mail::store;
using steady = std::chrono::steady_clock;

double seconds_since(steady::time_point start) {
    return std::chrono::duration<double>(steady::now() - start).count();
}

struct Load {
    Store& store;
    std::vector<AccountId> accounts;
    std::shared_ptr<const std::string> bytes;
    steady::time_point end;
    bool stories = true;
    std::atomic<std::uint64_t> done{0};
    std::atomic<std::uint64_t> failed{0};
    std::mutex mutex;
    std::vector<double> latencies;
};

AcceptPlan plan_for(const Load& load, AccountId account) {
    AcceptPlan plan;
    plan.message = Id::make(system_clock().now());
    plan.content.memory = load.bytes;
    plan.envelope.sender = "sender@example.org";
    LocalCopy copy;
    copy.account = account;
    copy.prefix = "Return-Path: <sender@example.org>\r\nDelivered-To: somebody@example.com\r\n";
    copy.internal_date = system_clock().now();
    copy.quota = std::uint64_t{1} << 40;
    plan.local.push_back(std::move(copy));
    if (load.stories)
        plan.story = Story{plan.message,
                           system_clock().now(),
                           "sender@example.org",
                           "somebody@example.com",
                           "abcdefgh.12345678@sender.example.org",
                           "192.0.2.25",
                           R"({"tls":"TLS1.3","spf":"pass"})"};
    return plan;
}

Task<void> caller(Load& load, std::size_t number) {
    std::vector<double> own;
    for (std::size_t i = 0; steady::now() < load.end; ++i) {
        const auto start = steady::now();
        AcceptPlan plan = plan_for(load, load.accounts[(number * 7919 + i) % load.accounts.size()]);
        auto receipt = co_await load.store.mail().accept(std::move(plan));
        const bool good = receipt && receipt->local[0];
        ++(good ? load.done : load.failed);
        own.push_back(seconds_since(start));
    }
    const std::lock_guard lock(load.mutex);
    load.latencies.insert(load.latencies.end(), own.begin(), own.end());
}

void measure_accepts(Store& store, const std::vector<AccountId>& accounts, std::size_t callers,
                     std::size_t size, double seconds, bool stories = true) {
    Load load{store,
              accounts,
              std::make_shared<const std::string>(size, 'x'),
              steady::now() + std::chrono::milliseconds(static_cast<long>(seconds * 1000)),
              stories,
              {},
              {},
              {},
              {}};
    async::Runtime runtime(2);
    async::TaskGroup group;
    runtime.start();
    const StoreStats before = store.stats();
    const auto start = steady::now();
    for (std::size_t i = 0; i < callers; ++i)
        group.spawn(runtime.next(), caller(load, i));
    group.wait(std::chrono::seconds(120));
    const double took = seconds_since(start);
    const StoreStats after = store.stats();
    runtime.stop();
    std::sort(load.latencies.begin(), load.latencies.end());
    const auto at = [&](double part) {
        return load.latencies[static_cast<std::size_t>(part *
                                                       static_cast<double>(load.latencies.size() - 1))] *
               1000;
    };
    const double commits = static_cast<double>(after.commits - before.commits);
    std::printf("accept %6zu bytes %3zu callers%s: %8.0f/s  p50 %.2f ms  p99 %.2f ms  max %.1f ms  %.1f per "
                "commit  failed %lu\n",
                size, callers, stories ? "" : " without story", static_cast<double>(load.done) / took,
                at(0.5), at(0.99), at(1), static_cast<double>(load.done) / std::max(1.0, commits),
                load.failed.load());
    std::fflush(stdout);
}

template <class T> Task<void> keep(Task<T> task, T& result) {
    auto value = co_await std::move(task);
    result = std::move(value);
}
template <class T> T wait(Task<Result<T>> task) {
    Result<T> result;
    async::run_until_done(keep(std::move(task), result));
    if (!result) {
        std::fprintf(stderr, "%s\n", result.error().message.c_str());
        std::exit(1);
    }
    return std::move(*result);
}

std::vector<AccountId> make_accounts(Store& store, int count) {
    ResourceBatch batch;
    for (int i = 0; i < count; ++i) {
        const std::string name = "user" + std::to_string(i) + "@example.org";
        batch.writes.push_back({ResourceWrite::Action::put, "mailbox", name, "{}", "", {name}, true});
    }
    const auto start = steady::now();
    wait(store.resources().apply(batch));
    std::printf("apply %d mailboxes: %.2f s\n", count, seconds_since(start));
    std::vector<AccountId> accounts;
    for (const auto& write : batch.writes)
        accounts.push_back(*store.resources().find_account_now(write.name));
    return accounts;
}

void measure_folder(Store& store, AccountId account) {
    MailStore& mail = store.mail();
    const FolderId inbox = wait(mail.find_folder(account, "INBOX")).id;
    const FolderId big = wait(mail.create_folder(account, "big", FolderClass::mail, SpecialUse::none)).id;
    auto start = steady::now();
    std::size_t count = wait(mail.list(inbox)).items.size();
    wait(mail.copy(inbox, {{1, ~Uid{0}}}, big, false, 0));
    while (count < 100'000) {
        wait(mail.copy(big, {{1, static_cast<Uid>(std::min<std::size_t>(count, 100'000 - count))}}, big,
                       false, 0));
        count = wait(mail.list(big)).items.size();
    }
    std::printf("fill a folder with %zu items by copies: %.2f s\n", count, seconds_since(start));
    for (int i = 0; i < 3; ++i) {
        start = steady::now();
        const auto listing = wait(mail.list(big));
        std::printf("list %zu items: %.1f ms\n", listing.items.size(), seconds_since(start) * 1000);
    }
    FlagChange change;
    change.folder = big;
    change.uids = {{1, ~Uid{0}}};
    change.flags = flag::seen;
    start = steady::now();
    wait(mail.change_flags(change));
    std::printf("flag %zu items: %.0f ms\n", count, seconds_since(start) * 1000);
    start = steady::now();
    for (int i = 0; i < 100'000; ++i)
        (void)store.resources().find_account_now("user5@example.org");
    std::printf("find_account_now: %.1f us\n", seconds_since(start) * 10);
    start = steady::now();
    wait(mail.expunge(big, {}, false));
    std::printf("expunge %zu items: %.0f ms\n", count, seconds_since(start) * 1000);
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: store_bench DIRECTORY [seconds]\n");
        return 2;
    }
    const double seconds = argc > 2 ? std::atof(argv[2]) : 5;
    set_log_level(LogLevel::error);
    SqliteOptions options;
    options.directory = std::string(argv[1]) + "/store-bench";
    std::filesystem::remove_all(options.directory);
    auto opened = open_sqlite(options);
    if (!opened) {
        std::fprintf(stderr, "%s\n", opened.error().message.c_str());
        return 1;
    }
    Store& store = **opened;
    const auto accounts = make_accounts(store, 1000);
    for (const std::size_t callers : {std::size_t{1}, std::size_t{10}, std::size_t{50}})
        measure_accepts(store, accounts, callers, 4096, seconds);
    measure_accepts(store, accounts, 50, 4096, seconds, false);
    measure_accepts(store, {accounts[0]}, 50, 4096, seconds);
    for (const std::size_t callers : {std::size_t{1}, std::size_t{10}, std::size_t{50}})
        measure_accepts(store, accounts, callers, 102'400, seconds);
    measure_folder(store, accounts[0]);
    store.close();
    std::filesystem::remove_all(options.directory);
    return 0;
}
