// The text index of the embedded engine: an FTS5 table of trigrams in a database of its own beside the store's.
#pragma once

#include "maild/store/text_index.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace mail::store {

/// The one in <directory>/text.db, which is opened or made by belong_to(). It grows no larger than `most_bytes`.
[[nodiscard]] std::unique_ptr<TextIndex> make_text_index(const std::string& directory, std::uint64_t most_bytes);

} // namespace mail::store
