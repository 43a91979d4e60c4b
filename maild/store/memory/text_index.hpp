// A text index that keeps the texts themselves, for tests. Its answers are exact.
#pragma once

#include "maild/store/text_index.hpp"

#include <memory>

namespace mail::store {

[[nodiscard]] std::unique_ptr<TextIndex> make_memory_text_index();

} // namespace mail::store
