// What a search for text looks at (SEARCH TEXT, BODY, HEADER): the header fields and text parts of a message, decoded
// and casemapped (RFC 5051). One place for both the matcher, which decides, and the text index, which only says what is
// worth reading. Pure and thread-safe.
#pragma once

#include "common/mail/mime.hpp"
#include "maild/store/text_index.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace mail::service {

/// The message's own header and those of its parts and embedded messages, a line "NAME: VALUE" for each field.
[[nodiscard]] std::string header_search_text(std::string_view message, const MimeTree& tree);
/// Every text part, also inside embedded messages.
[[nodiscard]] std::vector<std::string> body_search_texts(std::string_view message, const MimeTree& tree);

/// The bytes of one blob as the text index keeps them. Incomplete when they are too long or when a prefix before them
/// could change how they are read.
[[nodiscard]] store::IndexedText index_text(store::BlobId blob, std::string_view bytes);

/// Whether the prefix of an item, header bytes of one recipient alone, may hold any of `texts` (casemapped, as
/// store::can_find() likes them); bit i of the answer is texts[i]. Also all bits when the prefix changes how the blob is
/// read. Never misses one.
[[nodiscard]] std::uint64_t prefix_may_hold(std::string_view prefix, const std::vector<std::string>& texts);

} // namespace mail::service
