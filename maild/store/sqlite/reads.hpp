// Reads of mail rows and resources, on any connection.
#pragma once

#include "maild/store/sqlite/database.hpp"
#include "maild/store/store.hpp"

namespace mail::store::sqlite {

// mail_read.cpp
[[nodiscard]] Result<AccountId> read_account(Database& db, std::string_view key);
[[nodiscard]] Result<MailStore::Usage> read_usage(Database& db, AccountId account);
[[nodiscard]] Result<std::vector<Folder>> read_folders(Database& db, AccountId account);
[[nodiscard]] Result<Folder> read_folder(Database& db, FolderId id);
[[nodiscard]] Result<Folder> read_folder_named(Database& db, AccountId account, std::string_view name);
[[nodiscard]] Result<std::vector<std::string>> read_subscriptions(Database& db, AccountId account);
[[nodiscard]] Result<std::string> read_account_name(Database& db, AccountId account);
[[nodiscard]] Result<std::vector<Attribute>> read_attributes(Database& db, AccountId account, FolderId folder);
[[nodiscard]] Result<std::vector<Attribute>> read_attributes_named(Database& db, std::string_view name);
/// Rows of a folder within `uids`, at most `most`; appended to `out`.
inline constexpr std::size_t every_row = INT64_MAX;
[[nodiscard]] Result<void> read_rows(Database& db, FolderId folder, UidRange uids, std::size_t most, std::vector<ItemRow>& out);
[[nodiscard]] Result<std::vector<ItemBody>> read_bodies(Database& db, FolderId id, const UidSet& uids,
                                                        std::size_t limit);
[[nodiscard]] Result<MailStore::BlobPage> read_blobs(Database& db, BlobId after, std::size_t limit);
/// Where a blob is now. Errors: not_found.
[[nodiscard]] Result<BlobRef> read_place(Database& db, BlobId blob);
[[nodiscard]] Result<SpaceReport> read_space(Database& db, unsigned compact_percent);
[[nodiscard]] Result<UidSet> read_vanished(Database& db, FolderId id, ModSeq since);
[[nodiscard]] Result<std::vector<MailStore::DerivedRow>> read_derived(Database& db, FolderId id,
                                                                      const UidSet& uids, std::size_t limit);

// story_read.cpp
[[nodiscard]] Result<StoryPage> find_stories(Database& db, const StoryFilter& filter);
[[nodiscard]] Result<std::vector<StoryEvent>> read_story_events(Database& db, const Id& message, bool transcripts);
[[nodiscard]] Result<StoryStats> read_story_stats(Database& db);
/// Stories in a row and the filter that rules them out.
struct StoryBlock {
    std::int64_t first = 0;
    std::int64_t last = 0;
    Time first_at{};
    Time last_at{};
    std::uint64_t bytes = 0;
    std::string filter;
};
/// Of the oldest stories without one; none: they are too few yet.
[[nodiscard]] Result<std::vector<StoryBlock>> next_blocks(Database& db);

// resource_part.cpp
[[nodiscard]] Result<std::string> read_meta(Database& db, std::string_view key);

} // namespace mail::store::sqlite
