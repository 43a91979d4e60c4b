// Indexer: what is derived from messages, made soon after their delivery instead of at the first FETCH or SEARCH: the
// derived data of the store, and the text index. Goes through the blobs in the order of their ids, at the start from
// the first one, then whenever mail has come. Works in slices on a pool of its own and gives way to the store's writer;
// nobody waits for it, and whoever comes before it computes what is missing (Mailboxes::derived, SEARCH).
#pragma once

#include "common/async/runtime.hpp"
#include "common/async/signal.hpp"
#include "maild/service/changes.hpp"
#include "maild/store/store.hpp"
#include "maild/store/text_index.hpp"

#include <atomic>
#include <memory>
#include <optional>

namespace mail::service {

class Indexer {
  public:
    /// `pool` has one thread, which does nothing else: it gets the lowest priority. All outlive this.
    Indexer(store::Store& store, store::TextIndex& texts, ChangeBus& bus, async::WorkerPool& pool, const Clock& clock);
    ~Indexer();
    /// Until close().
    [[nodiscard]] Task<void> run();
    void close();
    /// The text index is emptied and built again, missing derived data as well.
    void rebuild();

    struct Counts {
        std::uint64_t derived = 0; ///< messages whose derived data was made here
        std::uint64_t indexed = 0; ///< messages put into the text index since the start
        std::uint64_t behind = 0;  ///< at most so many messages wait for their turn
        bool complete = false;     ///< all messages have had their turn
        bool failed = false;       ///< the text index takes nothing at the moment
        store::TextIndexStats texts;
    };
    [[nodiscard]] Counts counts() const;

  private:
    struct Slice;
    [[nodiscard]] Task<Result<bool>> turn();
    [[nodiscard]] Task<Result<std::shared_ptr<Slice>>> load(store::MailStore::BlobPage page);
    [[nodiscard]] Task<Result<void>> finish(std::shared_ptr<Slice> slice);
    [[nodiscard]] Task<void> prepare_texts();
    [[nodiscard]] Task<void> give_way(Duration worked);
    [[nodiscard]] Task<void> rest();
    void text_failed(const Error& error);
    void caught_up();

    store::Store& store_;
    store::TextIndex& texts_;
    async::WorkerPool& pool_;
    const Clock& clock_;
    async::Signal wake_;
    ChangeBus::Token watching_;
    // Of run():
    store::BlobId cursor_ = 0;            ///< blobs up to this one have had their turn
    std::optional<SteadyTime> failed_at_; ///< the last failure of the text index
    bool ready_ = false;                  ///< the text index is open and belongs to this store
    bool anew_ = false;                   ///< it is to be emptied and filled again
    bool told_ = false;                   ///< the log has heard that it is complete
    std::atomic<bool> closed_ = false;
    std::atomic<bool> rebuild_ = false;
    std::atomic<bool> complete_ = false;
    std::atomic<bool> failed_ = false;
    std::atomic<std::uint64_t> derived_ = 0;
    std::atomic<std::uint64_t> indexed_ = 0;
    std::atomic<std::uint64_t> behind_ = 0;
};

} // namespace mail::service
