#include "maild/store/sqlite/packer.hpp"

#include "maild/store/sqlite/writer.hpp"

namespace mail::store::sqlite {
namespace {

constexpr std::size_t packs_at_once = 4;       ///< in one transaction: a few milliseconds
constexpr std::size_t most_counted = 10'000;   ///< folders
constexpr std::size_t most_busy = 16;          ///< folders being packed

} // namespace

void Packer::note(const Changes& changes) {
    if (items_ == 0)
        return;
    std::vector<FolderId> due;
    {
        const std::lock_guard lock(mutex_);
        if (changed_.size() > most_counted)
            changed_.clear();
        for (const FolderChange& change : changes.folders) {
            const std::size_t rows = change.added.size() + change.flagged.size() + change.expunged.size();
            if (rows == 0 || change.folder_deleted)
                continue;
            std::size_t& counted = changed_[change.folder];
            counted += rows;
            if (counted < items_ || busy_.contains(change.folder))
                continue;
            counted = 0;
            due.push_back(change.folder);
        }
    }
    for (const FolderId folder : due)
        want(folder, {});
}

void Packer::note(FolderId folder, const PackedScan& scan) {
    if (items_ != 0 && (!scan.damaged.empty() || scan.beside >= items_ + items_ / 2))
        want(folder, scan.damaged);
}

void Packer::want(FolderId folder, PackIndex::Ranges damaged) {
    {
        const std::lock_guard lock(mutex_);
        if (busy_.size() >= most_busy || !busy_.insert(folder).second)
            return; // it comes up again with the next change or listing
    }
    go_on(folder, 0, std::move(damaged));
}

void Packer::go_on(FolderId folder, Uid after, PackIndex::Ranges damaged) {
    TypedJob<Uid>::Body body = [folder, after, damaged = std::move(damaged), items = items_](WriteContext& context) -> Result<Uid> {
        for (const UidRange& range : damaged) {
            context.touch();
            MAIL_DO(context.packs.drop(context.db, folder, range));
        }
        Result<Uid> next = after;
        for (std::size_t i = 0; i < packs_at_once && next && (i == 0 || *next != 0); ++i)
            next = pack_next(context, folder, *next, items);
        return next;
    };
    TypedJob<Uid>::Answer answer = [this, folder](Result<Uid> next) {
        if (next && *next != 0) {
            go_on(folder, *next, {});
            return;
        }
        const std::lock_guard lock(mutex_);
        busy_.erase(folder);
    };
    writer_.submit(std::make_unique<TypedJob<Uid>>(std::move(body), std::move(answer)));
}

} // namespace mail::store::sqlite
