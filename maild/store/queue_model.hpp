// The outbound queue as the store keeps it. A queue id is one recipient of one message.
#pragma once

#include "maild/store/model.hpp"

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
    std::string route;       ///< name of the route used last, or set by an administrator
    bool delay_told = false; ///< the delay warning was sent
};

enum class QueueOutcome : std::uint8_t { delivered, deferred, failed };
/// End of one attempt for one recipient. deferred needs next_attempt.
struct AttemptResult {
    QueueId id = 0;
    QueueOutcome outcome = QueueOutcome::deferred;
    Time next_attempt{};
    std::optional<LastError> error;
    std::string route;
    bool delay_told = false;
};

enum class QueueVerb : std::uint8_t { hold, release, retry, drop, expire };

/// All given conditions must hold. Text conditions compare without case; `like` allows '*' wildcards.
struct QueueFilter {
    struct Condition {
        std::string field;    ///< id sender recipient domain status attempts route message_id error size age
        char operation = '='; ///< = ! ~ < >
        std::string value;
    };
    std::vector<Condition> conditions;
    std::vector<QueueId> ids; ///< empty: any
    QueueId after = 0;        ///< page start: ids greater than this
    std::size_t limit = 0;    ///< 0: all
};

} // namespace mail::store
