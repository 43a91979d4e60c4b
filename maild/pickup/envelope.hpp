// The envelope of a message that was placed in a pickup folder, out of its header, as the SMTP service of IIS has it:
// "X-Sender: <ann@example.org>" and one "X-Receiver: <bob@example.org>" for each recipient. Without X-Sender the sender is
// who Sender or From names; without X-Receiver the recipients are those of To, Cc and Bcc. Pure; any bytes.
#pragma once

#include "common/base/result.hpp"
#include "common/mail/address.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::pickup {

struct PickedUp {
    std::optional<Address> sender;   ///< nullopt: the null reverse-path
    std::vector<Address> recipients; ///< each once, at most limit::smtp_recipients
    std::string message;             ///< lines end in CR LF; without X-Sender, X-Receiver and Bcc
};

/// Errors: invalid (no header, malformed or missing addresses, a CR alone), too_large (too many recipients).
[[nodiscard]] Result<PickedUp> read_message(std::string_view file);

} // namespace mail::pickup
