// What resolves is sorted, merged, and written out reads back the same.
#include "maild/imap/proto/sequence_set.hpp"

#include <cstdint>
#include <cstdlib>

using namespace mail::imap;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto set = SequenceSet::parse({reinterpret_cast<const char*>(data), size});
    if (!set)
        return 0;
    for (std::uint32_t star : {0U, 1U, 77U, UINT32_MAX}) {
        const auto ranges = set->resolve(star);
        NumberList list;
        for (std::size_t i = 0; i < ranges.size(); ++i) {
            if (ranges[i].first == 0 || ranges[i].first > ranges[i].last)
                std::abort();
            if (i > 0 && ranges[i].first <= ranges[i - 1].last + std::uint64_t{1})
                std::abort();
            list.add_range(ranges[i].first, ranges[i].last);
        }
        if (ranges.empty())
            continue;
        const auto again = SequenceSet::parse(list.text());
        if (!again || again->resolve(star) != ranges)
            std::abort();
    }
    return 0;
}
