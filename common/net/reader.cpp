#include "common/net/reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

namespace mail::net {
namespace {

/// Buffers of the first size go round between the connections of a thread: most reads need one for microseconds.
constexpr std::size_t pooled_bytes = 8192;
constexpr std::size_t most_pooled = 64;
thread_local std::vector<std::string> pool;

std::string take_buffer() {
    if (pool.empty())
        return std::string(pooled_bytes, '\0');
    std::string buffer = std::move(pool.back());
    pool.pop_back();
    return buffer;
}

void give_back(std::string&& buffer) {
    if (buffer.size() == pooled_bytes && pool.size() < most_pooled)
        pool.push_back(std::move(buffer));
    else
        std::string().swap(buffer);
}

} // namespace

Reader::~Reader() { give_back(std::move(buffer_)); }

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
    if (buffer_.size() - size_ < room) {
        if (buffer_.empty() && room > first_chunk && room <= pooled_bytes)
            buffer_ = take_buffer();
        else
            buffer_.resize(size_ + room);
    }
    const std::span<char> free(buffer_.data() + size_, room);
    MAIL_CO_TRY(const std::size_t got, co_await stream_->read_some(free));
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
    give_back(std::move(buffer_));
    buffer_.clear();
    at_ = size_ = 0;
    chunk_ = std::min(chunk_, pooled_bytes);
}

} // namespace mail::net
