// A stored access list reads back as it was written, and never locks its owner out.
#include "maild/service/rights.hpp"

#include <cstdint>
#include <cstdlib>

using namespace mail::service;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto list = AccessList::parse({reinterpret_cast<const char*>(data), size});
    const auto again = AccessList::parse(list.text());
    if (again.text() != list.text() || again.entries().size() != list.entries().size())
        std::abort();
    for (const auto& entry : list.entries()) {
        if (entry.rights == 0 || entry.rights > every_right || again.entry(entry.account, entry.negative) != entry.rights)
            std::abort();
        if ((list.of(entry.account, entry.account) & owner_minimum) != owner_minimum)
            std::abort();
    }
    return 0;
}
