#include "maild/service/folder_snapshot.hpp"

#include <algorithm>
#include <map>

namespace mail::service {

class KeywordSets {
  public:
    KeywordSets() { sets_.emplace_back(); }
    [[nodiscard]] std::string_view at(std::uint16_t index) const { return index < sets_.size() ? std::string_view(sets_[index]) : std::string_view(); }
    [[nodiscard]] const std::vector<std::string>& all() const noexcept { return sets_; }
    [[nodiscard]] std::optional<std::uint16_t> find(std::string_view set) const {
        if (set.empty())
            return std::uint16_t{0};
        const auto it = index_.find(set);
        return it == index_.end() ? std::nullopt : std::optional(it->second);
    }
    /// Index of `set`; 0 (none) once 65,535 different sets were seen, which the keyword limits make unreachable.
    std::uint16_t add(const std::string& set) {
        if (const auto known = find(set))
            return *known;
        if (sets_.size() > UINT16_MAX)
            return 0;
        const auto index = static_cast<std::uint16_t>(sets_.size());
        sets_.push_back(set);
        index_.emplace(set, index);
        return index;
    }

  private:
    std::vector<std::string> sets_;
    std::map<std::string, std::uint16_t, std::less<>> index_;
};

namespace {

void push(FolderChunk& chunk, const store::ItemRow& item, std::uint16_t keywords) {
    chunk.uids.push_back(item.uid);
    chunk.flags.push_back(item.flags);
    chunk.keywords.push_back(keywords);
    chunk.modseqs.push_back(item.modseq);
    chunk.sizes.push_back(item.size);
    chunk.dates.push_back(to_micros(item.internal_date));
}

void reserve(FolderChunk& chunk, std::size_t items) {
    items = std::min(items, FolderChunk::capacity);
    chunk.uids.reserve(items);
    chunk.flags.reserve(items);
    chunk.keywords.reserve(items);
    chunk.modseqs.reserve(items);
    chunk.sizes.reserve(items);
    chunk.dates.reserve(items);
}

void push(FolderChunk& chunk, const FolderChunk& from, std::size_t index) {
    chunk.uids.push_back(from.uids[index]);
    chunk.flags.push_back(from.flags[index]);
    chunk.keywords.push_back(from.keywords[index]);
    chunk.modseqs.push_back(from.modseqs[index]);
    chunk.sizes.push_back(from.sizes[index]);
    chunk.dates.push_back(from.dates[index]);
}

/// Adds keyword sets that `items` bring, copying the shared table only when there is something new.
std::shared_ptr<const KeywordSets> extended(std::shared_ptr<const KeywordSets> sets,
                                            std::initializer_list<std::span<const store::ItemRow>> groups) {
    std::shared_ptr<KeywordSets> copy;
    for (const auto& items : groups)
        for (const auto& item : items) {
            if (item.keywords.empty() || (sets && sets->find(item.keywords)))
                continue;
            if (!copy)
                copy = sets ? std::make_shared<KeywordSets>(*sets) : std::make_shared<KeywordSets>();
            copy->add(item.keywords);
            sets = copy;
        }
    return sets ? sets : std::make_shared<KeywordSets>();
}

using Chunks = std::vector<std::shared_ptr<const FolderChunk>>;

/// Index of the chunk that holds or would hold `uid`; chunks is not empty.
std::size_t chunk_of(const Chunks& chunks, store::Uid uid) {
    const auto it = std::upper_bound(chunks.begin(), chunks.end(), uid,
                                     [](store::Uid u, const auto& chunk) { return u < chunk->uids.front(); });
    return it == chunks.begin() ? 0 : static_cast<std::size_t>(it - chunks.begin()) - 1;
}

void append_items(Chunks& chunks, std::span<const store::ItemRow> items, const KeywordSets& sets) {
    std::shared_ptr<FolderChunk> open;
    std::size_t left = items.size() + 1;
    for (const auto& item : items) {
        --left;
        if (!chunks.empty() && chunks.back()->uids.back() >= item.uid)
            continue; // known already
        if (!open || open->uids.size() == FolderChunk::capacity) {
            if (!open && !chunks.empty() && chunks.back()->uids.size() < FolderChunk::capacity) {
                open = std::make_shared<FolderChunk>(*chunks.back());
                chunks.back() = open;
            } else {
                open = std::make_shared<FolderChunk>();
                reserve(*open, left);
                chunks.push_back(open);
            }
        }
        push(*open, item, sets.find(item.keywords).value_or(0));
    }
}

void update_flags(Chunks& chunks, std::span<const store::ItemRow> items, const KeywordSets& sets) {
    std::shared_ptr<FolderChunk> open;
    std::size_t open_index = 0;
    for (const auto& item : items) {
        if (chunks.empty())
            return;
        const std::size_t index = chunk_of(chunks, item.uid);
        const auto& uids = chunks[index]->uids;
        const auto at = std::lower_bound(uids.begin(), uids.end(), item.uid);
        if (at == uids.end() || *at != item.uid)
            continue;
        const auto place = static_cast<std::size_t>(at - uids.begin());
        if (!open || open_index != index) {
            open = std::make_shared<FolderChunk>(*chunks[index]);
            open_index = index;
            chunks[index] = open;
        }
        open->flags[place] = item.flags;
        open->modseqs[place] = item.modseq;
        open->keywords[place] = sets.find(item.keywords).value_or(0);
    }
}

void remove_items(Chunks& chunks, std::span<const store::Uid> uids) {
    if (uids.empty() || chunks.empty())
        return;
    Chunks out;
    std::size_t next = 0;
    for (auto& chunk : chunks) {
        while (next < uids.size() && uids[next] < chunk->uids.front())
            ++next;
        if (next == uids.size() || uids[next] > chunk->uids.back()) {
            out.push_back(std::move(chunk));
            continue;
        }
        auto kept = std::make_shared<FolderChunk>();
        for (std::size_t i = 0; i < chunk->uids.size(); ++i) {
            while (next < uids.size() && uids[next] < chunk->uids[i])
                ++next;
            if (next == uids.size() || uids[next] != chunk->uids[i])
                push(*kept, *chunk, i);
        }
        if (!kept->uids.empty())
            out.push_back(std::move(kept));
    }
    chunks = std::move(out);
}

std::vector<std::uint32_t> starts_of(const Chunks& chunks) {
    std::vector<std::uint32_t> starts{0};
    for (const auto& chunk : chunks)
        starts.push_back(starts.back() + static_cast<std::uint32_t>(chunk->uids.size()));
    return starts;
}

} // namespace

std::shared_ptr<FolderSnapshot> FolderSnapshot::build(store::Folder folder, std::span<const store::ItemRow> items) {
    auto out = std::make_shared<FolderSnapshot>();
    out->folder_ = std::move(folder);
    append(*out, items);
    return out;
}

void FolderSnapshot::append(FolderSnapshot& snapshot, std::span<const store::ItemRow> items) {
    snapshot.keyword_sets_ = extended(snapshot.keyword_sets_, {items});
    append_items(snapshot.chunks_, items, *snapshot.keyword_sets_);
    snapshot.starts_ = starts_of(snapshot.chunks_);
    snapshot.size_ = snapshot.starts_.back();
}

std::shared_ptr<const FolderSnapshot> FolderSnapshot::apply(const std::shared_ptr<const FolderSnapshot>& before,
                                                            const store::FolderChange& change) {
    if (change.modseq <= before->modseq())
        return before;
    auto out = std::make_shared<FolderSnapshot>(*before);
    out->keyword_sets_ = extended(before->keyword_sets_, {change.added, change.flagged});
    append_items(out->chunks_, change.added, *out->keyword_sets_);
    update_flags(out->chunks_, change.flagged, *out->keyword_sets_);
    remove_items(out->chunks_, change.expunged);
    out->starts_ = starts_of(out->chunks_);
    out->size_ = out->starts_.back();
    out->folder_.modseq = change.modseq;
    out->folder_.messages = out->size_;
    if (!change.added.empty())
        out->folder_.uid_next = std::max(out->folder_.uid_next, change.added.back().uid + 1);
    return out;
}

std::shared_ptr<const FolderSnapshot>
FolderSnapshot::keeping_expunged(const FolderSnapshot& before, const std::shared_ptr<const FolderSnapshot>& after) {
    auto out = std::make_shared<FolderSnapshot>(*after);
    out->chunks_.clear();
    std::shared_ptr<FolderChunk> open;
    const auto put = [&](const FolderChunk& from, std::size_t index) {
        if (!open || open->uids.size() == FolderChunk::capacity) {
            open = std::make_shared<FolderChunk>();
            out->chunks_.push_back(open);
        }
        push(*open, from, index);
    };
    // A merge by UID: the newer state where both have the item.
    std::size_t chunk = 0, index = 0;
    const auto newer = [&]() -> const FolderChunk* {
        if (chunk < after->chunks_.size() && index == after->chunks_[chunk]->uids.size()) {
            ++chunk;
            index = 0;
        }
        return chunk < after->chunks_.size() ? after->chunks_[chunk].get() : nullptr;
    };
    const auto put_newer = [&] {
        const auto& from = *newer(); // before the step: newer() looks at `index`
        put(from, index++);
    };
    for (const auto& old : before.chunks_)
        for (std::size_t i = 0; i < old->uids.size(); ++i) {
            while (newer() != nullptr && newer()->uids[index] < old->uids[i])
                put_newer();
            if (newer() != nullptr && newer()->uids[index] == old->uids[i])
                put_newer();
            else
                put(*old, i);
        }
    while (newer() != nullptr)
        put_newer();
    out->starts_ = starts_of(out->chunks_);
    out->size_ = out->starts_.back();
    return out;
}

FolderItem FolderSnapshot::at(std::uint32_t position) const {
    const auto it = std::upper_bound(starts_.begin(), starts_.end(), position) - 1;
    const auto& chunk = *chunks_[static_cast<std::size_t>(it - starts_.begin())];
    const std::size_t i = position - *it;
    return {chunk.uids[i],    chunk.flags[i], chunk.keywords[i],
            chunk.modseqs[i], chunk.sizes[i], from_micros(chunk.dates[i])};
}

store::Uid FolderSnapshot::uid_at(std::uint32_t position) const {
    const auto it = std::upper_bound(starts_.begin(), starts_.end(), position) - 1;
    return chunks_[static_cast<std::size_t>(it - starts_.begin())]->uids[position - *it];
}

FolderSnapshot::Found FolderSnapshot::find(store::Uid uid) const {
    if (chunks_.empty())
        return {};
    const std::size_t index = chunk_of(chunks_, uid);
    const auto& uids = chunks_[index]->uids;
    const auto at = std::lower_bound(uids.begin(), uids.end(), uid);
    return {starts_[index] + static_cast<std::uint32_t>(at - uids.begin()), at != uids.end() && *at == uid};
}

std::string_view FolderSnapshot::keywords(std::uint16_t index) const { return keyword_sets_->at(index); }

std::vector<std::string> FolderSnapshot::all_keywords() const {
    std::vector<std::string> out;
    for (const auto& set : keyword_sets_->all()) {
        std::string_view rest = set;
        while (!rest.empty()) {
            const auto end = rest.find(' ');
            const auto word = rest.substr(0, end);
            if (std::find(out.begin(), out.end(), word) == out.end())
                out.emplace_back(word);
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        }
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::uint32_t FolderSnapshot::first_unseen() const {
    for (std::size_t c = 0; c < chunks_.size(); ++c) {
        const auto& flags = chunks_[c]->flags;
        const auto it = std::find_if(flags.begin(), flags.end(), [](auto f) { return (f & store::flag::seen) == 0; });
        if (it != flags.end())
            return starts_[c] + static_cast<std::uint32_t>(it - flags.begin());
    }
    return size_;
}

} // namespace mail::service
