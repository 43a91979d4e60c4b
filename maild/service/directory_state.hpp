// What the Directory keeps: its caches. For directory*.cpp and resolver.cpp alone.
#pragma once

#include "maild/service/directory.hpp"
#include "maild/service/snapshot.hpp"

#include <atomic>
#include <mutex>
#include <unordered_map>

namespace mail::service {

/// A bounded map that forgets everything when it is full or when the generation moved on while a row was read.
template <class T> class DirectoryCache {
  public:
    [[nodiscard]] std::optional<T> find(const std::string& key) {
        const std::lock_guard lock(mutex_);
        const auto it = entries_.find(key);
        return it == entries_.end() ? std::nullopt : std::optional(it->second);
    }
    void put(const std::string& key, const T& value, std::uint64_t read_at, const std::atomic<std::uint64_t>& now) {
        constexpr std::size_t most_entries = 50000;
        const std::lock_guard lock(mutex_);
        if (read_at != now.load())
            return;
        if (entries_.size() >= most_entries)
            entries_.clear();
        entries_.insert_or_assign(key, value);
    }
    void clear() {
        const std::lock_guard lock(mutex_);
        entries_.clear();
    }

  private:
    std::mutex mutex_;
    std::unordered_map<std::string, T> entries_;
};

struct Directory::State {
    State(store::Store& s, Config& c) : store(s), config(c) {}
    store::Store& store;
    Config& config;
    std::atomic<std::uint64_t> generation{0};
    Srs srs; ///< set once, before sessions
    DirectoryCache<Result<MailboxPtr>> mailboxes;
    DirectoryCache<Result<ResolutionPtr>> resolutions;
    DirectoryCache<Result<ResolutionPtr>> memberships;
};

} // namespace mail::service
