#include "maild/queue/head_source.hpp"

#include "common/base/limits.hpp"
#include "common/mail/header.hpp"

namespace mail::queue {

Task<Result<std::string>> HeadSource::read(std::uint64_t offset, std::uint64_t length) {
    std::string out;
    if (offset < head_.size())
        out = head_.substr(offset, length);
    if (out.size() == length)
        co_return out;
    const std::uint64_t from = offset + out.size() - head_.size() + replaced_;
    MAIL_CO_TRY(const std::string rest, co_await inner_->read(from, length - out.size()));
    co_return out + rest;
}

Task<Result<std::optional<HeadSource>>> masqueraded(smtp_client::MessageSource& inner, const service::Masquerade& masquerade) {
    std::optional<HeadSource> none;
    if (masquerade.empty())
        co_return none;
    constexpr std::uint64_t first_look = 16384;
    for (std::uint64_t look = first_look;; look *= 4) {
        MAIL_CO_TRY(const std::string head, co_await inner.read(0, look));
        const std::size_t end = header_size(head);
        if (end < head.size() || head.size() == inner.size()) {
            auto changed = masquerade.apply_header(std::string_view(head).substr(0, end));
            if (!changed)
                co_return none;
            co_return std::optional<HeadSource>(std::in_place, inner, std::move(*changed), end);
        }
        if (look > std::uint64_t{limit::header_bytes})
            co_return none;
    }
}

} // namespace mail::queue
