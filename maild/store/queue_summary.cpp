// Counting the queue, in one place for all engines.
#include "maild/store/rules.hpp"

#include <algorithm>

namespace mail::store {

void QueueSummarizer::add(const Row& row) {
    auto found = groups_.find(row.key);
    if (found == groups_.end()) {
        found = groups_.emplace(std::string(row.key), QueueSummary{}).first;
        found->second.oldest = row.created;
    }
    QueueSummary& group = found->second;
    ++group.count;
    group.bytes += row.bytes;
    ++group.states[static_cast<std::size_t>(row.status)];
    ++group.ages[age_place(now_ - row.created)];
    group.oldest = std::min(group.oldest, row.created);
    const bool waits = row.status == QueueStatus::ready || row.status == QueueStatus::deferred;
    if (waits && (!group.next || row.next < *group.next))
        group.next = row.next;
    if (!row.error.empty() && row.error_at >= group.error_at) {
        group.error_at = row.error_at;
        group.last_error = row.error;
    }
}

std::vector<QueueSummary> QueueSummarizer::take(std::size_t most) {
    std::vector<QueueSummary> all;
    all.reserve(groups_.size());
    for (auto& [key, group] : groups_) {
        group.key = key;
        all.push_back(std::move(group));
    }
    groups_.clear();
    std::stable_sort(all.begin(), all.end(),
                     [](const QueueSummary& a, const QueueSummary& b) { return a.count > b.count; });
    if (all.size() > most)
        all.resize(most);
    return all;
}

} // namespace mail::store
