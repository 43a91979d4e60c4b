// The changes of MailPart, each one transaction of the writer; the caller goes on when it is durable.
#include "maild/store/sqlite/mail_part.hpp"
#include "maild/store/sqlite/transactions.hpp"

#include <algorithm>
#include <iterator>

namespace mail::store::sqlite {
namespace {

constexpr std::size_t expunge_slice = limit::expunge_slice;

template <class T> void append_to(std::vector<T>& all, std::vector<T>& more) {
    if (all.empty())
        all.swap(more);
    else
        all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

} // namespace

Task<Result<Folder>> MailPart::create_folder(AccountId account, std::string name, FolderClass folder_class,
                                             SpecialUse special_use) {
    std::function<Result<Folder>(WriteContext&)> body = [=](WriteContext& context) {
        return sqlite::create_folder(context, account, name, folder_class, special_use);
    };
    return engine_.writer->run<Folder>(std::move(body));
}

Task<Result<void>> MailPart::rename_folder(FolderId id, std::string new_name) {
    std::function<Result<void>(WriteContext&)> body = [=](WriteContext& context) {
        return sqlite::rename_folder(context, id, new_name);
    };
    return engine_.writer->run<void>(std::move(body));
}

Task<Result<void>> MailPart::delete_folder(FolderId id) {
    std::function<Result<void>(WriteContext&)> body = [id](WriteContext& context) {
        return sqlite::delete_folder(context, id);
    };
    return engine_.writer->run<void>(std::move(body));
}

Task<Result<void>> MailPart::subscribe(AccountId account, std::string name, bool subscribed) {
    std::function<Result<void>(WriteContext&)> body = [=](WriteContext& context) {
        return sqlite::subscribe(context, account, name, subscribed);
    };
    return engine_.writer->run<void>(std::move(body));
}

Task<Result<void>> MailPart::put_attributes(AccountId account, FolderId folder,
                                            std::vector<AttributeChange> changes) {
    std::function<Result<void>(WriteContext&)> body = [=, changes = std::move(changes)](WriteContext& context) {
        return sqlite::put_attributes(context, account, folder, changes);
    };
    return engine_.writer->run<void>(std::move(body));
}

Task<Result<AcceptReceipt>> MailPart::accept(AcceptPlan plan) {
    MAIL_CO_DO(engine_.room_for_mail());
    auto shared = std::make_shared<AcceptPlan>(std::move(plan));
    std::function<Result<AcceptReceipt>(WriteContext&)> body = [this, shared](WriteContext& context) -> Result<AcceptReceipt> {
        MAIL_DO(engine_.place_bytes(*shared));
        return sqlite::accept(context, *shared);
    };
    co_return co_await engine_.writer->run<AcceptReceipt>(std::move(body));
}

Task<Result<std::vector<Placed>>> MailPart::append(std::vector<AcceptPlan> plans) {
    MAIL_CO_DO(engine_.room_for_mail());
    auto shared = std::make_shared<std::vector<AcceptPlan>>(std::move(plans));
    std::function<Result<std::vector<Placed>>(WriteContext&)> body = [this, shared](WriteContext& context) -> Result<std::vector<Placed>> {
        for (AcceptPlan& plan : *shared) {
            MAIL_DO(engine_.place_bytes(plan));
        }
        return sqlite::append(context, *shared);
    };
    co_return co_await engine_.writer->run<std::vector<Placed>>(std::move(body));
}

Task<Result<Placed>> MailPart::replace(AcceptPlan plan, FolderId folder, Uid old) {
    MAIL_CO_DO(engine_.room_for_mail());
    auto shared = std::make_shared<AcceptPlan>(std::move(plan));
    std::function<Result<Placed>(WriteContext&)> body = [this, shared, folder, old](WriteContext& context) -> Result<Placed> {
        MAIL_DO(engine_.place_bytes(*shared));
        return sqlite::replace(context, *shared, folder, old);
    };
    co_return co_await engine_.writer->run<Placed>(std::move(body));
}

Task<Result<FlagReceipt>> MailPart::change_flags(FlagChange change) {
    // In slices, so that marking a large folder does not hold up everybody's mail.
    const auto asked = std::make_shared<const FlagChange>(std::move(change));
    FlagReceipt all;
    Uid after = 0;
    for (;;) {
        std::function<Result<FlagReceipt>(WriteContext&)> body = [asked, after](WriteContext& context) {
            return sqlite::change_flags(context, *asked, after, std::size_t{limit::flag_slice});
        };
        MAIL_CO_TRY(FlagReceipt slice, co_await engine_.writer->run<FlagReceipt>(std::move(body)));
        const std::size_t seen = slice.changed.size() + slice.modified.size();
        after = std::max(slice.changed.empty() ? 0 : slice.changed.back().uid, slice.modified.empty() ? 0 : slice.modified.back());
        all.modseq = slice.modseq;
        append_to(all.changes, slice.changes);
        append_to(all.changed, slice.changed);
        append_to(all.modified, slice.modified);
        if (seen < std::size_t{limit::flag_slice})
            co_return all;
    }
}

Task<Result<CopyReceipt>> MailPart::copy(FolderId source, UidSet uids, FolderId target, bool move,
                                         std::uint64_t target_quota) {
    std::function<Result<CopyReceipt>(WriteContext&)> body = [=,
                                                              uids = std::move(uids)](WriteContext& context) {
        return copy_items(context, source, uids, target, move, target_quota);
    };
    return engine_.writer->run<CopyReceipt>(std::move(body));
}

Task<Result<std::vector<Uid>>> MailPart::expunge(FolderId id, UidSet uids, bool only_deleted) {
    // In slices, so that emptying a large folder does not hold up everybody's mail.
    std::vector<Uid> gone;
    for (;;) {
        const Uid after = gone.empty() ? 0 : gone.back();
        std::function<Result<std::vector<Uid>>(WriteContext&)> body = [=](WriteContext& context) {
            return sqlite::expunge(context, id, uids, only_deleted, after, expunge_slice);
        };
        MAIL_CO_TRY(const auto slice, co_await engine_.writer->run<std::vector<Uid>>(std::move(body)));
        gone.insert(gone.end(), slice.begin(), slice.end());
        if (slice.size() < expunge_slice)
            co_return gone;
    }
}

Task<Result<void>> MailPart::put_derived(std::vector<Derived> rows) {
    std::function<Result<void>(WriteContext&)> body = [rows = std::move(rows)](WriteContext& context) {
        return sqlite::put_derived(context, rows);
    };
    return engine_.writer->run<void>(std::move(body));
}

Task<Result<void>> MailPart::drop_derived() {
    std::function<Result<void>(WriteContext&)> body = [](WriteContext& context) {
        return sqlite::drop_derived(context);
    };
    return engine_.writer->run<void>(std::move(body));
}

} // namespace mail::store::sqlite
