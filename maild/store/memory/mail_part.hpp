// MailPart: MailStore in memory; folders in mail_folders.cpp, what is in them in mail_part.cpp. Private to store/memory.
#pragma once

#include "maild/store/memory/state.hpp"
#include "maild/store/ready.hpp"

namespace mail::store::memory {

class MailPart final : public MailStore {
  public:
    explicit MailPart(State& state) : state_(state) {}

    Task<Result<AccountId>> find_account(std::string_view key) override {
        const std::lock_guard lock(state_.mutex);
        return ready(state_.account_of(key));
    }
    Task<Result<Usage>> usage(AccountId account) override {
        const std::lock_guard lock(state_.mutex);
        return ready(Result<Usage>(state_.usage(account)));
    }
    Task<Result<std::vector<Folder>>> folders(AccountId account) override;
    Task<Result<Folder>> folder(FolderId id) override;
    Task<Result<Folder>> find_folder(AccountId account, std::string_view name) override;
    Task<Result<Folder>> create_folder(AccountId account, std::string name, FolderClass folder_class,
                                       SpecialUse special_use) override;
    Task<Result<void>> rename_folder(FolderId id, std::string new_name) override {
        return ready(rename_now(id, new_name));
    }
    Task<Result<void>> delete_folder(FolderId id) override { return ready(delete_now(id)); }
    Task<Result<void>> subscribe(AccountId account, std::string name, bool subscribed) override;
    Task<Result<std::vector<std::string>>> subscriptions(AccountId account) override;
    Task<Result<std::string>> account_name(AccountId account) override;
    Task<Result<std::vector<Attribute>>> attributes(AccountId account, FolderId folder) override;
    Task<Result<std::vector<Attribute>>> attributes_named(std::string_view name) override;
    Task<Result<void>> put_attributes(AccountId account, FolderId folder,
                                      std::vector<AttributeChange> changes) override {
        return ready(put_attributes_now(account, folder, changes));
    }
    Result<void> room_for_mail() override;
    Result<std::unique_ptr<Spool>> spool(std::uint64_t size_hint) override;
    Task<Result<AcceptReceipt>> accept(AcceptPlan plan) override;
    Task<Result<std::vector<Placed>>> append(std::vector<AcceptPlan> plans) override {
        return ready(append_now(plans));
    }
    Task<Result<Placed>> replace(AcceptPlan plan, FolderId folder, Uid old) override {
        return ready(replace_now(plan, folder, old));
    }
    Task<Result<void>> scan(FolderId id, std::shared_ptr<ListingSink> sink) override;
    Task<Result<std::vector<ItemBody>>> bodies(FolderId id, const UidSet& uids, std::size_t limit) override;
    Task<Result<std::string>> read(const BlobRef& blob, std::uint64_t offset, std::uint64_t length) override;
    Task<Result<FlagReceipt>> change_flags(FlagChange change) override { return ready(flags_now(change)); }
    Task<Result<CopyReceipt>> copy(FolderId source, UidSet uids, FolderId target, bool move,
                                   std::uint64_t target_quota) override {
        return ready(copy_now(source, uids, target, move, target_quota));
    }
    Task<Result<std::vector<Uid>>> expunge(FolderId id, UidSet uids, bool only_deleted) override {
        return ready(expunge_now(id, uids, only_deleted));
    }
    Task<Result<UidSet>> vanished(FolderId id, ModSeq since) override;
    Task<Result<std::vector<DerivedRow>>> derived(FolderId id, const UidSet& uids,
                                                  std::size_t limit) override;
    Task<Result<void>> put_derived(std::vector<Derived> rows) override;
    Task<Result<void>> drop_derived() override;
    Task<Result<BlobPage>> blobs(BlobId after, std::size_t limit) override;

  private:
    Result<Folder> create_now(AccountId account, std::string name, FolderClass folder_class,
                              SpecialUse special_use);
    Result<void> rename_now(FolderId id, const std::string& new_name);
    void empty_inbox_into(Transaction& change, FolderData& inbox, FolderData& target);
    Result<void> delete_now(FolderId id);
    Result<void> put_attributes_now(AccountId account, FolderId folder, const std::vector<AttributeChange>& changes);
    Result<std::vector<Placed>> append_now(const std::vector<AcceptPlan>& plans);
    Result<Placed> replace_now(const AcceptPlan& plan, FolderId id, Uid old);
    Result<FlagReceipt> flags_now(const FlagChange& change);
    Result<CopyReceipt> copy_now(FolderId source, const UidSet& uids, FolderId target, bool move,
                                 std::uint64_t quota);
    Result<std::vector<Uid>> expunge_now(FolderId id, const UidSet& uids, bool only_deleted);

    State& state_;
};

} // namespace mail::store::memory
