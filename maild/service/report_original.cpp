#include "maild/service/report_original.hpp"

#include "common/base/limits.hpp"
#include "common/mail/header.hpp"

#include <algorithm>

namespace mail::service {

Task<ReportOriginal> report_original(store::MailStore& mail, store::BlobRef blob, bool whole) {
    constexpr std::uint64_t first_look = 8192; // most header sections fit
    constexpr std::uint64_t most = std::uint64_t{limit::report_header};
    ReportOriginal out;
    out.is_whole = whole && blob.length <= std::uint64_t{limit::report_message};
    for (std::uint64_t look = out.is_whole ? blob.length : first_look;; look = std::min(look * 4, most)) {
        auto read = co_await mail.read(blob, 0, look);
        if (!read)
            co_return ReportOriginal();
        out.bytes = std::move(*read);
        if (out.is_whole)
            co_return out;
        const std::size_t end = header_size(out.bytes);
        const bool is_found = end < out.bytes.size() || out.bytes.size() >= blob.length;
        if (is_found || look >= most) {
            out.bytes.resize(is_found ? end : out.bytes.rfind('\n') + 1);
            co_return out;
        }
    }
}

} // namespace mail::service
