#include "mailctl/transfer/upload.hpp"

#include "common/api/client.hpp"
#include "common/api/message_batch.hpp"
#include "common/crypto/hash.hpp"
#include "mailctl/commands/common.hpp"

#include <boost/json.hpp>

namespace mail::mailctl {
namespace {
constexpr std::size_t batch_bytes = 4U << 20U;
constexpr std::size_t batch_messages = 500;
} // namespace

std::string mail_path(const std::string& mailbox, const std::string& rest) {
    return api::path_of("mailboxes", mailbox) + "/mail" + rest;
}

Result<void> Upload::put(MailItem item) {
    if (item.folder != folder_ || body_.size() + item.bytes.size() > batch_bytes || waiting_ >= batch_messages) {
        MAIL_DO(flush());
    }
    if (item.folder != folder_)
        copies_.clear();
    folder_ = item.folder;
    api::BatchMessage message;
    message.bytes = item.bytes;
    message.date = item.date;
    message.flags = std::move(item.flags);
    message.copy = ++copies_[crypto::sha256(format_rfc3339(item.date) + "\n" + item.bytes)];
    api::append_message(body_, message);
    ++waiting_;
    return {};
}

Result<void> Upload::flush() {
    uids_.clear();
    if (waiting_ == 0)
        return {};
    api::Call call;
    call.method = "POST";
    call.path = mail_path(mailbox_, "/import" + query_text({{"folder", folder_}, {"dry_run", session_.globals.dry_run ? "1" : ""}}));
    call.content_type = api::message_batch_type;
    call.body = std::move(body_);
    body_.clear();
    const auto sent = std::exchange(waiting_, 0);
    MAIL_TRY(const auto answer, session_.ask(std::move(call)));
    const auto added = static_cast<std::uint64_t>(number_at(answer, "added"));
    totals_.added += added;
    totals_.present += sent - std::min<std::uint64_t>(added, sent);
    uid_validity_ = static_cast<std::uint32_t>(number_at(answer, "uid_validity"));
    totals_.folders.insert(folder_);
    if (const auto* uids = at_path(answer, "uids"); uids != nullptr && uids->is_array())
        for (const auto& uid : uids->get_array())
            uids_.push_back(uid.is_int64() ? static_cast<std::uint32_t>(uid.get_int64()) : 0);
    return {};
}

} // namespace mail::mailctl
