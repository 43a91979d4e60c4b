// PROXY headers: a reader that follows `need` gets to the same end as one that has all bytes, never reads past the header,
// and what was found is an address.
#include "common/base/limits.hpp"
#include "common/net/bind.hpp"
#include "common/net/proxy_header.hpp"

#include <cstdlib>

using namespace mail;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    std::size_t asked = 0;
    auto progress = net::parse_proxy_header({});
    while (progress && progress->need != 0 && asked + progress->need <= size) {
        asked += progress->need;
        progress = net::parse_proxy_header(input.substr(0, asked));
    }
    if (!progress || progress->need != 0)
        return 0;
    if (progress->size != asked || asked > std::size_t{limit::proxy_header_bytes})
        std::abort();
    const auto at_once = net::parse_proxy_header(input);
    if (!at_once || at_once->need != 0 || at_once->size != asked)
        std::abort();
    if (const auto& source = progress->header.source; source && net::canonical_address(source->address) != source->address)
        std::abort();
    return 0;
}
