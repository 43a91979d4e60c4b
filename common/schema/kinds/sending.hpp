// How much a mailbox may send: an object within policy (for all) and mailbox (for one, instead of the policy's).
#pragma once

#include "common/schema/field.hpp"

namespace mail::schema {

/// 0: no limit.
struct SendingLimits {
    std::int64_t messages_per_hour = 0;
    std::int64_t messages_per_day = 0;
    std::int64_t recipients_per_hour = 0;
    std::int64_t recipients_per_day = 0;
    std::int64_t new_recipients_per_day = 0; ///< outside, never written to before; beyond it sending is frozen
    [[nodiscard]] bool any() const noexcept {
        return messages_per_hour + messages_per_day + recipients_per_hour + recipients_per_day + new_recipients_per_day != 0;
    }
};

inline constexpr std::int64_t most_sending = 10'000'000;
inline constexpr Field sending_fields[] = {
    field<&SendingLimits::messages_per_hour>("messages_per_hour", "Most messages in a clock hour; 0 means no limit.")
        .range(0, most_sending)
        .example("200"),
    field<&SendingLimits::messages_per_day>("messages_per_day", "Most messages in 24 hours; 0 means no limit.")
        .range(0, most_sending)
        .example("1000"),
    field<&SendingLimits::recipients_per_hour>("recipients_per_hour", "Most recipients in a clock hour; 0 means no limit.")
        .range(0, most_sending)
        .example("500"),
    field<&SendingLimits::recipients_per_day>("recipients_per_day", "Most recipients in 24 hours; 0 means no limit.")
        .range(0, most_sending)
        .example("2000"),
    field<&SendingLimits::new_recipients_per_day>(
        "new_recipients_per_day",
        "Most recipients elsewhere in 24 hours to whom the mailbox never wrote before. One more freezes its sending until an "
        "administrator looks: a stolen password is used like that. 0 means no limit.")
        .range(0, most_sending)
        .example("100"),
};

} // namespace mail::schema
