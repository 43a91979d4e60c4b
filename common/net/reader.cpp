#include "common/net/reader.hpp"

#include <algorithm>
#include <cstring>

namespace mail::net {

void Reader::consume(std::size_t bytes) noexcept {
    at_ += std::min(bytes, size_ - at_);
    if (at_ == size_)
        at_ = size_ = 0;
}

Task<Result<bool>> Reader::fill(std::size_t want) {
    const std::size_t room = std::max<std::size_t>(std::min(want, chunk_), 1);
    // Moving only when at least half is consumed keeps the total work linear.
    if (buffer_.size() - size_ < room && at_ >= size_ - at_) {
        std::memmove(buffer_.data(), buffer_.data() + at_, size_ - at_);
        size_ -= at_;
        at_ = 0;
    }
    if (buffer_.size() - size_ < room)
        buffer_.resize(size_ + room);
    const std::span<char> free(buffer_.data() + size_, room);
    MAIL_CO_TRY(const std::size_t got, co_await stream_.read_some(free));
    size_ += got;
    if (got == room)
        chunk_ = std::min<std::size_t>(chunk_ * 2, 65536);
    co_return got != 0;
}

Task<Result<std::string>> Reader::line(std::size_t max, bool lenient) {
    std::size_t searched = 0;
    for (;;) {
        const std::string_view data = buffered();
        for (;;) {
            const std::size_t lf = data.find('\n', searched);
            if (lf == std::string_view::npos) {
                searched = data.size();
                break;
            }
            const bool crlf = lf > 0 && data[lf - 1] == '\r';
            if (!crlf && !lenient) {
                searched = lf + 1;
                continue;
            }
            const std::size_t length = crlf ? lf - 1 : lf;
            if (length > max)
                co_return fail(ErrorCode::too_large, "a line is longer than " + std::to_string(max) + " bytes");
            std::string result(data.substr(0, length));
            consume(lf + 1);
            co_return result;
        }
        if (data.size() > max + 1)
            co_return fail(ErrorCode::too_large, "a line is longer than " + std::to_string(max) + " bytes");
        MAIL_CO_TRY(const bool more, co_await fill());
        if (!more)
            co_return fail(ErrorCode::closed, "the connection ended in the middle of a line");
    }
}

void Reader::release() {
    if (at_ != size_)
        return;
    std::string().swap(buffer_);
    at_ = size_ = 0;
    chunk_ = first_chunk;
}

} // namespace mail::net
