#include "maild/store/sqlite/write_context.hpp"

#include <algorithm>

namespace mail::store::sqlite {
namespace {
constexpr std::array<const char*, counters> counter_names{
    "account", "folder", "blob", "queue_message", "queue_item", "uid_validity", "revision"};
constexpr std::size_t most_cached = 50'000;
} // namespace

Folder folder_of(const Query& query) {
    Folder folder;
    folder.id = query.integer(0);
    folder.account = query.integer(1);
    folder.name = query.string(2);
    folder.folder_class = query.as<FolderClass>(3);
    folder.special_use = query.as<SpecialUse>(4);
    folder.uid_validity = query.as<std::uint32_t>(5);
    folder.uid_next = query.as<Uid>(6);
    folder.modseq = query.count(7);
    folder.messages = query.as<std::uint32_t>(8);
    folder.unseen = query.as<std::uint32_t>(9);
    folder.bytes = query.count(10);
    folder.object_id = query.id(11);
    return folder;
}

WriteContext::WriteContext(Database& database, Segments& segs, const Clock& c)
    : db(database), segments(segs), clock(c) {}

void WriteContext::begin() {
    numbers_.clear();
    change_of_.clear();
    changes_.clear();
    changed_resources.clear();
    queue_changed = false;
    new_revision = 0;
    touched_ = false;
}

void WriteContext::tell_attributes(AccountId account) {
    changes_.emplace_back();
    changes_.back().account = account;
    changes_.back().attributes = true;
}

Changes WriteContext::take_changes() {
    return {std::move(changes_), queue_changed, new_revision, std::move(changed_resources)};
}

Result<Folder*> WriteContext::folder(FolderId id) {
    auto found = folders_.find(id);
    if (found == folders_.end()) {
        Query query(db, "SELECT " MAIL_FOLDER_COLUMNS " FROM folder WHERE id = ?");
        MAIL_TRY(const bool row, query.bind(id).step());
        if (!row)
            return fail(ErrorCode::not_found, "the folder does not exist");
        found = folders_.emplace(id, FolderState{folder_of(query), false}).first;
    }
    MAIL_DO(account(found->second.row.account));
    return &found->second.row;
}

Result<AccountState*> WriteContext::account(AccountId id) {
    auto found = accounts_.find(id);
    if (found == accounts_.end()) {
        AccountState state;
        Query query(db, "SELECT removed IS NOT NULL, modseq, held_until FROM account WHERE id = ?");
        MAIL_TRY(const bool row, query.bind(id).step());
        if (!row)
            return fail(ErrorCode::not_found, "the account does not exist");
        state.removed = query.integer(0) != 0;
        state.modseq = query.count(1);
        state.held_until = query.time(2);
        Query folders(db, "SELECT id, special_use, modseq, messages, bytes FROM folder WHERE account = ?");
        folders.bind(id);
        for (;;) {
            MAIL_TRY(const bool more, folders.step());
            if (!more)
                break;
            // What is cached is newer than its row within a batch.
            const auto cached = folders_.find(folders.integer(0));
            const bool use = cached != folders_.end();
            if (folders.as<SpecialUse>(1) == SpecialUse::inbox)
                state.inbox = folders.integer(0);
            state.modseq = std::max(state.modseq, use ? cached->second.row.modseq : folders.count(2));
            state.items += use ? cached->second.row.messages : folders.count(3);
            state.bytes += use ? cached->second.row.bytes : folders.count(4);
        }
        found = accounts_.emplace(id, state).first;
    }
    if (found->second.removed)
        return fail(ErrorCode::not_found, "the account does not exist");
    return &found->second;
}

Result<FolderId> WriteContext::folder_named(AccountId account, std::string_view name) {
    Query query(db, "SELECT id FROM folder WHERE account = ? AND name = ?");
    MAIL_TRY(const bool row, query.bind(account).bind(name).step());
    if (!row)
        return fail(ErrorCode::not_found, "the folder does not exist");
    return query.integer(0);
}

Result<std::int64_t> WriteContext::last(Counter counter) {
    const auto index = static_cast<std::size_t>(counter);
    if (!last_[index]) {
        Query query(db, "SELECT value FROM counter WHERE name = ?");
        MAIL_TRY(const bool row, query.bind(counter_names[index]).step());
        last_[index] = row ? query.integer(0) : 0;
    }
    return *last_[index];
}

Result<std::int64_t> WriteContext::next(Counter counter) {
    MAIL_TRY(const std::int64_t before, last(counter));
    const auto index = static_cast<std::size_t>(counter);
    counter_dirty_[index] = true;
    last_[index] = before + 1;
    return before + 1;
}

Result<std::uint32_t> WriteContext::next_uid_validity() {
    // Ascending even when the clock goes back, so that a name used again never meets its old UIDVALIDITY.
    MAIL_TRY(const std::int64_t value, next(Counter::uid_validity));
    const auto index = static_cast<std::size_t>(Counter::uid_validity);
    last_[index] = std::max(value, to_micros(clock.now()) / 1'000'000);
    return static_cast<std::uint32_t>(*last_[index]);
}

ModSeq WriteContext::change_number(AccountId id) {
    const auto [place, fresh] = numbers_.try_emplace(id, 0);
    if (fresh)
        place->second = ++accounts_.at(id).modseq; // folder() has loaded it
    return place->second;
}

FolderChange& WriteContext::change(Folder& folder) {
    touch();
    FolderState& state = folders_.at(folder.id);
    if (!std::exchange(state.dirty, true))
        dirty_folders_.push_back(folder.id);
    const auto [place, fresh] = change_of_.try_emplace(folder.id, changes_.size());
    if (fresh) {
        folder.modseq = change_number(folder.account);
        changes_.emplace_back();
        changes_.back().account = folder.account;
        changes_.back().folder = folder.id;
        changes_.back().modseq = folder.modseq;
    }
    return changes_[place->second];
}

void WriteContext::count(Folder& folder, const ItemRow& row, bool added) {
    AccountState& account = accounts_.at(folder.account);
    const std::uint32_t unseen = (row.flags & flag::seen) ? 0 : 1;
    if (added) {
        ++folder.messages;
        folder.unseen += unseen;
        folder.bytes += row.size;
        ++account.items;
        account.bytes += row.size;
    } else {
        --folder.messages;
        folder.unseen -= unseen;
        folder.bytes -= row.size;
        --account.items;
        account.bytes -= row.size;
    }
}

void WriteContext::vanish(FolderId folder, ModSeq modseq, Uid uid) {
    if (!vanished_.empty()) {
        VanishedRange& last = vanished_.back();
        if (last.folder == folder && last.modseq == modseq && last.uids.last + 1 == uid) {
            last.uids.last = uid;
            return;
        }
    }
    vanished_.push_back({folder, modseq, {uid, uid}});
}

Result<Folder*> WriteContext::add_folder(AccountId account, std::string name, FolderClass folder_class,
                                         SpecialUse special_use) {
    touch();
    Folder folder;
    MAIL_TRY(folder.id, next(Counter::folder));
    MAIL_TRY(folder.uid_validity, next_uid_validity());
    folder.account = account;
    folder.name = std::move(name);
    folder.folder_class = folder_class;
    folder.special_use = special_use;
    folder.object_id = Id::make(clock.now());
    Query insert(db,
                 "INSERT INTO folder (" MAIL_FOLDER_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, 1, 0, 0, 0, 0, ?)");
    insert.bind(folder.id).bind(account).bind(folder.name).bind(static_cast<int>(folder_class));
    insert.bind(static_cast<int>(special_use)).bind(folder.uid_validity).bind(folder.object_id);
    MAIL_DO(insert.run());
    const FolderId id = folder.id;
    return &folders_.emplace(id, FolderState{std::move(folder), false}).first->second.row;
}

void WriteContext::forget_folder(const Folder& folder) {
    const FolderId id = folder.id; // `folder` may be the cached row itself
    std::erase(dirty_folders_, id);
    std::erase_if(vanished_, [id](const VanishedRange& range) { return range.folder == id; });
    folders_.erase(id);
}

Result<SegmentState*> WriteContext::segment(std::uint32_t id) {
    if (const auto found = segments_.find(id); found != segments_.end())
        return &found->second;
    SegmentState state;
    Query query(db, "SELECT used, live_blobs, live_bytes FROM segment WHERE id = ?");
    MAIL_TRY(const bool row, query.bind(id).step());
    if (row) {
        state.used = query.count(0);
        state.blobs = query.integer(1);
        state.bytes = query.integer(2);
    }
    return &segments_.emplace(id, state).first->second;
}

Result<BlobRef> WriteContext::add_blob(const Content& content, const Id& message, std::uint64_t refs) {
    touch();
    const SpooledBytes& bytes = *content.spooled;
    MAIL_TRY(SegmentState * state, segment(bytes.segment));
    BlobRef ref{0, bytes.segment, bytes.offset, bytes.length, bytes.checksum};
    MAIL_TRY(ref.id, next(Counter::blob));
    Query insert(db, "INSERT INTO blob (id, segment, offset, length, checksum, refs, message) VALUES (?, ?, "
                     "?, ?, ?, ?, ?)");
    insert.bind(ref.id).bind(bytes.segment).bind(bytes.offset).bind(bytes.length).bind(bytes.checksum);
    MAIL_DO(insert.bind(refs).bind(message).run());
    state->used = std::max(state->used, bytes.offset + bytes.length);
    ++state->blobs;
    state->bytes += static_cast<std::int64_t>(bytes.length);
    state->dirty = true;
    if (content.memory)
        unsynced_.push_back({ref.id, content.memory});
    else
        needs_sync();
    ++live_blobs;
    live_bytes += bytes.length;
    return ref;
}

Result<void> WriteContext::hold(BlobId blob) {
    touch();
    return Query(db, "UPDATE blob SET refs = refs + 1 WHERE id = ?").bind(blob).run();
}

Result<void> WriteContext::release(BlobId blob) {
    touch();
    std::uint32_t number = 0;
    std::int64_t length = 0;
    {
        Query query(db, "UPDATE blob SET refs = refs - 1 WHERE id = ? RETURNING refs, segment, length");
        MAIL_TRY(const bool row, query.bind(blob).step());
        if (!row || query.integer(0) > 0)
            return {};
        number = query.as<std::uint32_t>(1);
        length = query.integer(2);
    }
    MAIL_DO(Query(db, "DELETE FROM blob WHERE id = ?").bind(blob).run());
    MAIL_DO(Query(db, "DELETE FROM derived WHERE blob = ?").bind(blob).run());
    MAIL_TRY(SegmentState * state, segment(number));
    --state->blobs;
    state->bytes -= length;
    state->dirty = true;
    --live_blobs;
    live_bytes -= static_cast<std::uint64_t>(length);
    return {};
}

Result<bool> WriteContext::move_blob(const BlobRef& from, const SpooledBytes& to) {
    touch();
    {
        Query query(db, "UPDATE blob SET segment = ?, offset = ? WHERE id = ? AND segment = ? AND offset = ? RETURNING id");
        query.bind(to.segment).bind(to.offset).bind(from.id).bind(from.segment).bind(from.offset);
        MAIL_TRY(const bool moved, query.step());
        if (!moved)
            return false;
    }
    MAIL_DO(Query(db, "DELETE FROM body_journal WHERE blob = ?").bind(from.id).run());
    const auto length = static_cast<std::int64_t>(from.length);
    MAIL_TRY(SegmentState * before, segment(from.segment));
    --before->blobs;
    before->bytes -= length;
    before->dirty = true;
    MAIL_TRY(SegmentState * after, segment(to.segment)); // `before` stays valid: the map keeps its nodes
    after->used = std::max(after->used, to.offset + to.length);
    ++after->blobs;
    after->bytes += length;
    after->dirty = true;
    return true;
}

Result<void> WriteContext::flush() {
    for (const FolderId id : dirty_folders_) {
        FolderState& state = folders_.at(id);
        const Folder& row = state.row;
        Query update(
            db,
            "UPDATE folder SET uid_next = ?, modseq = ?, messages = ?, unseen = ?, bytes = ? WHERE id = ?");
        update.bind(row.uid_next).bind(row.modseq).bind(row.messages).bind(row.unseen).bind(row.bytes);
        MAIL_DO(update.bind(id).run());
        state.dirty = false;
    }
    dirty_folders_.clear();
    for (const VanishedRange& range : vanished_) {
        Query write(db, "INSERT INTO vanished (folder, modseq, uid, last) VALUES (?, ?, ?, ?)");
        MAIL_DO(write.bind(range.folder).bind(range.modseq).bind(range.uids.first).bind(range.uids.last).run());
    }
    vanished_.clear();
    for (std::size_t i = 0; i < counters; ++i) {
        if (!counter_dirty_[i])
            continue;
        Query write(db, "INSERT INTO counter VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2");
        MAIL_DO(write.bind(counter_names[i]).bind(*last_[i]).run());
        counter_dirty_[i] = false;
    }
    for (auto& [id, state] : segments_) {
        if (!state.dirty)
            continue;
        Query write(db, "INSERT INTO segment VALUES (?1, ?2, ?3, ?4) "
                        "ON CONFLICT (id) DO UPDATE SET used = ?2, live_blobs = ?3, live_bytes = ?4");
        MAIL_DO(write.bind(id).bind(state.used).bind(state.blobs).bind(state.bytes).run());
        state.dirty = false;
    }
    return {};
}

void WriteContext::forget() noexcept {
    folders_.clear();
    accounts_.clear();
    segments_.clear();
    packs.forget();
    last_ = {};
    counter_dirty_ = {};
    dirty_folders_.clear();
    vanished_.clear();
    forget_unsynced();
    begin();
}

void WriteContext::trim() {
    if (folders_.size() > most_cached || accounts_.size() > most_cached)
        forget();
    if (packs.size() > most_cached)
        packs.forget();
}

Result<void> WriteContext::load_live() {
    Query query(db, "SELECT total(live_blobs), total(live_bytes) FROM segment");
    MAIL_TRY(const bool row, query.step());
    live_blobs = row ? query.count(0) : 0;
    live_bytes = row ? query.count(1) : 0;
    return {};
}

} // namespace mail::store::sqlite
