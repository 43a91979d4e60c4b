// ESMTP parameters of MAIL and RCPT: SIZE (RFC 1870), BODY (RFC 6152, 3030), SMTPUTF8 (RFC 6531), AUTH (RFC 4954),
// RET, ENVID, NOTIFY, ORCPT (RFC 3461), HOLDFOR, HOLDUNTIL (RFC 4865), MT-PRIORITY (RFC 6710), REQUIRETLS
// (RFC 8689). Part of command.hpp, which is the only one to include this.
#pragma once

#include "maild/smtp/proto/command.hpp"

namespace mail::smtp {

/// `rest` is what follows the path: empty, or a blank and parameters. A Reply refuses: 555 unknown, 501 malformed.
[[nodiscard]] std::variant<MailParameters, Reply> parse_mail_parameters(std::string_view rest);
[[nodiscard]] std::variant<RcptParameters, Reply> parse_rcpt_parameters(std::string_view rest);

} // namespace mail::smtp
