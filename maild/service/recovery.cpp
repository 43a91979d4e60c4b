#include "maild/service/recovery.hpp"

#include "common/base/limits.hpp"
#include "common/mail/encoded.hpp"
#include "common/mail/header.hpp"

#include <algorithm>

namespace mail::service {
namespace {

constexpr std::size_t rows_at_once = 200;

bool fits_row(const RecoverableFilter& filter, const store::RecoverableItem& item) {
    const std::string& name = item.folder_name;
    const bool in_folder = filter.folder.empty() || name == filter.folder || name.starts_with(filter.folder + "/");
    return in_folder && (!filter.since || item.expunged >= *filter.since) && (!filter.until || item.expunged < *filter.until);
}

bool fits_head(const RecoverableFilter& filter, const Recoverable& found) {
    const auto holds = [](const std::string& text, const std::string& wanted) {
        return wanted.empty() || casemap(text).find(casemap(wanted)) != std::string::npos;
    };
    return holds(found.from, filter.from) && holds(found.subject, filter.subject);
}

/// Nothing beyond an item can match any more: ids ascend with the time of the expunge.
bool is_past(const RecoverableFilter& filter, const store::RecoverableItem& item, bool newest_first) {
    return newest_first ? filter.since && item.expunged < *filter.since : filter.until && item.expunged >= *filter.until;
}

void count_folder(RestoreOutcome& outcome, const std::string& name) {
    for (auto& [folder, messages] : outcome.folders)
        if (folder == name) {
            ++messages;
            return;
        }
    outcome.folders.emplace_back(name, 1);
}

} // namespace

/// What cannot be read stays empty: a damaged message must not hide the others.
Task<void> Recovery::read_head(Recoverable& into) {
    const auto head = co_await store_.mail().read(into.item.blob, 0, limit::recoverable_head_bytes);
    if (!head)
        co_return;
    const HeaderView header = parse_header(*head);
    into.from = decode_header(header.value("From"));
    into.subject = decode_header(header.value("Subject"));
}

Task<Result<RecoverablePage>> Recovery::scan(store::AccountId account, Scan scan) {
    RecoverablePage page;
    std::size_t looked_at = 0;
    const bool by_ids = !scan.filter.ids.empty();
    if (scan.filter.ids.size() > static_cast<std::size_t>(limit::recoverable_scan))
        co_return fail(ErrorCode::too_large, "more ids than " + std::to_string(limit::recoverable_scan) + " at once");
    const bool heads = scan.heads || !scan.filter.from.empty() || !scan.filter.subject.empty();
    for (;;) {
        store::RecoverablePage asked{scan.beyond, scan.newest_first, rows_at_once, scan.filter.ids};
        auto rows = co_await store_.recovery().list(account, std::move(asked));
        if (!rows)
            co_return fail(rows.error());
        for (auto& row : *rows) {
            scan.beyond = row.id;
            if (is_past(scan.filter, row, scan.newest_first) && !by_ids)
                co_return page;
            ++looked_at;
            if (!fits_row(scan.filter, row))
                continue;
            Recoverable found{std::move(row), {}, {}};
            if (heads)
                co_await read_head(found);
            if (!fits_head(scan.filter, found))
                continue;
            found.item.prefix.clear();
            page.items.push_back(std::move(found));
            if (page.items.size() == scan.limit && !by_ids) {
                page.next = scan.beyond;
                co_return page;
            }
        }
        if (by_ids || rows->size() < rows_at_once)
            co_return page;
        if (looked_at >= static_cast<std::size_t>(limit::recoverable_scan)) {
            page.next = scan.beyond;
            co_return page;
        }
    }
}

Task<Result<RecoverablePage>> Recovery::list(store::AccountId account, RecoverableFilter filter, store::RecoverableId beyond,
                                             std::size_t limit) {
    Scan wanted{std::move(filter), beyond, limit, true, true};
    co_return co_await scan(account, std::move(wanted));
}

/// The folder to restore into; 0: each where it was, or in a dry run one that would be made.
Task<Result<store::FolderId>> Recovery::target(MailboxPtr owner, std::string name, bool dry_run) {
    if (name.empty())
        co_return store::FolderId{0};
    const auto found = co_await mailboxes_.find(owner->account, name);
    if (found && found->account != owner->account)
        co_return fail(ErrorCode::invalid, "the folder is not of this mailbox");
    if (found)
        co_return found->id;
    if (found.error().code != ErrorCode::not_found)
        co_return fail(found.error());
    MAIL_CO_DO(Mailboxes::normalise(name));
    if (dry_run)
        co_return store::FolderId{0};
    MAIL_CO_TRY(const auto made, co_await mailboxes_.create(owner->account, name, store::SpecialUse::none));
    MAIL_CO_DO(co_await mailboxes_.subscribe(owner->account, made.name, true));
    co_return made.id;
}

Task<Result<RestoreOutcome>> Recovery::restore(MailboxPtr owner, RestoreOrder order) {
    Scan wanted{order.filter, order.beyond, static_cast<std::size_t>(limit::recoverable_scan), false, false};
    MAIL_CO_TRY(const auto page, co_await scan(owner->account, std::move(wanted)));
    RestoreOutcome outcome;
    outcome.next = page.next;
    std::vector<store::RecoverableId> ids = order.filter.ids; // those that are gone are told
    if (ids.empty())
        std::transform(page.items.begin(), page.items.end(), std::back_inserter(ids), [](const auto& found) { return found.item.id; });
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    if (order.dry_run) {
        MAIL_CO_DO(co_await target(owner, order.folder, true));
        for (const auto& found : page.items) {
            count_folder(outcome, order.folder.empty() ? found.item.folder_name : order.folder);
            outcome.bytes += found.item.size;
            std::erase(ids, found.item.id);
        }
        outcome.restored = page.items.size();
        outcome.missing = std::move(ids);
        co_return outcome;
    }
    if (ids.empty())
        co_return outcome;
    store::RestoreRequest request{owner->account, {}, 0, owner->quota};
    MAIL_CO_TRY(request.folder, co_await target(owner, order.folder, false));
    constexpr auto slice = static_cast<std::size_t>(limit::housekeeping_slice);
    for (std::size_t at = 0; at < ids.size() && !outcome.over_quota; at += slice) {
        request.ids.assign(ids.begin() + static_cast<std::ptrdiff_t>(at),
                           ids.begin() + static_cast<std::ptrdiff_t>(std::min(at + slice, ids.size())));
        MAIL_CO_TRY(const auto receipt, co_await store_.recovery().restore(request));
        for (const auto& item : receipt.items) {
            count_folder(outcome, item.folder_name);
            outcome.bytes += item.size;
        }
        outcome.restored += receipt.items.size();
        outcome.missing.insert(outcome.missing.end(), receipt.missing.begin(), receipt.missing.end());
        outcome.over_quota = receipt.over_quota;
    }
    if (outcome.over_quota)
        outcome.next = 0; // what is further on finds no room either
    co_return outcome;
}

} // namespace mail::service
