// Many messages in one HTTP body, as import and export of mailboxes carry them: for each a line of JSON that ends in LF,
// {"size": 1234, "date": "2026-01-31T12:00:00Z", "flags": ["\\Seen", "$Forwarded"], "uid": 7, "copy": 1}, then `size` bytes of
// the message. Only size must be there. Used by maild and mailctl on either side. Pure; nothing is copied while reading.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail::api {

inline constexpr std::string_view message_batch_type = "application/x-maild-messages";

struct BatchMessage {
    std::string_view bytes;
    std::optional<Time> date;       ///< INTERNALDATE, whole seconds
    std::vector<std::string> flags; ///< system flags with their backslash, keywords without
    std::uint32_t uid = 0;          ///< in an export
    /// In an import: the how-manieth of messages equal in bytes and date this is. One that the folder already holds so often
    /// is not added again, which makes an import safe to repeat.
    std::uint32_t copy = 1;
};

void append_message(std::string& out, const BatchMessage& message);

class BatchReader {
  public:
    /// `body` outlives the reader and the messages.
    explicit BatchReader(std::string_view body) : rest_(body) {}
    /// The next message; nullopt at the end. Errors: invalid, with the message's number.
    [[nodiscard]] Result<std::optional<BatchMessage>> next();

  private:
    std::string_view rest_;
    std::size_t number_ = 0;
};

} // namespace mail::api
