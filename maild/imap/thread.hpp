// THREAD (RFC 5256 §3): messages into conversations, by their references or by their subjects. Pure.
// Bounded against hostile headers: chains deeper than max_thread_depth are cut, loops cannot be made, at most
// max_references of a message count; so the time is near linear in the number of messages and no recursion is deep.
#pragma once

#include "common/base/time.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mail::imap {

inline constexpr int max_thread_depth = 500;
inline constexpr std::size_t max_references = 200;

struct ThreadMessage {
    std::uint32_t number = 0; ///< sequence number or UID, as it is told
    std::string message_id;   ///< may be empty
    std::vector<std::string> references; ///< oldest first
    std::string base_subject; ///< RFC 5256 §2.1, casemapped
    bool is_reply = false;
    Time date{}; ///< sent, or received when unknown
};

/// The threads of a response, "(2)(3 6 (4 23)(44 7 96))"; empty without messages.
[[nodiscard]] std::string thread_by_references(std::span<const ThreadMessage> messages);
[[nodiscard]] std::string thread_by_subject(std::span<const ThreadMessage> messages);

} // namespace mail::imap
