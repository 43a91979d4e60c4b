#include "tests/unit/store/store_under_test.hpp"

#include "maild/store/memory/memory_store.hpp"
#include "maild/store/sqlite/sqlite_store.hpp"

#include <cstdlib>
#include <mutex>
#include <stdexcept>

#include <unistd.h>

namespace mail::store::test {

namespace {
struct Loop {
    Loop() { runtime.start(); }
    const pid_t process = ::getpid();
    async::Runtime runtime{2};
    async::TaskGroup tasks;
};
} // namespace

void spawn(Task<void> task) {
    // Never destroyed: the store's threads may still be about to wake it when the last test ends.
    static std::mutex mutex;
    static Loop* loop = nullptr;
    const std::lock_guard lock(mutex);
    if (loop == nullptr || loop->process != ::getpid())
        loop = new Loop();
    loop->tasks.spawn(loop->runtime.next(), std::move(task));
}

ScratchDirectory::ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "store-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        throw std::runtime_error("no scratch directory");
    path_ = name;
}
ScratchDirectory::~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

Bench::Bench(Engine engine) : engine_(engine) {
    reopen();
}
Bench::~Bench() {
    if (store_)
        store_->close();
}

void Bench::reopen() {
    if (engine_ == Engine::memory) {
        if (!store_)
            store_ = open_memory(clock);
        return;
    }
    if (store_)
        store_->close();
    store_.reset();
    SqliteOptions options;
    options.directory = directory.path().string();
    options.clock = &clock;
    options.segment_bytes = 4 << 20;
    options.reserve_bytes = 0;
    auto opened = open_sqlite(options);
    if (!opened)
        throw std::runtime_error(opened.error().message);
    store_ = std::move(opened).value();
}

AccountId Bench::add_mailbox(const std::string& name) {
    ResourceBatch batch;
    batch.actor = "test";
    batch.writes.push_back({ResourceWrite::Action::put, "mailbox", name, "{}", "", {name}, true});
    need(resources().apply(batch));
    return need(mail().find_account(name));
}

AcceptPlan Bench::plan(std::string bytes) const {
    AcceptPlan plan;
    plan.message = Id::make(clock.now());
    plan.content.memory = std::make_shared<const std::string>(std::move(bytes));
    plan.envelope.sender = "bob@example.org";
    return plan;
}

LocalCopy Bench::to(AccountId account, FolderId folder, std::uint64_t quota) {
    LocalCopy copy;
    copy.account = account;
    copy.folder = folder;
    copy.quota = quota;
    copy.internal_date = from_micros(1'700'000'000'000'000);
    return copy;
}

Placed Bench::deliver(AccountId account, std::string bytes, FolderId folder, std::uint8_t flags) {
    AcceptPlan one = plan(std::move(bytes));
    one.local.push_back(to(account, folder));
    one.local.back().flags = flags;
    auto receipt = need(mail().accept(std::move(one)));
    REQUIRE(receipt.local.size() == 1);
    if (!receipt.local[0])
        FAIL(receipt.local[0].error().message);
    return *receipt.local[0];
}

std::string Bench::content(FolderId folder, Uid uid) {
    const auto bodies = need(mail().bodies(folder, uids(uid), 1));
    REQUIRE(bodies.size() == 1);
    return bodies[0].prefix + need(mail().read(bodies[0].blob, 0, bodies[0].blob.length));
}

} // namespace mail::store::test
