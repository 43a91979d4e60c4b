// Stories in plain sentences: where a message is and why, from the JSON of /v1/stories. Pure; everything from the network
// is cleaned. Used by `why`, `message trace`, `simulate` and `doctor deliver`.
#pragma once

#include "mailctl/output/style.hpp"
#include "common/base/time.hpp"

#include <boost/json/fwd.hpp>

#include <string>

namespace mail::mailctl {

/// What became of one recipient: "delivered to INBOX", "waits in the queue: attempt 2 did not succeed, ...".
[[nodiscard]] std::string recipient_sentence(const boost::json::value& recipient, Time now);
/// One event: "MAIL FROM bob@example.org", "attempt at mx.example.org[192.0.2.1]:25: ...". Events that this mailctl does not
/// know are told with their members.
[[nodiscard]] std::string event_sentence(const boost::json::value& event, Time now);

/// Who wrote to whom when, then a sentence for each recipient.
[[nodiscard]] std::string story_heading(const boost::json::value& story, const Terminal& terminal, Time now);
/// The ids of a story's events, for `why`.
[[nodiscard]] std::string story_events_short(const boost::json::value& story, const Terminal& terminal);
/// A line for each event, with its id and time.
[[nodiscard]] std::string story_events(const boost::json::value& story, const Terminal& terminal, Time now);

} // namespace mail::mailctl
