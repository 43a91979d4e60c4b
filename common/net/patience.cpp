#include "common/net/patience.hpp"

#include "common/base/limits.hpp"

#include <algorithm>

namespace mail::net {

Task<Result<bool>> fill_within(Stream& stream, Reader& reader, Duration patience, const std::function<bool()>& is_overloaded,
                               std::size_t want) {
    constexpr Duration slice = std::chrono::seconds(limit::overload_seconds);
    for (Duration waited{};;) {
        const bool hurried = is_overloaded && is_overloaded();
        const Duration left = (hurried ? std::min(patience, slice) : patience) - waited;
        if (left <= Duration::zero()) {
            stream.set_timeout(patience);
            co_return fail(ErrorCode::timeout, "nothing came in time");
        }
        stream.set_timeout(std::min(left, slice));
        auto more = co_await reader.fill(want);
        if (more || more.error().code != ErrorCode::timeout) {
            stream.set_timeout(patience);
            co_return more;
        }
        waited += std::min(left, slice);
    }
}

} // namespace mail::net
