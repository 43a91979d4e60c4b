// The stages of a quota: the owner is warned, then nothing can be sent, then nothing is taken any more. Pure: times are
// arguments. What the owner has been told is kept in the store as the attribute "quota" of the account.
#pragma once

#include "common/base/time.hpp"
#include "maild/service/resolution.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mail::service {

enum class QuotaStage : std::uint8_t { fine, warned, no_sending, full };
/// "fine", "warned", "no_sending", "full".
[[nodiscard]] std::string_view name_of(QuotaStage stage) noexcept;

/// Where nothing says when to warn: nine tenths of the quota.
[[nodiscard]] std::uint64_t usual_warning(std::uint64_t quota) noexcept;
/// `used` bytes. full: less than a hundredth is left, so that most messages find no room.
[[nodiscard]] QuotaStage quota_stage(const Mailbox& mailbox, std::uint64_t used) noexcept;
/// The same for recoverable items that take `used` bytes: warned from two thirds of what they may take (20 of 30 GiB).
[[nodiscard]] QuotaStage recoverable_stage(const Mailbox& mailbox, std::uint64_t used) noexcept;

/// What the owner knows. One mail for each stage that is reached; who goes below a stage and above it again hears of it
/// at most once a day.
struct QuotaNotice {
    QuotaStage stage = QuotaStage::fine; ///< as it was seen last
    QuotaStage told = QuotaStage::fine;  ///< of the last mail
    Time told_at{};

    /// From the attribute; what cannot be read is nothing.
    [[nodiscard]] static QuotaNotice read(std::string_view text);
    [[nodiscard]] std::string text() const;
    /// Notes the stage. True when the owner has to be told now.
    [[nodiscard]] bool see(QuotaStage now_at, Time now);
    bool operator==(const QuotaNotice&) const = default;
};

struct QuotaLetter {
    std::string subject;
    std::string text; ///< lines end with CR LF
};
/// What the owner reads at `stage`, which is not fine.
[[nodiscard]] QuotaLetter quota_letter(const Mailbox& mailbox, QuotaStage stage, std::uint64_t used);
/// When its recoverable items are warned of. Nothing in it tells whether the mailbox is held.
[[nodiscard]] QuotaLetter recoverable_letter(const Mailbox& mailbox, std::uint64_t used);

} // namespace mail::service
