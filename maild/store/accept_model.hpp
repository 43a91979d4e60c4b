// What becomes true at once when a message is accepted: its bytes, its copies in folders, its recipients in the queue, its
// story and what was counted for it. Plain values, made by service/*; MailStore::accept writes them.
#pragma once

#include "common/base/result.hpp"
#include "maild/store/mail_model.hpp"
#include "maild/store/story_model.hpp"

#include <memory>

namespace mail::store {

/// Bytes that are already in a segment but not yet named by a row; made by Spool. Dropped unused: swept
/// later.
struct SpooledBytes {
    std::uint32_t segment = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::uint32_t checksum = 0;
    std::shared_ptr<const void> pin = nullptr; ///< while it lives their segment stays, although no row names them
};

/// The bytes of one message: small ones in memory, large ones already spooled. Exactly one is set.
struct Content {
    std::shared_ptr<const std::string> memory;
    std::optional<SpooledBytes> spooled;
    [[nodiscard]] std::uint64_t size() const noexcept {
        return memory ? memory->size() : spooled ? spooled->length : 0;
    }
};

/// One copy into one folder.
struct LocalCopy {
    AccountId account = 0;
    FolderId folder = 0; ///< 0: the account's INBOX
    std::uint8_t flags = 0;
    std::string keywords;
    std::string prefix; ///< header bytes of this recipient alone
    Time internal_date{};
    std::uint64_t quota = 0; ///< bytes the account may hold, 0 = no limit; checked inside the transaction
};

enum class QueueStatus : std::uint8_t { ready, active, deferred, held };

/// One recipient of one message on its way out.
struct QueueRecipient {
    std::string recipient;   ///< as given
    std::string domain;      ///< key of the destination domain
    std::string original;    ///< ORCPT as given (RFC 3461 §4.2), or empty
    std::uint8_t notify = 0; ///< queue_notify bits; 0 = not given
    Time due{};
    Time expires{}; ///< for people; the route's policy decides
    bool held = false;
    std::int8_t priority = 0; ///< -1, 0 or 1; higher goes first within a destination
};
namespace queue_notify {
inline constexpr std::uint8_t never = 1, success = 2, failure = 4, delay = 8;
}

/// What is common to all recipients of one message on its way out.
struct Envelope {
    std::string sender;      ///< empty for the null reverse-path
    std::string envelope_id; ///< ENVID
    bool return_headers_only = false; ///< RET=HDRS (RFC 3461 §4.3)
    bool return_full = false;         ///< RET=FULL
    bool smtputf8 = false;
    bool eight_bit = false; ///< BODY=8BITMIME or 8-bit bytes seen
    bool binary = false;
    bool require_tls = false;
    std::string message_id; ///< Message-ID of the header, without <>, or empty
};

/// Attributes of one account (0: the server) that become true with a message. Nobody is told of the change.
struct AttributeWrite {
    AccountId account = 0;
    std::vector<AttributeChange> changes;
};

/// One message, everything that becomes true of it at once.
struct AcceptPlan {
    Id message; ///< id of the message
    Content content;
    std::optional<Derived> derived; ///< of the content; without it whoever asks first, or the indexer, puts it there
    Envelope envelope;
    std::vector<LocalCopy> local;
    std::vector<QueueRecipient> queue;
    std::optional<Story> story;
    std::vector<AttributeWrite> attributes; ///< written unless nobody takes the message
};

struct Placed {
    FolderId folder = 0;
    std::uint32_t uid_validity = 0;
    Uid uid = 0;
    ModSeq modseq = 0;
};
struct AcceptReceipt {
    std::vector<Result<Placed>>
        local; ///< one per AcceptPlan::local; over_quota or not_found leave the others valid
    std::optional<BlobRef> bytes; ///< where the content is now; none when nobody took it
};

} // namespace mail::store
