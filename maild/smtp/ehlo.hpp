// The words of EHLO and LHLO: what a session offers as it stands now. Pure, so that a test compares every state with the
// list; a word is offered exactly where its command or parameter is taken.
#pragma once

#include "common/base/time.hpp"
#include "maild/smtp/profile.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mail::smtp {

struct EhloFacts {
    Role role = Role::mx;
    bool offers_tls = false; ///< STARTTLS would be taken
    bool in_tls = false;
    std::vector<std::string_view> mechanisms; ///< for AUTH; empty: it is not offered
    bool may_etrn = false;
    bool may_xclient = false;
    std::uint64_t message_size = 0;
    std::size_t recipients = 0;
    std::size_t recipient_domains = 0; ///< 0: no limit
    std::size_t messages = 0;
    Time now{};
};

/// In the order in which they are shown.
[[nodiscard]] std::vector<std::string> ehlo_words(const EhloFacts& facts);

} // namespace mail::smtp
