#include "maild/pop3/maildrop.hpp"

#include <algorithm>

namespace mail::pop3 {
namespace {
constexpr std::size_t messages_ahead = 128;
}

std::shared_ptr<void> MaildropLocks::take(store::AccountId account) {
    const std::lock_guard lock(mutex_);
    if (!taken_.insert(account).second)
        return nullptr;
    return {this, [account](MaildropLocks* self) {
                const std::lock_guard guard(self->mutex_);
                self->taken_.erase(account);
            }};
}

Task<Result<std::unique_ptr<Maildrop>>> Maildrop::open(service::Mailboxes& mailboxes, service::MailboxPtr owner,
                                                       std::shared_ptr<void> lock) {
    std::unique_ptr<Maildrop> drop(new Maildrop(mailboxes, std::move(owner)));
    drop->lock_ = std::move(lock);
    const auto account = drop->owner_->account;
    MAIL_CO_TRY(const auto folder, co_await mailboxes.find(account, "INBOX"));
    MAIL_CO_TRY(drop->inbox_, co_await mailboxes.open(account, folder.id));
    const auto snapshot = drop->inbox_->current();
    drop->uid_validity_ = snapshot->folder().uid_validity;
    drop->messages_.reserve(snapshot->size());
    for (const auto& chunk : snapshot->chunks())
        for (std::size_t i = 0; i < chunk->uids.size(); ++i)
            drop->messages_.push_back({chunk->uids[i], chunk->sizes[i], false});
    co_return drop;
}

Maildrop::Message* Maildrop::find(const std::optional<std::uint32_t>& number) {
    if (!number || *number == 0 || *number > messages_.size() || messages_[*number - 1].deleted)
        return nullptr;
    return &messages_[*number - 1];
}

std::string Maildrop::unique_id(const Message& message) const {
    return std::to_string(uid_validity_) + "." + std::to_string(message.uid);
}

void Maildrop::reset() noexcept {
    for (auto& message : messages_)
        message.deleted = false;
}

const store::ItemBody* Maildrop::body_of(store::Uid uid) const {
    const auto at = std::lower_bound(bodies_.begin(), bodies_.end(), uid,
                                     [](const store::ItemBody& body, store::Uid wanted) { return body.uid < wanted; });
    return at != bodies_.end() && at->uid == uid ? &*at : nullptr;
}

Task<Result<void>> Maildrop::look_ahead(std::uint32_t number, std::size_t count) {
    const std::size_t last = std::min<std::size_t>(number - 1 + count, messages_.size()) - 1;
    const store::UidSet uids{{messages_[number - 1].uid, messages_[last].uid}};
    MAIL_CO_TRY(bodies_, co_await mailboxes_.bodies(owner_->account, inbox_->id(), uids, count));
    co_return Result<void>{};
}

Task<Result<std::string>> Maildrop::read(std::uint32_t number, std::uint64_t offset, std::uint64_t length) {
    const auto uid = messages_[number - 1].uid;
    const bool known = body_of(uid) != nullptr;
    if (!known) {
        MAIL_CO_DO(co_await look_ahead(number, number == expected_ ? messages_ahead : 1));
    }
    expected_ = number + 1;
    for (bool again = known;; again = false) {
        const auto* body = body_of(uid);
        if (body == nullptr)
            co_return fail(ErrorCode::not_found, "the message was removed meanwhile");
        auto bytes = co_await mailboxes_.read(*body, offset, length);
        if (bytes || !again)
            co_return bytes;
        // Compaction may have moved the bytes since they were looked up.
        MAIL_CO_DO(co_await look_ahead(number, 1));
    }
}

Task<Result<void>> Maildrop::update() {
    store::UidSet uids;
    for (const auto& message : messages_)
        if (message.deleted) {
            if (!uids.empty() && uids.back().last + 1 == message.uid)
                uids.back().last = message.uid;
            else
                uids.push_back({message.uid, message.uid});
        }
    if (!uids.empty()) {
        MAIL_CO_DO(co_await mailboxes_.expunge(owner_->account, inbox_->id(), std::move(uids), false));
    }
    co_return Result<void>{};
}

} // namespace mail::pop3
