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
    std::string_view original; ///< the message or its header section
    bool whole = false;        ///< `original` is all of it, and goes back so
};

[[nodiscard]] std::string make_report(const ReportInput& input);
/// Whether such a report is to give back the message whole.
[[nodiscard]] bool returns_whole(const store::Envelope& envelope, DsnAction action) noexcept;

} // namespace mail::queue
