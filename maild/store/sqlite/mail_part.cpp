// MailStore on the embedded engine: reads on read connections, changes as transactions of the writer.
#include "common/base/log.hpp"
#include "common/crypto/checksum.hpp"
#include "maild/store/sqlite/engine.hpp"
#include "maild/store/sqlite/reads.hpp"
#include "maild/store/sqlite/transactions.hpp"

#include <algorithm>

namespace mail::store::sqlite {
namespace {

constexpr std::size_t short_read = 500;          ///< rows; more are read on the pool
constexpr std::uint64_t short_bytes = 256 << 10; ///< of a blob; more are read on the pool
constexpr std::size_t expunge_slice = 2000;      ///< items of one transaction

class MailPart final : public MailStore {
  public:
    explicit MailPart(Engine& engine) : engine_(engine) {}

    Task<Result<AccountId>> find_account(std::string_view key) override {
        co_return engine_.now<AccountId>([&](Database& db) { return read_account(db, key); });
    }
    Task<Result<Usage>> usage(AccountId account) override {
        co_return engine_.now<Usage>([&](Database& db) { return read_usage(db, account); });
    }
    Task<Result<std::vector<Folder>>> folders(AccountId account) override {
        co_return engine_.now<std::vector<Folder>>([&](Database& db) { return read_folders(db, account); });
    }
    Task<Result<Folder>> folder(FolderId id) override {
        co_return engine_.now<Folder>([&](Database& db) { return read_folder(db, id); });
    }
    Task<Result<Folder>> find_folder(AccountId account, std::string_view name) override {
        co_return engine_.now<Folder>([&](Database& db) { return read_folder_named(db, account, name); });
    }
    Task<Result<Folder>> create_folder(AccountId account, std::string name, FolderClass folder_class,
                                       SpecialUse special_use) override;
    Task<Result<void>> rename_folder(FolderId id, std::string new_name) override;
    Task<Result<void>> delete_folder(FolderId id) override;
    Task<Result<void>> subscribe(AccountId account, std::string name, bool subscribed) override;
    Task<Result<std::vector<std::string>>> subscriptions(AccountId account) override {
        co_return engine_.now<std::vector<std::string>>(
            [&](Database& db) { return read_subscriptions(db, account); });
    }
    Task<Result<std::string>> account_name(AccountId account) override {
        co_return engine_.now<std::string>([&](Database& db) { return read_account_name(db, account); });
    }
    Task<Result<std::vector<Attribute>>> attributes(AccountId account, FolderId folder) override {
        co_return engine_.now<std::vector<Attribute>>(
            [&](Database& db) { return read_attributes(db, account, folder); });
    }
    Task<Result<std::vector<Attribute>>> attributes_named(std::string_view name) override {
        co_return engine_.now<std::vector<Attribute>>(
            [&](Database& db) { return read_attributes_named(db, name); });
    }
    Task<Result<void>> put_attributes(AccountId account, FolderId folder,
                                      std::vector<AttributeChange> changes) override;
    Result<std::unique_ptr<Spool>> spool(std::uint64_t size_hint) override {
        MAIL_DO(engine_.room_for_mail());
        return make_spool(engine_.segments, size_hint);
    }
    Task<Result<AcceptReceipt>> accept(AcceptPlan plan) override;
    Task<Result<std::vector<Placed>>> append(std::vector<AcceptPlan> plans) override;
    Task<Result<Listing>> list(FolderId id) override;
    Task<Result<std::vector<ItemBody>>> bodies(FolderId id, const UidSet& uids, std::size_t limit) override;
    Task<Result<std::string>> read(const BlobRef& blob, std::uint64_t offset, std::uint64_t length) override;
    Task<Result<FlagReceipt>> change_flags(FlagChange change) override;
    Task<Result<CopyReceipt>> copy(FolderId source, UidSet uids, FolderId target, bool move,
                                   std::uint64_t target_quota) override;
    Task<Result<std::vector<Uid>>> expunge(FolderId id, UidSet uids, bool only_deleted) override;
    Task<Result<std::vector<Vanished>>> vanished(FolderId id, ModSeq since) override {
        co_return engine_.now<std::vector<Vanished>>(
            [&](Database& db) { return read_vanished(db, id, since); });
    }
    Task<Result<std::vector<DerivedRow>>> derived(FolderId id, const UidSet& uids,
                                                  std::size_t limit) override;
    Task<Result<void>> put_derived(std::vector<Derived> rows) override;
    Task<Result<void>> drop_derived() override;

  private:
    /// One transaction; the caller goes on when it is durable.
    template <class T> Task<Result<T>> write(std::function<Result<T>(WriteContext&)> body) {
        co_return co_await engine_.writer->run<T>(std::move(body));
    }
    Result<std::string> read_now(const BlobRef& blob, std::uint64_t offset, std::uint64_t length);

    Engine& engine_;
};

Task<Result<Folder>> MailPart::create_folder(AccountId account, std::string name, FolderClass folder_class,
                                             SpecialUse special_use) {
    std::function<Result<Folder>(WriteContext&)> body = [=](WriteContext& context) {
        return sqlite::create_folder(context, account, name, folder_class, special_use);
    };
    co_return co_await write<Folder>(std::move(body));
}

Task<Result<void>> MailPart::rename_folder(FolderId id, std::string new_name) {
    std::function<Result<void>(WriteContext&)> body = [=](WriteContext& context) {
        return sqlite::rename_folder(context, id, new_name);
    };
    co_return co_await write<void>(std::move(body));
}

Task<Result<void>> MailPart::delete_folder(FolderId id) {
    std::function<Result<void>(WriteContext&)> body = [id](WriteContext& context) {
        return sqlite::delete_folder(context, id);
    };
    co_return co_await write<void>(std::move(body));
}

Task<Result<void>> MailPart::subscribe(AccountId account, std::string name, bool subscribed) {
    std::function<Result<void>(WriteContext&)> body = [=](WriteContext& context) {
        return sqlite::subscribe(context, account, name, subscribed);
    };
    co_return co_await write<void>(std::move(body));
}

Task<Result<void>> MailPart::put_attributes(AccountId account, FolderId folder,
                                            std::vector<AttributeChange> changes) {
    std::function<Result<void>(WriteContext&)> body = [=, changes = std::move(changes)](WriteContext& context) {
        return sqlite::put_attributes(context, account, folder, changes);
    };
    co_return co_await write<void>(std::move(body));
}

Task<Result<AcceptReceipt>> MailPart::accept(AcceptPlan plan) {
    MAIL_CO_DO(engine_.room_for_mail());
    MAIL_CO_DO(engine_.place_bytes(plan));
    auto shared = std::make_shared<const AcceptPlan>(std::move(plan));
    std::function<Result<AcceptReceipt>(WriteContext&)> body = [shared](WriteContext& context) {
        return sqlite::accept(context, *shared);
    };
    co_return co_await write<AcceptReceipt>(std::move(body));
}

Task<Result<std::vector<Placed>>> MailPart::append(std::vector<AcceptPlan> plans) {
    MAIL_CO_DO(engine_.room_for_mail());
    for (AcceptPlan& plan : plans) {
        MAIL_CO_DO(engine_.place_bytes(plan));
    }
    auto shared = std::make_shared<const std::vector<AcceptPlan>>(std::move(plans));
    std::function<Result<std::vector<Placed>>(WriteContext&)> body = [shared](WriteContext& context) {
        return sqlite::append(context, *shared);
    };
    co_return co_await write<std::vector<Placed>>(std::move(body));
}

Task<Result<MailStore::Listing>> MailPart::list(FolderId id) {
    std::function<Result<Listing>(Database&)> read = [id](Database& db) { return read_listing(db, id); };
    co_return co_await engine_.later<Listing>(std::move(read));
}

Task<Result<std::vector<ItemBody>>> MailPart::bodies(FolderId id, const UidSet& uids, std::size_t limit) {
    if (limit <= short_read)
        co_return engine_.now<std::vector<ItemBody>>(
            [&](Database& db) { return read_bodies(db, id, uids, limit); });
    std::function<Result<std::vector<ItemBody>>(Database&)> read = [id, uids, limit](Database& db) {
        return read_bodies(db, id, uids, limit);
    };
    co_return co_await engine_.later<std::vector<ItemBody>>(std::move(read));
}

Result<std::string> MailPart::read_now(const BlobRef& blob, std::uint64_t offset, std::uint64_t length) {
    if (engine_.closed)
        return fail(ErrorCode::closed, "the store is closed");
    if (offset >= blob.length)
        return std::string();
    length = std::min(length, blob.length - offset);
    MAIL_TRY(std::string bytes, engine_.segments->read(blob.segment, blob.offset + offset, length));
    const bool whole = offset == 0 && length == blob.length;
    if (bytes.size() != length || (whole && crypto::crc32c(bytes) != blob.checksum)) {
        log(Event::store_damaged, {{"blob", blob.id}, {"segment", blob.segment}, {"offset", blob.offset}});
        return fail(ErrorCode::internal, "the stored message is damaged", "run maild check");
    }
    return bytes;
}

Task<Result<std::string>> MailPart::read(const BlobRef& blob, std::uint64_t offset, std::uint64_t length) {
    if (std::min(length, blob.length) <= short_bytes)
        co_return read_now(blob, offset, length);
    std::function<Result<std::string>()> job = [this, blob, offset, length] {
        return read_now(blob, offset, length);
    };
    co_return co_await engine_.pool->run<std::string>(std::move(job));
}

Task<Result<FlagReceipt>> MailPart::change_flags(FlagChange change) {
    std::function<Result<FlagReceipt>(WriteContext&)> body =
        [change = std::move(change)](WriteContext& context) { return sqlite::change_flags(context, change); };
    co_return co_await write<FlagReceipt>(std::move(body));
}

Task<Result<CopyReceipt>> MailPart::copy(FolderId source, UidSet uids, FolderId target, bool move,
                                         std::uint64_t target_quota) {
    std::function<Result<CopyReceipt>(WriteContext&)> body = [=,
                                                              uids = std::move(uids)](WriteContext& context) {
        return copy_items(context, source, uids, target, move, target_quota);
    };
    co_return co_await write<CopyReceipt>(std::move(body));
}

Task<Result<std::vector<Uid>>> MailPart::expunge(FolderId id, UidSet uids, bool only_deleted) {
    // In slices, so that emptying a large folder does not hold up everybody's mail.
    std::vector<Uid> gone;
    for (;;) {
        const Uid after = gone.empty() ? 0 : gone.back();
        std::function<Result<std::vector<Uid>>(WriteContext&)> body = [=](WriteContext& context) {
            return sqlite::expunge(context, id, uids, only_deleted, after, expunge_slice);
        };
        MAIL_CO_TRY(const auto slice, co_await write<std::vector<Uid>>(std::move(body)));
        gone.insert(gone.end(), slice.begin(), slice.end());
        if (slice.size() < expunge_slice)
            co_return gone;
    }
}

Task<Result<std::vector<MailStore::DerivedRow>>> MailPart::derived(FolderId id, const UidSet& uids,
                                                                   std::size_t limit) {
    if (limit <= short_read)
        co_return engine_.now<std::vector<DerivedRow>>(
            [&](Database& db) { return read_derived(db, id, uids, limit); });
    std::function<Result<std::vector<DerivedRow>>(Database&)> read = [id, uids, limit](Database& db) {
        return read_derived(db, id, uids, limit);
    };
    co_return co_await engine_.later<std::vector<DerivedRow>>(std::move(read));
}

Task<Result<void>> MailPart::put_derived(std::vector<Derived> rows) {
    std::function<Result<void>(WriteContext&)> body = [rows = std::move(rows)](WriteContext& context) {
        return sqlite::put_derived(context, rows);
    };
    co_return co_await write<void>(std::move(body));
}

Task<Result<void>> MailPart::drop_derived() {
    std::function<Result<void>(WriteContext&)> body = [](WriteContext& context) {
        return sqlite::drop_derived(context);
    };
    co_return co_await write<void>(std::move(body));
}

} // namespace

std::unique_ptr<MailStore> make_mail(Engine& engine) {
    return std::make_unique<MailPart>(engine);
}

} // namespace mail::store::sqlite
