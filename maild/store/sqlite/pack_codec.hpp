// Rows of a folder's listing as compact bytes: a version, the sets of keywords in use, then of each row the differences to the
// one before as variable-length numbers, and a CRC-32C of it all. Some 10 bytes a row instead of 100 in their table, read in one
// go. Pure; used by packs and listings, and fuzzed.
#pragma once

#include "maild/store/mail_model.hpp"

#include <span>

namespace mail::store::sqlite {

/// `rows` have ascending UIDs.
[[nodiscard]] std::string pack_rows(std::span<const ItemRow> rows);
/// Appends the rows to `out`. False, and nothing appended: these are not the bytes of a pack, or it holds UIDs outside `covers`.
[[nodiscard]] bool unpack_rows(std::string_view bytes, UidRange covers, std::vector<ItemRow>& out);

} // namespace mail::store::sqlite
