// Trace fields: Received (RFC 5321 §4.4, keywords of RFC 3848 and RFC 6531 §3.7.3) and Return-Path.
// Every text given is cleaned of control characters, so that a client's words cannot start a new field.
#pragma once

#include "common/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mail {

struct ReceivedInfo {
    std::string helo;         ///< what the client called itself; empty for a local message
    std::string peer_address; ///< "192.0.2.1" or "2001:db8::1"; empty: none is written
    std::string peer_name;    ///< verified reverse name, or empty
    std::string by;           ///< our host name
    std::string protocol;     ///< "ESMTP", "ESMTPS", "ESMTPSA", "UTF8SMTPS", "LMTP" ... (RFC 3848)
    std::string
        tls; ///< a comment after the protocol, for example "TLS1.3 TLS_AES_256_GCM_SHA384"; may be empty
    std::string id;            ///< our id of the message
    std::string for_recipient; ///< only when the message has one recipient (RFC 5321 §7.2); else empty
    std::optional<int> priority; ///< asked for by MT-PRIORITY (RFC 6710)
    Time time{};
    int offset_minutes = 0;
};

/// A folded "Received: ...\r\n" field.
[[nodiscard]] std::string received_field(const ReceivedInfo& info);
/// "Return-Path: <address>\r\n"; an empty address is the null reverse-path.
[[nodiscard]] std::string return_path_field(std::string_view address);
/// The protocol word of RFC 3848 and RFC 6531 §3.7.3.
[[nodiscard]] std::string_view protocol_word(bool lmtp, bool extended, bool tls, bool authenticated,
                                             bool utf8);

} // namespace mail
