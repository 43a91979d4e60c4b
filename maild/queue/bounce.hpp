// Reports to senders (RFC 3464) out of attempt ends: one report for each message and kind of news, with all recipients
// it is about. Pure: the caller brings the original's bytes and sends what comes out with the null reverse-path.
#pragma once

#include "maild/queue/attempt.hpp"

namespace mail::queue {

struct ReportInput {
    DsnAction action = DsnAction::failed;
    std::vector<const AttemptEnd*> ends; ///< of one message, at least one; outlives the call
    std::vector<bool> expired;           ///< beside ends
    std::string reporting_mta;
    std::string from;
    std::string to; ///< empty: the sender
    Time now{};
    std::string_view original; ///< the message or its beginning, at least its header
    bool whole = false;        ///< `original` is all of it
};

[[nodiscard]] std::string make_report(const ReportInput& input);
/// What is read of the original for a report.
inline constexpr std::uint64_t report_original_bytes = 64 * 1024;

} // namespace mail::queue
