// What a committed transaction changed, as subscribers see it: folder by folder with the new state of items, the queue, the
// resources. Plain values; Store::on_commit tells them in commit order.
#pragma once

#include "maild/store/mail_model.hpp"

namespace mail::store {

/// What one committed transaction did to one folder, as subscribers see it.
struct FolderChange {
    AccountId account = 0;
    FolderId folder = 0;
    ModSeq modseq = 0;            ///< of this change
    std::vector<ItemRow> added;   ///< ascending UIDs
    std::vector<ItemRow> flagged; ///< items whose flags or keywords changed, new state
    std::vector<Uid> expunged;    ///< ascending
    bool folder_itself = false;   ///< created, renamed, deleted, subscribed
    bool folder_deleted = false;  ///< the folder is gone; its items are not listed in expunged
    bool attributes = false;      ///< attributes changed; with folder 0 those of the account itself
};
struct Changes {
    std::vector<FolderChange> folders;
    bool queue = false;                 ///< queue items became due or changed
    std::uint64_t revision = 0;         ///< of the resources if they changed, else 0
    std::vector<std::string> resources; ///< "kind/name" changed
};

} // namespace mail::store
