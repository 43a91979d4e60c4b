// The engines under test behind one face: the same test list runs on all of them. Every test opens its own
// store in a directory of its own that goes with the test.
#pragma once

#include "common/async/runtime.hpp"
#include "maild/store/store.hpp"
#include "tests/catch.hpp"

#include <atomic>
#include <filesystem>
#include <future>
#include <optional>

namespace mail::store::test {

/// Time stands still until a test moves it.
class StillClock final : public Clock {
  public:
    [[nodiscard]] Time now() const override { return from_micros(micros.load()); }
    [[nodiscard]] SteadyTime steady() const override { return SteadyTime{Duration{micros.load()}}; }
    void advance(Duration by) { micros += by.count(); }
    std::atomic<std::int64_t> micros{1'800'000'000'000'000};
};

/// Starts a task on threads that live as long as this process; a child made by fork gets its own.
void spawn(Task<void> task);

template <class T> Task<void> keep_result(Task<T> task, std::shared_ptr<std::promise<T>> result) {
    auto value = co_await std::move(task);
    result->set_value(std::move(value));
}
/// Runs a task to its end and blocks meanwhile.
template <class T> T wait(Task<T> task) {
    auto result = std::make_shared<std::promise<T>>();
    auto future = result->get_future();
    spawn(keep_result(std::move(task), std::move(result)));
    return future.get();
}
/// The value of a task that must succeed.
template <class T> T need(Task<Result<T>> task) {
    Result<T> result = wait(std::move(task));
    if (!result)
        FAIL(result.error().message);
    return std::move(result).value();
}
inline void done(Task<Result<void>> task) {
    const Result<void> result = wait(std::move(task));
    if (!result)
        FAIL(result.error().message);
}
template <class T> ErrorCode code_of(Task<Result<T>> task) {
    const Result<T> result = wait(std::move(task));
    REQUIRE(!result);
    return result.error().code;
}

enum class Engine { memory, sqlite };

/// A directory that is removed at the end.
class ScratchDirectory {
  public:
    ScratchDirectory();
    ~ScratchDirectory();
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

/// One open store with the mailboxes a test asks for.
class Bench {
  public:
    explicit Bench(Engine engine);
    ~Bench();
    /// Closes and opens again; the memory engine just goes on.
    void reopen();
    [[nodiscard]] Store& store() { return *store_; }
    [[nodiscard]] MailStore& mail() { return store_->mail(); }
    [[nodiscard]] QueueStore& queue() { return store_->queue(); }
    [[nodiscard]] ResourceStore& resources() { return store_->resources(); }
    AccountId add_mailbox(const std::string& name);
    [[nodiscard]] Folder folder(AccountId account, std::string_view name) {
        return need(mail().find_folder(account, name));
    }
    [[nodiscard]] AcceptPlan plan(std::string bytes) const;
    [[nodiscard]] static LocalCopy to(AccountId account, FolderId folder = 0, std::uint64_t quota = 0);
    /// Delivers `bytes`; the copy must be placed.
    Placed deliver(AccountId account, std::string bytes, FolderId folder = 0, std::uint8_t flags = 0);
    [[nodiscard]] std::string content(FolderId folder, Uid uid);
    StillClock clock;
    ScratchDirectory directory;

  private:
    Engine engine_;
    std::unique_ptr<Store> store_;
};

[[nodiscard]] inline UidSet uids(Uid first, Uid last) {
    return {{first, last}};
}
[[nodiscard]] inline UidSet uids(Uid only) {
    return {{only, only}};
}

} // namespace mail::store::test

#define FOR_EACH_ENGINE                                                                                      \
    const auto engine = GENERATE(mail::store::test::Engine::memory, mail::store::test::Engine::sqlite);      \
    INFO("engine " << (engine == mail::store::test::Engine::memory ? "memory" : "sqlite"))
