// The outbound queue as the store keeps it. A queue id is one recipient of one message.
#pragma once

#include "maild/store/accept_model.hpp"

namespace mail::store {

using QueueId = std::int64_t; ///< positive, never reused

struct LastError {
    int code = 0;       ///< the remote's reply code, 0 for none (network, DNS)
    std::string text;   ///< the remote's own words, or ours
    std::string remote; ///< "mx.example.org[192.0.2.1]:25"
    Time at{};
};

struct QueueItem {
    QueueId id = 0;
    Id message;
    Envelope envelope;
    BlobRef blob;
    std::string recipient;
    std::string domain;
    std::string original;
    std::uint8_t notify = 0;
    QueueStatus status = QueueStatus::ready;
    std::uint32_t attempts = 0;
    std::optional<LastError> last_error;
    Time created{};
    Time next_attempt{};
    Time expires{};
    std::string route;       ///< name of the route used last, or the one an administrator chose
    bool route_chosen = false; ///< by an administrator: it counts, whatever the domain
    bool delay_told = false; ///< the delay warning was sent
    bool give_up = false;    ///< an administrator wants it returned to its sender: no further attempt
    std::int8_t priority = 0;  ///< -1, 0 or 1; higher goes first within a destination
    std::uint32_t crashes = 0; ///< times a process died while this was being delivered
    bool released = false;     ///< an administrator let it go: hold rules no longer stop it, until it is held by hand
};

/// released: no attempt was made; attempts and route stay as they were, and the error unless one is given; the item waits
/// until next_attempt.
/// held: as released, and an administrator must release it; the error says why.
enum class QueueOutcome : std::uint8_t { delivered, deferred, failed, released, held };
/// End of one attempt for one recipient. deferred and released need next_attempt.
struct AttemptResult {
    QueueId id = 0;
    QueueOutcome outcome = QueueOutcome::deferred;
    Time next_attempt{};
    Time expires{}; ///< as the route says now; the epoch: unchanged
    std::optional<LastError> error;
    std::string route;
    bool delay_told = false;
};

/// expire: returned to the sender without a further attempt. route and priority need QueueChange::value.
enum class QueueVerb : std::uint8_t { hold, release, retry, drop, expire, route, priority };
struct QueueChange {
    QueueVerb verb = QueueVerb::hold;
    Time now{};        ///< the new due time for retry, release and route
    std::string value; ///< name of the route, empty: as the domain says; "-1", "0" or "1"
};

/// All given conditions must hold. Text conditions compare without case; `like` allows '*' wildcards.
struct QueueFilter {
    struct Condition {
        /// id message sender recipient domain status attempts route message_id error error_code remote size priority age
        /// created next_attempt expires
        std::string field;
        char operation = '='; ///< = ! ~ < >
        std::string value;
    };
    std::vector<Condition> conditions;
    std::vector<QueueId> ids; ///< empty: any
    QueueId after = 0;        ///< page start: ids greater than this
    std::size_t limit = 0;    ///< 0: all
    std::string sort;         ///< a field; empty: by id. Such a list has one page: `after` counts by id
    bool descending = false;  ///< with `sort`
};

/// What a summary counts by.
enum class QueueGroup : std::uint8_t { domain, sender, route, status, error, age };
/// Ages of a summary: younger than so many minutes, doubling; the last counts all that is older.
inline constexpr std::size_t queue_ages = 10; ///< 5 10 20 40 80 160 320 640 1280 minutes, older
struct QueueSummary {
    std::string key;
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    std::uint64_t states[4] = {}; ///< by QueueStatus
    std::uint64_t ages[queue_ages] = {};
    Time oldest{};
    std::optional<Time> next; ///< when the next of them is due; nullopt: all are held or active
    std::string last_error;   ///< the latest
    Time error_at{};
};

} // namespace mail::store
