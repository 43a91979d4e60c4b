// Reader: the input buffer of one connection. Framers look at buffered(), the session consumes what they took and asks
// for more. It never reads ahead of fill(), so the session bounds it; release() gives the memory back while idle.
#pragma once

#include "common/net/stream.hpp"

namespace mail::net {

class Reader {
  public:
    /// `stream` outlives the reader.
    explicit Reader(Stream& stream) : stream_(&stream) {}
    ~Reader();
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// What was read and not yet consumed. Valid until the next fill() or consume().
    [[nodiscard]] std::string_view buffered() const noexcept { return std::string_view(buffer_).substr(at_, size_ - at_); }
    void consume(std::size_t bytes) noexcept;
    /// Reads once, up to `want` more bytes. False at the clean end of the stream.
    [[nodiscard]] Task<Result<bool>> fill(std::size_t want = 16384);
    /// One line up to and without CR LF, or without LF when `lenient` (clients reading foreign servers). Errors: too_large
    /// beyond `max` bytes, closed at the end of the stream. The bytes are copied out.
    [[nodiscard]] Task<Result<std::string>> line(std::size_t max, bool lenient = false);
    /// Reads from `stream` from now on, as when compression begins; nothing may be buffered.
    void attach(Stream& stream) noexcept { stream_ = &stream; }
    /// Frees the buffer when it is empty: an idle connection then costs nothing here.
    void release();

  private:
    Stream* stream_;
    std::string buffer_;
    std::size_t at_ = 0;   ///< first unconsumed byte
    std::size_t size_ = 0; ///< end of the bytes read; buffer_ itself may be longer
    /// Most bytes of the next read. Starts small, so that an idle connection waits with a small buffer, and doubles
    /// while reads fill it; release() keeps a moderate size, for a connection that sends messages sends more of them.
    std::size_t chunk_ = first_chunk;
    static constexpr std::size_t first_chunk = 2048;
};

} // namespace mail::net
