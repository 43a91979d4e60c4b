// The reads of MailPart, on read connections.
#include "maild/store/sqlite/mail_part.hpp"
#include "common/base/log.hpp"
#include "common/crypto/checksum.hpp"
#include "maild/store/sqlite/reads.hpp"

#include <algorithm>

namespace mail::store::sqlite {
namespace {

constexpr std::size_t short_read = 500;          ///< rows; more are read on the pool
constexpr std::size_t short_scan = 1000;         ///< items of a folder; larger ones are read on the pool
constexpr std::uint64_t short_bytes = 256 << 10; ///< of a blob; more are read on the pool

} // namespace

Task<Result<AccountId>> MailPart::find_account(std::string_view key) {
    return ready(engine_.now<AccountId>([&](Database& db) { return read_account(db, key); }));
}

Task<Result<MailStore::Usage>> MailPart::usage(AccountId account) {
    return ready(engine_.now<Usage>([&](Database& db) { return read_usage(db, account); }));
}

Task<Result<std::vector<Folder>>> MailPart::folders(AccountId account) {
    return ready(engine_.now<std::vector<Folder>>([&](Database& db) { return read_folders(db, account); }));
}

Task<Result<Folder>> MailPart::folder(FolderId id) {
    return ready(engine_.now<Folder>([&](Database& db) { return read_folder(db, id); }));
}

Task<Result<Folder>> MailPart::find_folder(AccountId account, std::string_view name) {
    return ready(engine_.now<Folder>([&](Database& db) { return read_folder_named(db, account, name); }));
}

Task<Result<std::vector<std::string>>> MailPart::subscriptions(AccountId account) {
    return ready(engine_.now<std::vector<std::string>>(
        [&](Database& db) { return read_subscriptions(db, account); }));
}

Task<Result<std::string>> MailPart::account_name(AccountId account) {
    return ready(engine_.now<std::string>([&](Database& db) { return read_account_name(db, account); }));
}

Task<Result<std::vector<Attribute>>> MailPart::attributes(AccountId account, FolderId folder) {
    return ready(engine_.now<std::vector<Attribute>>(
        [&](Database& db) { return read_attributes(db, account, folder); }));
}

Task<Result<std::vector<Attribute>>> MailPart::attributes_named(std::string_view name) {
    return ready(engine_.now<std::vector<Attribute>>(
        [&](Database& db) { return read_attributes_named(db, name); }));
}

Task<Result<UidSet>> MailPart::vanished(FolderId id, ModSeq since) {
    std::function<Result<UidSet>(Database&)> read = [id, since](Database& db) { return read_vanished(db, id, since); };
    return engine_.later<UidSet>(std::move(read));
}

Result<void> MailPart::room_for_mail() { return engine_.room_for_mail(); }

Result<std::unique_ptr<Spool>> MailPart::spool(std::uint64_t size_hint) {
    MAIL_DO(engine_.room_for_mail());
    return make_spool(engine_.segments, size_hint);
}

Task<Result<void>> MailPart::scan(FolderId id, std::shared_ptr<ListingSink> sink) {
    std::function<Result<PackedScan>(Database&)> read = [id, sink, items = engine_.packer->items()](Database& db) {
        return scan_folder(db, id, items, *sink);
    };
    MAIL_CO_TRY(const Folder folder, engine_.now<Folder>([id](Database& db) { return read_folder(db, id); }));
    if (folder.messages <= short_scan) { // less time than two changes of thread take
        MAIL_CO_TRY(const PackedScan found, engine_.now<PackedScan>(read));
        engine_.packer->note(id, found);
        co_return Result<void>{};
    }
    MAIL_CO_TRY(const PackedScan found, co_await engine_.later<PackedScan>(std::move(read)));
    engine_.packer->note(id, found);
    co_return Result<void>{};
}

Task<Result<std::vector<ItemBody>>> MailPart::bodies(FolderId id, const UidSet& uids, std::size_t limit) {
    if (limit <= short_read)
        return ready(engine_.now<std::vector<ItemBody>>(
            [&](Database& db) { return read_bodies(db, id, uids, limit); }));
    std::function<Result<std::vector<ItemBody>>(Database&)> read = [id, uids, limit](Database& db) {
        return read_bodies(db, id, uids, limit);
    };
    return engine_.later<std::vector<ItemBody>>(std::move(read));
}

Result<std::string> MailPart::read_now(const BlobRef& blob, std::uint64_t offset, std::uint64_t length) {
    if (engine_.closed)
        return fail(ErrorCode::closed, "the store is closed");
    if (offset >= blob.length)
        return std::string();
    length = std::min(length, blob.length - offset);
    MAIL_TRY(std::string bytes, read_moving(blob, offset, length));
    const bool whole = offset == 0 && length == blob.length;
    if (bytes.size() != length || (whole && crypto::crc32c(bytes) != blob.checksum)) {
        log(Event::store_damaged, {{"blob", blob.id}, {"segment", blob.segment}, {"offset", blob.offset}});
        return fail(ErrorCode::internal, "the stored message is damaged", "run maild check");
    }
    return bytes;
}

// Compaction may have moved the bytes since the reference was read, and their old file may be gone. A segment's number is
// never used again, so an old place holds the same bytes or none.
Result<std::string> MailPart::read_moving(const BlobRef& blob, std::uint64_t offset, std::uint64_t length) {
    BlobRef place = blob;
    for (;;) {
        auto bytes = engine_.segments->read(place.segment, place.offset + offset, length);
        if (bytes || bytes.error().code != ErrorCode::not_found)
            return bytes;
        MAIL_TRY(const BlobRef now, engine_.now<BlobRef>([&](Database& db) { return read_place(db, blob.id); }));
        if (now.segment == place.segment) // the rows say so, and yet the file is not there
            return bytes;
        place = now;
    }
}

Task<Result<std::string>> MailPart::read(const BlobRef& blob, std::uint64_t offset, std::uint64_t length) {
    if (std::min(length, blob.length) <= short_bytes)
        return ready(read_now(blob, offset, length));
    std::function<Result<std::string>()> job = [this, blob, offset, length] {
        return read_now(blob, offset, length);
    };
    return engine_.pool->run<std::string>(std::move(job));
}

Task<Result<MailStore::BlobPage>> MailPart::blobs(BlobId after, std::size_t limit) {
    std::function<Result<BlobPage>(Database&)> read = [after, limit](Database& db) { return read_blobs(db, after, limit); };
    return engine_.later<BlobPage>(std::move(read));
}

Task<Result<std::vector<MailStore::DerivedRow>>> MailPart::derived(FolderId id, const UidSet& uids,
                                                                   std::size_t limit) {
    if (limit <= short_read)
        return ready(engine_.now<std::vector<DerivedRow>>(
            [&](Database& db) { return read_derived(db, id, uids, limit); }));
    std::function<Result<std::vector<DerivedRow>>(Database&)> read = [id, uids, limit](Database& db) {
        return read_derived(db, id, uids, limit);
    };
    return engine_.later<std::vector<DerivedRow>>(std::move(read));
}

std::unique_ptr<MailStore> make_mail(Engine& engine) {
    return std::make_unique<MailPart>(engine);
}

} // namespace mail::store::sqlite
