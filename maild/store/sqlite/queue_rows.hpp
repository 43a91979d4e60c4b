// Rows of the queue and how they are read; usable on any connection.
#pragma once

#include "maild/store/rules.hpp"
#include "maild/store/sqlite/database.hpp"

namespace mail::store::sqlite {

namespace envelope_bit {
inline constexpr unsigned headers_only = 1, smtputf8 = 2, eight_bit = 4, binary = 8, require_tls = 16,
                          full = 32;
}
/// A verb that waits for the end of the running attempt.
enum class Pending : std::uint8_t { none, hold, drop, expire };

#define MAIL_QUEUE_COLUMNS                                                                                   \
    "i.id, m.message, m.options, m.sender, m.envelope_id, m.message_id, m.created, b.id, b.segment, "        \
    "b.offset, "                                                                                             \
    "b.length, b.checksum, i.recipient, i.domain, i.original, i.notify, i.status, i.attempts, "              \
    "i.error_code, "                                                                                         \
    "i.error_text, i.error_remote, i.error_at, i.next_attempt, i.expires, i.route, i.delay_told, i.pending, "    \
    "i.route_chosen, i.priority, i.crashes, i.released"
#define MAIL_QUEUE_TABLES                                                                                    \
    "FROM queue_item AS i JOIN queue_message AS m ON m.id = i.message JOIN blob AS b ON b.id = m.blob"

[[nodiscard]] QueueItem queue_item_of(const Query& query);
[[nodiscard]] Result<std::vector<QueueItem>> select_queue(Database& db, const CheckedFilter& filter);
/// The filter's limit and after are ignored.
[[nodiscard]] Result<std::uint64_t> count_queue(Database& db, const CheckedFilter& filter);
[[nodiscard]] Result<std::vector<QueueSummary>> summarize_queue(Database& db, const CheckedFilter& filter,
                                                                QueueGroup group, std::size_t most, Time now);
[[nodiscard]] Result<QueueItem> queue_item(Database& db, QueueId id);
[[nodiscard]] Result<std::optional<Time>> next_due(Database& db);

} // namespace mail::store::sqlite
