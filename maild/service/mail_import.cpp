#include "maild/service/mail_import.hpp"

#include "common/base/limits.hpp"
#include "common/crypto/hash.hpp"

#include <algorithm>
#include <map>

namespace mail::service {
namespace {

constexpr std::size_t most_digests = 500000;
constexpr std::size_t compared_at_once = 500;

/// What two equal messages certainly share, and is known without reading any bytes.
using Likeness = std::pair<std::int64_t, std::uint64_t>; // seconds of the date, size

std::int64_t whole_seconds(std::int64_t micros) {
    return std::chrono::floor<std::chrono::seconds>(Duration{micros}).count();
}
Likeness likeness_of(const MailImport::Message& message) {
    return {whole_seconds(to_micros(message.date)), message.bytes.size()};
}
Time at_second(Time time) { return from_micros(whole_seconds(to_micros(time)) * 1000000); }

} // namespace

Task<Result<std::optional<store::Folder>>> MailImport::folder(std::string name, bool dry_run) {
    const auto who = owner_->account;
    auto found = co_await mailboxes_.find(who, name);
    if (found)
        co_return std::optional(std::move(*found));
    if (found.error().code != ErrorCode::not_found)
        co_return fail(std::move(found.error()));
    if (dry_run) {
        MAIL_CO_DO(Mailboxes::normalise(name));
        co_return std::optional<store::Folder>{};
    }
    MAIL_CO_TRY(auto made, co_await mailboxes_.create(who, name, store::SpecialUse::none));
    MAIL_CO_DO(co_await mailboxes_.subscribe(who, made.name, true));
    co_return std::optional(std::move(made));
}

Task<Result<void>> MailImport::learn_digests(std::vector<store::Uid> uids) {
    if (digests_.size() + uids.size() > most_digests)
        digests_.clear();
    std::erase_if(uids, [this](store::Uid uid) { return digests_.contains(uid); });
    std::sort(uids.begin(), uids.end());
    for (std::size_t at = 0; at < uids.size(); at += compared_at_once) {
        store::UidSet set;
        for (std::size_t i = at; i < std::min(at + compared_at_once, uids.size()); ++i)
            set.push_back({uids[i], uids[i]});
        MAIL_CO_TRY(const auto bodies, co_await mailboxes_.bodies(owner_->account, open_->id(), set, set.size()));
        for (const auto& body : bodies) {
            MAIL_CO_TRY(const auto bytes, co_await mailboxes_.read(body));
            digests_[body.uid] = crypto::sha256(bytes);
        }
    }
    co_return Result<void>{};
}

/// For each message the item it already is, or 0.
Task<Result<std::vector<store::Uid>>> MailImport::find_present(const std::vector<Message>& messages) {
    std::map<Likeness, std::vector<store::Uid>> alike;
    for (const auto& message : messages)
        alike[likeness_of(message)];
    const auto snapshot = open_->current();
    std::vector<store::Uid> candidates;
    for (const auto& chunk : snapshot->chunks())
        for (std::size_t i = 0; i < chunk->uids.size(); ++i)
            if (const auto at = alike.find({whole_seconds(chunk->dates[i]), chunk->sizes[i]}); at != alike.end()) {
                at->second.push_back(chunk->uids[i]);
                candidates.push_back(chunk->uids[i]);
            }
    MAIL_CO_DO(co_await learn_digests(std::move(candidates)));
    // Equal items in the order they came, so that the same copy always finds the same item.
    std::map<std::pair<Likeness, std::string>, std::vector<store::Uid>> equal;
    for (const auto& [likeness, uids] : alike)
        for (const auto uid : uids)
            if (const auto digest = digests_.find(uid); digest != digests_.end())
                equal[{likeness, digest->second}].push_back(uid);
    std::vector<store::Uid> present(messages.size(), 0);
    for (std::size_t i = 0; i < messages.size() && !equal.empty(); ++i) {
        const auto at = equal.find({likeness_of(messages[i]), crypto::sha256(messages[i].bytes)});
        if (at != equal.end() && at->second.size() >= messages[i].copy)
            present[i] = at->second[messages[i].copy - 1];
    }
    co_return present;
}

Task<Result<Mailboxes::NewItem>> MailImport::item_of(const Message& message) {
    Mailboxes::NewItem item;
    item.flags = message.flags;
    item.keywords = message.keywords;
    item.internal_date = at_second(message.date);
    if (message.bytes.size() <= static_cast<std::size_t>(limit::stream_threshold)) {
        item.content.memory = std::make_shared<const std::string>(message.bytes);
        co_return item;
    }
    MAIL_CO_TRY(const auto spool, mailboxes_.spool(message.bytes.size()));
    MAIL_CO_DO(co_await spool->append(message.bytes));
    MAIL_CO_TRY(item.content.spooled, spool->finish());
    co_return item;
}

Task<Result<MailImport::Outcome>> MailImport::add(store::FolderId folder, std::vector<Message> messages, bool dry_run) {
    if (!open_ || open_->id() != folder || open_->is_gone()) {
        MAIL_CO_TRY(open_, co_await mailboxes_.open(owner_->account, folder));
        digests_.clear();
    }
    Outcome out;
    MAIL_CO_TRY(out.uids, co_await find_present(messages));
    out.added = static_cast<std::size_t>(std::count(out.uids.begin(), out.uids.end(), store::Uid{0}));
    if (dry_run || out.added == 0)
        co_return out;
    std::vector<Mailboxes::NewItem> items;
    for (std::size_t i = 0; i < messages.size(); ++i) {
        if (out.uids[i] != 0)
            continue;
        MAIL_CO_TRY(auto item, co_await item_of(messages[i]));
        items.push_back(std::move(item));
    }
    MAIL_CO_TRY(const auto placed, co_await mailboxes_.append(*owner_, folder, std::move(items)));
    std::size_t next = 0;
    for (auto& uid : out.uids)
        if (uid == 0)
            uid = placed[next++].uid;
    co_return out;
}

} // namespace mail::service
