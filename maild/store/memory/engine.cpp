#include "common/base/text.hpp"
#include "maild/store/memory/memory_store.hpp"
#include "maild/store/memory/state.hpp"

#include <algorithm>

namespace mail::store {
namespace memory {
namespace {

class MetaPart final : public MetaStore {
  public:
    explicit MetaPart(State& state) : state_(state) {}
    Result<std::string> meta(std::string_view key) override {
        const std::lock_guard lock(state_.mutex);
        const auto found = state_.meta.find(std::string(key));
        if (found == state_.meta.end())
            return fail(ErrorCode::not_found, "no such mark");
        return found->second;
    }
    Result<void> put_meta(std::string_view key, std::string_view value) override {
        const std::lock_guard lock(state_.mutex);
        MAIL_DO(state_.open());
        state_.meta[std::string(key)] = std::string(value);
        return {};
    }

  private:
    State& state_;
};

class MemoryStore final : public Store {
  public:
    explicit MemoryStore(const Clock& clock) : state_(clock) {
        state_.meta["node_id"] = Id::make(clock.now()).text();
    }
    MailStore& mail() override { return *mail_; }
    QueueStore& queue() override { return *queue_; }
    ResourceStore& resources() override { return *resources_; }
    MetaStore& meta() override { return meta_; }
    StoryStore& stories() override { return *stories_; }
    RecoveryStore& recovery() override { return *recovery_; }
    void on_commit(std::function<void(const Changes&)> listener) override {
        const std::lock_guard lock(state_.mutex);
        state_.listeners.push_back(std::move(listener));
    }
    void on_failure(std::function<void(const Error&)>) override {} // nothing here can fail
    StoreStats stats() const override {
        const std::lock_guard lock(state_.mutex);
        StoreStats stats;
        stats.commits = stats.transactions = state_.commits;
        stats.free_bytes = std::uint64_t{1} << 40;
        stats.blobs = state_.blobs.size();
        for (const auto& [id, blob] : state_.blobs)
            stats.blob_bytes += blob.bytes->size();
        return stats;
    }
    Task<Result<Maintained>> maintain(Maintenance what) override {
        const std::lock_guard lock(state_.mutex);
        Maintained done;
        what.slice = std::max<std::size_t>(what.slice, 1);
        state_.purge_recoverable(what, done);
        state_.purge_removed(what, done);
        done.stories = state_.purge_stories(what);
        done.vanished = state_.prune_vanished(what.vanished_ranges);
        done.more = done.more || done.accounts_after.has_value() || done.stories == what.slice;
        co_return done;
    }
    Task<Result<SpaceReport>> space(unsigned) override {
        const StoreStats now = stats();
        SpaceReport report;
        report.live_bytes = report.segment_bytes = now.blob_bytes;
        report.free_bytes = now.free_bytes;
        co_return report;
    }
    void close() override {
        const std::lock_guard lock(state_.mutex);
        state_.closed = true;
    }

  private:
    State state_;
    std::unique_ptr<MailStore> mail_ = make_mail(state_);
    std::unique_ptr<QueueStore> queue_ = make_queue(state_);
    std::unique_ptr<ResourceStore> resources_ = make_resources(state_);
    std::unique_ptr<StoryStore> stories_ = make_stories(state_);
    std::unique_ptr<RecoveryStore> recovery_ = make_recovery(state_);
    MetaPart meta_{state_};
};

} // namespace
} // namespace memory

std::unique_ptr<Store> open_memory(const Clock& clock) {
    return std::make_unique<memory::MemoryStore>(clock);
}

} // namespace mail::store
