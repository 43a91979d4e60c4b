// Flags and keywords as a client sends them (RFC 9051 §2.3.2), for APPEND, STORE and the search keys. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mail::imap {

/// System flags as bits (RFC 9051 §2.3.2).
enum class FlagBit : std::uint8_t { seen = 1, answered = 2, flagged = 4, deleted = 8, draft = 16 };

struct FlagList {
    std::uint8_t system = 0;           ///< FlagBit bits; \Recent is dropped
    std::vector<std::string> keywords; ///< each once, ASCII case ignored
};

} // namespace mail::imap
