#include "maild/service/quota.hpp"

#include "common/schema/units.hpp"

#include <array>
#include <charconv>
#include <chrono>

namespace mail::service {
namespace {

constexpr auto a_day = std::chrono::hours(24);
constexpr std::array<std::string_view, 4> names{"fine", "warned", "no_sending", "full"};

/// The number before the next space, which goes too.
std::optional<std::int64_t> take_number(std::string_view& text) {
    std::int64_t out = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (error != std::errc())
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with(' '))
        text.remove_prefix(1);
    return out;
}

std::string next_stage(const Mailbox& mailbox, QuotaStage stage) {
    std::string out;
    if (stage < QuotaStage::no_sending && mailbox.quota_send != 0)
        out += "From " + schema::humane_size(mailbox.quota_send) + " on it cannot send.\r\n";
    if (mailbox.quota != 0)
        out += "It takes no message that would bring it beyond " + schema::humane_size(mailbox.quota) + ".\r\n";
    return out;
}

} // namespace

std::string_view name_of(QuotaStage stage) noexcept { return names[static_cast<std::size_t>(stage)]; }

std::uint64_t usual_warning(std::uint64_t quota) noexcept { return quota - quota / 10; }

QuotaStage quota_stage(const Mailbox& mailbox, std::uint64_t used) noexcept {
    if (mailbox.quota != 0 && used >= mailbox.quota - mailbox.quota / 100)
        return QuotaStage::full;
    if (mailbox.quota_send != 0 && used >= mailbox.quota_send)
        return QuotaStage::no_sending;
    if (mailbox.quota_warn != 0 && used >= mailbox.quota_warn)
        return QuotaStage::warned;
    return QuotaStage::fine;
}

QuotaStage recoverable_stage(const Mailbox& mailbox, std::uint64_t used) noexcept {
    const std::uint64_t most = mailbox.recoverable_size;
    return most != 0 && used >= most - most / 3 ? QuotaStage::warned : QuotaStage::fine;
}

QuotaNotice QuotaNotice::read(std::string_view text) {
    const auto stage = take_number(text), told = take_number(text), at = take_number(text);
    const auto is_stage = [](std::optional<std::int64_t> n) { return n && *n >= 0 && *n <= std::int64_t{3}; };
    QuotaNotice out;
    constexpr std::int64_t far_future = 100'000'000'000; // seconds
    if (!is_stage(stage) || !is_stage(told) || !at || *at < 0 || *at > far_future)
        return out;
    out.stage = static_cast<QuotaStage>(*stage);
    out.told = static_cast<QuotaStage>(*told);
    out.told_at = Time(std::chrono::seconds(*at));
    return out;
}

std::string QuotaNotice::text() const {
    const auto at = std::chrono::duration_cast<std::chrono::seconds>(told_at.time_since_epoch()).count();
    return std::to_string(static_cast<int>(stage)) + ' ' + std::to_string(static_cast<int>(told)) + ' ' + std::to_string(at);
}

bool QuotaNotice::see(QuotaStage now_at, Time now) {
    const bool rose = now_at > stage;
    stage = now_at;
    if (!rose || (now_at <= told && now < told_at + a_day))
        return false;
    told = now_at;
    told_at = std::chrono::floor<std::chrono::seconds>(now); // as it is kept
    return true;
}

QuotaLetter quota_letter(const Mailbox& mailbox, QuotaStage stage, std::uint64_t used) {
    QuotaLetter out;
    out.subject = stage == QuotaStage::full         ? "Your mailbox is full"
                  : stage == QuotaStage::no_sending ? "Your mailbox is too full to send mail"
                                                    : "Your mailbox is almost full";
    out.text = "The mailbox " + mailbox.address + " holds " + schema::humane_size(used) +
               (mailbox.quota != 0 ? " of " + schema::humane_size(mailbox.quota) : "") + ".\r\n\r\n";
    if (stage == QuotaStage::full)
        out.text += "Most mail that is sent to it now goes back to its senders.\r\n";
    if (stage >= QuotaStage::no_sending && mailbox.quota_send != 0)
        out.text += "Until there is less than " + schema::humane_size(mailbox.quota_send) + " in it, it cannot send.\r\n";
    out.text += next_stage(mailbox, stage);
    out.text += "\r\nTo make room, delete what you do not need any more, large messages first, and empty the\r\n"
                "Trash and Junk folders.\r\n";
    return out;
}

QuotaLetter recoverable_letter(const Mailbox& mailbox, std::uint64_t used) {
    const std::string most = schema::humane_size(mailbox.recoverable_size);
    QuotaLetter out;
    out.subject = "Your deleted messages take much room";
    out.text = "What was deleted from the mailbox " + mailbox.address + " takes " + schema::humane_size(used) + " of " + most +
               ".\r\n\r\nDeleted messages can be brought back for a while. Beyond " + most +
               " the oldest of them may go for\r\ngood before their time.\r\n\r\nThere is nothing to do unless you miss one of them: "
               "then ask your postmaster soon to bring it back.\r\n";
    return out;
}

} // namespace mail::service
