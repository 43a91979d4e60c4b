// WorkJournal: which queue items are being sent at this moment, in a small memory-mapped file that outlives the process but
// costs no sync: what it is for is a crash of maild itself, not of the machine. After one, the scheduler counts it against
// these items, and what maild dies over again and again is held (faults U10). Thread-safe.
#pragma once

#include "common/base/result.hpp"
#include "maild/store/queue_model.hpp"

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace mail::queue {

class WorkJournal {
  public:
    /// Makes the file when there is none. Errors: temporary.
    [[nodiscard]] static Result<std::unique_ptr<WorkJournal>> open(const std::string& path);
    ~WorkJournal();
    WorkJournal(const WorkJournal&) = delete;
    WorkJournal& operator=(const WorkJournal&) = delete;

    /// What a former process left unfinished; forgotten by this call, which comes before any Mark.
    [[nodiscard]] std::vector<store::QueueId> take_left();

    /// Items in work while it lives. With a null journal it does nothing.
    class Mark {
      public:
        Mark(WorkJournal* journal, std::span<const store::QueueItem> items);
        ~Mark();
        Mark(const Mark&) = delete;
        Mark& operator=(const Mark&) = delete;

      private:
        WorkJournal* journal_;
        std::vector<std::size_t> slots_;
    };

  private:
    explicit WorkJournal(store::QueueId* slots);
    store::QueueId* slots_; ///< mapped; 0: free
    std::mutex mutex_;
    std::vector<std::size_t> free_;
};

} // namespace mail::queue
