// What mailboxes.cpp (folders) and mailbox_items.cpp (what is in them) share. Private to service.
#pragma once

#include "common/async/runtime.hpp"
#include "maild/service/access_lists.hpp"
#include "maild/service/mailboxes.hpp"
#include "maild/service/open_folders.hpp"
#include "maild/store/text_index.hpp"

namespace mail::service {

struct Mailboxes::State {
    State(store::Store& s, ChangeBus& b, Directory& d, const Clock& c) : store(s), bus(b), directory(d), clock(c), access(s.mail()) {}
    store::Store& store;
    ChangeBus& bus;
    Directory& directory;
    const Clock& clock;
    AccessLists access;
    std::shared_ptr<OpenFolders> open = std::make_shared<OpenFolders>();
    ChangeBus::Token watching;
    store::TextIndex* texts = nullptr; ///< null: there is none
    async::WorkerPool* pool = nullptr; ///< where texts are looked up
    std::mutex mutex;
    std::unordered_map<store::FolderId, store::AccountId> owners; ///< never changes for a folder; bounded
};

} // namespace mail::service
