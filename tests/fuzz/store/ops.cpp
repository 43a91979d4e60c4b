// A run of operations on the in-memory engine, which is the reference for the others: whatever is asked in
// whatever order, counts agree with listings, UIDs ascend and never come back, and modseqs never fall.
#include "common/async/runtime.hpp"
#include "common/base/time.hpp"
#include "maild/store/memory/memory_store.hpp"

#include <cstdlib>
#include <map>
#include <optional>

using namespace mail;
using namespace mail::store;

namespace {

template <class T> Task<void> keep(Task<T> task, std::optional<T>& result) {
    auto value = co_await std::move(task);
    result.emplace(std::move(value));
}
template <class T> T wait(Task<T> task) {
    std::optional<T> result;
    async::run_until_done(keep(std::move(task), result));
    return std::move(*result);
}
void require(bool condition) {
    if (!condition)
        std::abort();
}

struct Input {
    const uint8_t* data;
    std::size_t size;
    std::size_t at = 0;
    unsigned next(unsigned below) { return at < size ? data[at++] % below : 0; }
    [[nodiscard]] bool over() const { return at >= size; }
};

struct Run {
    std::unique_ptr<Store> store = open_memory(system_clock());
    std::vector<AccountId> accounts;
    std::map<FolderId, Uid> next_uid;
    std::map<FolderId, ModSeq> modseq;

    void check() {
        for (const AccountId account : accounts) {
            std::uint64_t items = 0;
            std::uint64_t bytes = 0;
            const auto folders = *wait(store->mail().folders(account));
            for (const Folder& folder : folders) {
                const auto listing = *wait(store->mail().list(folder.id));
                require(listing.items.size() == folder.messages);
                require(folder.uid_next >= next_uid[folder.id] && folder.modseq >= modseq[folder.id]);
                next_uid[folder.id] = folder.uid_next;
                modseq[folder.id] = folder.modseq;
                Uid last = 0;
                std::uint32_t unseen = 0;
                for (const ItemRow& row : listing.items) {
                    require(row.uid > last && row.uid < folder.uid_next && row.modseq <= folder.modseq);
                    last = row.uid;
                    unseen += (row.flags & flag::seen) ? 0 : 1;
                    bytes += row.size;
                }
                require(unseen == folder.unseen);
                items += folder.messages;
            }
            const auto usage = *wait(store->mail().usage(account));
            require(usage.items == items && usage.bytes == bytes);
        }
    }

    FolderId folder(Input& in) {
        const auto all = *wait(store->mail().folders(accounts[in.next(2)]));
        return all[in.next(static_cast<unsigned>(all.size()))].id;
    }

    void step(Input& in) {
        MailStore& mail = store->mail();
        static const char* const names[] = {"a", "a/b", "b", "a/b/c", "INBOX/x", "Trash"};
        const Uid first = 1 + in.next(8);
        const UidSet some{{first, first + in.next(4)}};
        switch (in.next(8)) {
        case 0:
        case 1: {
            AcceptPlan plan;
            plan.content.memory = std::make_shared<const std::string>(in.next(40), 'x');
            for (unsigned i = in.next(3) + 1; i > 0; --i) {
                LocalCopy copy;
                copy.account = accounts[in.next(2)];
                copy.folder = in.next(3) == 0 ? folder(in) : 0;
                copy.flags = static_cast<std::uint8_t>(in.next(32));
                copy.quota = in.next(4) == 0 ? 100 : 0;
                plan.local.push_back(copy);
            }
            (void)wait(mail.accept(std::move(plan)));
            break;
        }
        case 2:
            (void)wait(mail.create_folder(accounts[in.next(2)], names[in.next(6)], FolderClass::mail, {}));
            break;
        case 3:
            (void)wait(mail.rename_folder(folder(in), names[in.next(6)]));
            break;
        case 4:
            (void)wait(mail.delete_folder(folder(in)));
            break;
        case 5: {
            FlagChange change;
            change.folder = folder(in);
            change.uids = some;
            change.operation = static_cast<FlagOperation>(in.next(3));
            change.flags = static_cast<std::uint8_t>(in.next(32));
            (void)wait(mail.change_flags(change));
            break;
        }
        case 6:
            (void)wait(mail.copy(folder(in), some, folder(in), in.next(2) == 0, in.next(4) == 0 ? 50 : 0));
            break;
        default:
            (void)wait(mail.expunge(folder(in), in.next(2) == 0 ? some : UidSet{}, in.next(2) == 0));
            break;
        }
    }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
    Input in{data, std::min<std::size_t>(size, 200)};
    Run run;
    ResourceBatch batch;
    for (const std::string name : {"a@example.org", "b@example.org"})
        batch.writes.push_back({ResourceWrite::Action::put, "mailbox", name, "{}", "", {name}, true});
    require(wait(run.store->resources().apply(batch)).has_value());
    for (const auto& write : batch.writes)
        run.accounts.push_back(*run.store->resources().find_account_now(write.name));
    while (!in.over()) {
        run.step(in);
        run.check();
    }
    return 0;
}
