// The words of message stories. A story is one row per message, written in the transaction that accepts it (or, for a
// refused transaction, beside the accept path): everything that happened up to there. What happens later, delivery
// attempts and what administrators do, is a log of events, written outside acceptance. Plain values.
#pragma once

#include "common/base/id.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mail::store {

/// How a message's session ended for it. delivered: local mailboxes only; queued: at least one recipient goes on.
enum class StoryEnd : std::uint8_t { delivered, queued, refused };

struct Story {
    Id id; ///< message id (qid), also in Received
    Time at{};
    std::string sender;
    std::string recipients; ///< space separated, bounded
    std::string message_id;
    std::string peer;
    std::string detail;    ///< JSON, as service::StorySteps writes it
    std::string subject{}; ///< decoded, bounded
    StoryEnd end = StoryEnd::delivered;
    std::string missed{};     ///< from the store: places in AcceptPlan::local that took no copy, space separated
    std::int64_t sequence = 0; ///< from the store: order of acceptance
};

/// How one later step ended. Ends that differ within one attempt are events of their own.
enum class StoryMark : std::uint8_t { none, relayed, deferred, failed, held, dropped };
inline constexpr std::size_t story_marks = 6;

struct StoryEvent {
    Id message;
    Time at{};
    StoryMark mark = StoryMark::none;
    std::string detail; ///< JSON object: what happened to whom
    std::shared_ptr<const std::string> transcript{}; ///< of an attempt; null: none, or not asked for
    std::int64_t sequence = 0; ///< from the store: id of the event, ascending
    bool has_transcript = false; ///< from the store
};

/// All given conditions must hold. Addresses: without '*' and with a local part exact, else '*' stands for anything
/// ("*@example.org"); ASCII case never counts.
struct StoryFilter {
    std::optional<Id> id;
    std::optional<std::string> sender; ///< "": the null reverse-path
    std::string recipient;  ///< any of the recipients
    std::string message_id; ///< exact, without <>
    std::string subject;    ///< words, all of which the subject has; '*' allowed in each
    std::optional<Time> since;
    std::optional<Time> until;
    std::optional<StoryEnd> end;
    StoryMark mark = StoryMark::none; ///< deferred: the latest event says so; others: any event does
    std::int64_t before = 0; ///< continue a search: stories before this one; 0: from the newest
    std::size_t limit = 100;
};

/// Newest first.
struct StoryPage {
    std::vector<Story> stories;
    std::int64_t next = 0; ///< StoryFilter::before of the next page; 0: there is none
};

struct StoryStats {
    std::uint64_t stories = 0; ///< about
    std::uint64_t events = 0;  ///< about
    std::uint64_t bytes = 0;   ///< about, of both
};

} // namespace mail::store
