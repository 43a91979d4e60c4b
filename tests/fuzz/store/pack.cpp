// Packed rows of a folder's listing with a checksum that always holds, so that what lies behind it is reached: refused as a whole,
// or rows within their range that survive being packed again.
#include "common/crypto/checksum.hpp"
#include "maild/store/sqlite/pack_codec.hpp"

#include <cstdlib>

using namespace mail;
using namespace mail::store;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
    std::string bytes(reinterpret_cast<const char*>(data), size);
    const std::uint32_t sum = crypto::crc32c(bytes);
    for (unsigned i = 0; i < 4; ++i)
        bytes += static_cast<char>(sum >> (8 * i));
    const UidRange covers{1, 1'000'000};
    std::vector<ItemRow> rows;
    if (!sqlite::unpack_rows(bytes, covers, rows))
        return rows.empty() ? 0 : (std::abort(), 0);
    Uid last = 0;
    for (const ItemRow& row : rows) {
        if (row.uid <= last || row.uid > covers.last)
            std::abort();
        last = row.uid;
    }
    std::vector<ItemRow> again;
    if (!sqlite::unpack_rows(sqlite::pack_rows(rows), covers, again) || again.size() != rows.size())
        std::abort();
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (again[i].uid != rows[i].uid || again[i].flags != rows[i].flags || again[i].keywords != rows[i].keywords ||
            again[i].modseq != rows[i].modseq || again[i].internal_date != rows[i].internal_date || again[i].size != rows[i].size)
            std::abort();
    return 0;
}
