// Rows that a WriteContext keeps in memory while a batch of transactions works on them, and the counters that ids come from.
// `dirty` rows are written at the end of the batch. Used by the writer thread alone.
#pragma once

#include "maild/store/mail_model.hpp"
#include "maild/store/sqlite/database.hpp"

namespace mail::store::sqlite {

enum class Counter : std::uint8_t {
    account,
    folder,
    blob,
    queue_message,
    queue_item,
    uid_validity,
    revision
};
inline constexpr std::size_t counters = 7;

struct AccountState {
    ModSeq modseq = 0;
    std::uint64_t bytes = 0;
    std::uint64_t items = 0;
    FolderId inbox = 0;
    bool removed = false;
    Time held_until{};
};
struct BlobRow {
    BlobRef where;
    std::uint64_t refs = 0;
};
struct SegmentState {
    std::uint64_t used = 0;
    std::int64_t blobs = 0;
    std::int64_t bytes = 0;
    bool dirty = false;
};
struct FolderState {
    Folder row;
    bool dirty = false;
};
struct VanishedRange {
    FolderId folder = 0;
    ModSeq modseq = 0;
    UidRange uids;
};

/// Reads a folder from a row of `folder_columns`.
#define MAIL_FOLDER_COLUMNS                                                                                  \
    "id, account, name, class, special_use, uid_validity, uid_next, modseq, messages, unseen, bytes, "       \
    "object_id"
[[nodiscard]] Folder folder_of(const Query& query);

} // namespace mail::store::sqlite
