// Conversion of an 8-bit or binary message to 7-bit for servers without 8BITMIME (RFC 6152 §3): leaf parts become
// quoted-printable (text) or base64, and the Content-Transfer-Encoding fields of all parts say so (RFC 2045 §6.4).
// Pure. Called by the client session just before sending.
#pragma once

#include "common/base/result.hpp"

#include <string>
#include <string_view>

namespace mail::smtp_client {

/// The message with a 7-bit body; unchanged when it has one already. Header fields are kept as they are, 8-bit or not.
/// Errors: unsupported (8-bit bytes where no encoding is allowed, or inside a body that is encoded already).
[[nodiscard]] Result<std::string> downgrade(std::string_view message);

} // namespace mail::smtp_client
