// Return addresses of forwarded mail: nothing but what forward() made is taken, and that comes back as it was.
#include "maild/service/srs.hpp"

#include "common/base/text.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mail;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const service::Srs srs("a key that no input knows");
    const Time now(std::chrono::hours(24 * 20000));
    const auto address = parse_address(input);
    if (!address)
        return 0;
    // A forgery that passes would need a collision of the keyed hash.
    const auto reversed = srs.reverse(*address, now);
    if (reversed && !parse_address(reversed->text()))
        std::abort();
    const auto there = srs.forward(*address, "fwd.test", now);
    if (!there)
        return 0;
    const auto parsed = parse_address(there->text());
    if (!parsed || parsed->local.size() > 64 || !service::Srs::is_srs(parsed->local))
        std::abort();
    const auto back = srs.reverse(*parsed, now);
    const bool forwarded_before = service::Srs::is_srs(address->local);
    if (!forwarded_before && (!back || address_key(*back) != address_key(*address)))
        std::abort();
    // Undone or refused, but never somebody else's address: the way back of what was forwarded before is an SRS0 address.
    if (forwarded_before && back && !text::istarts_with(back->local, "SRS0"))
        std::abort();
    return 0;
}
