// Outcome: how one step towards a remote server ended for one recipient, or for a whole connection. The remote's own
// words are kept as it said them; what we say ourselves (network, DNS, TLS, time-outs) is marked as ours.
#pragma once

#include "common/base/error.hpp"
#include "maild/smtp/proto/reply.hpp"

#include <string>
#include <string_view>

namespace mail::smtp_client {

enum class Verdict : std::uint8_t { delivered, temporary, permanent };

struct Outcome {
    Verdict verdict = Verdict::temporary;
    int code = 0;        ///< the remote's reply code; 0 when it gave none
    std::string status;  ///< RFC 3463 code, never empty: made from the reply code when the remote gave none
    std::string text;    ///< "550 5.1.1 no such user", or our words; at most most_text bytes
    bool from_remote = false;
    bool retry_now = false; ///< RFC 5321 §4.5.3.1.10: too many recipients at once; another transaction may go at once
    [[nodiscard]] bool is_delivered() const noexcept { return verdict == Verdict::delivered; }
    [[nodiscard]] bool is_permanent() const noexcept { return verdict == Verdict::permanent; }
};
inline constexpr std::size_t most_text = 2048;

/// In the remote's words. A 2xx reply is delivered, 5xx permanent, anything else temporary.
[[nodiscard]] Outcome outcome_of(const smtp::Reply& reply);
/// In our words; the class of `status` (2, 4, 5) is the verdict.
[[nodiscard]] Outcome own_outcome(std::string_view status, std::string text);
/// What a failed read, write or handshake means: always temporary.
[[nodiscard]] Outcome outcome_of(const Error& error, std::string_view stage);

} // namespace mail::smtp_client
