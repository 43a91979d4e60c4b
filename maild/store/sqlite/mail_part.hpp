// MailPart: MailStore on the embedded engine. Reads take a read connection, on the calling thread when they are short and
// on the pool otherwise (mail_part.cpp); changes are transactions of the writer (mail_change.cpp). Private to store/sqlite.
#pragma once

#include "maild/store/sqlite/engine.hpp"

namespace mail::store::sqlite {

class MailPart final : public MailStore {
  public:
    explicit MailPart(Engine& engine) : engine_(engine) {}

    Task<Result<AccountId>> find_account(std::string_view key) override;
    Task<Result<Usage>> usage(AccountId account) override;
    Task<Result<std::vector<Folder>>> folders(AccountId account) override;
    Task<Result<Folder>> folder(FolderId id) override;
    Task<Result<Folder>> find_folder(AccountId account, std::string_view name) override;
    Task<Result<Folder>> create_folder(AccountId account, std::string name, FolderClass folder_class,
                                       SpecialUse special_use) override;
    Task<Result<void>> rename_folder(FolderId id, std::string new_name) override;
    Task<Result<void>> delete_folder(FolderId id) override;
    Task<Result<void>> subscribe(AccountId account, std::string name, bool subscribed) override;
    Task<Result<std::vector<std::string>>> subscriptions(AccountId account) override;
    Task<Result<std::string>> account_name(AccountId account) override;
    Task<Result<std::vector<Attribute>>> attributes(AccountId account, FolderId folder) override;
    Task<Result<std::vector<Attribute>>> attributes_named(std::string_view name) override;
    Task<Result<void>> put_attributes(AccountId account, FolderId folder,
                                      std::vector<AttributeChange> changes) override;
    Result<void> room_for_mail() override;
    Result<std::unique_ptr<Spool>> spool(std::uint64_t size_hint) override;
    Task<Result<AcceptReceipt>> accept(AcceptPlan plan) override;
    Task<Result<std::vector<Placed>>> append(std::vector<AcceptPlan> plans) override;
    Task<Result<Placed>> replace(AcceptPlan plan, FolderId folder, Uid old) override;
    Task<Result<void>> scan(FolderId id, std::shared_ptr<ListingSink> sink) override;
    Task<Result<std::vector<ItemBody>>> bodies(FolderId id, const UidSet& uids, std::size_t limit) override;
    Task<Result<std::string>> read(const BlobRef& blob, std::uint64_t offset, std::uint64_t length) override;
    Task<Result<FlagReceipt>> change_flags(FlagChange change) override;
    Task<Result<CopyReceipt>> copy(FolderId source, UidSet uids, FolderId target, bool move,
                                   std::uint64_t target_quota) override;
    Task<Result<std::vector<Uid>>> expunge(FolderId id, UidSet uids, bool only_deleted) override;
    Task<Result<UidSet>> vanished(FolderId id, ModSeq since) override;
    Task<Result<std::vector<DerivedRow>>> derived(FolderId id, const UidSet& uids,
                                                  std::size_t limit) override;
    Task<Result<void>> put_derived(std::vector<Derived> rows) override;
    Task<Result<void>> drop_derived() override;
    Task<Result<BlobPage>> blobs(BlobId after, std::size_t limit) override;

  private:
    Result<std::string> read_moving(const BlobRef& blob, std::uint64_t offset, std::uint64_t length);
    Result<std::string> read_now(const BlobRef& blob, std::uint64_t offset, std::uint64_t length);

    Engine& engine_;
};

} // namespace mail::store::sqlite
