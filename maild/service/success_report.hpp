// Reports of success (RFC 3461 §5.2, NOTIFY=SUCCESS) for what ends here: "delivered" to a mailbox, "expanded" to the members of a
// list. What leaves is the queue's to report, or the next server's. Pure but for Delivery::report_success, which sends them.
#pragma once

#include "common/mail/dsn.hpp"
#include "maild/service/delivery.hpp"

#include <optional>

namespace mail::service {

/// What a recipient who asked is told now; nullopt: nothing yet, or nothing was asked. `end` is that of the local copies.
[[nodiscard]] std::optional<DsnAction> success_of(const AcceptedRecipient& recipient, const Result<void>& end);
/// NOTIFY for what a recipient leads to outside. RFC 3461 §5.2.7.2: where there are several, success is reported as the expansion
/// and asked of none of them; where there is one, it inherits the wish.
[[nodiscard]] std::uint8_t notify_of_member(const AcceptedRecipient& recipient);

} // namespace mail::service
