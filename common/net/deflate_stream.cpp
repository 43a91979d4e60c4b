#include "common/net/deflate_stream.hpp"

#include "common/base/limits.hpp"

#include <zlib.h>

#include <new>
#include <utility>

namespace mail::net {
namespace {

constexpr std::size_t piece = 4096;
constexpr std::size_t small_piece = 512; // that a stream at rest waits with
// A smaller window and hash than zlib's own choice: 64 KiB for each connection instead of 256, and mail hardly grows by it.
constexpr int window_bits = -13; // negative: raw, without zlib's header (RFC 4978 §3)
constexpr int memory_level = 6;
constexpr int level = 4;

/// z_stream counts in unsigned int and takes bytes that are not const.
Bytef* bytes_of(const char* data) { return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(data)); } // NOLINT

/// What we send. Asleep it holds nothing: what comes next refers to nothing sent before, which no receiver minds.
class Packer {
  public:
    Packer() { wake(); }
    ~Packer() { sleep(); }
    Packer(const Packer&) = delete;
    Packer& operator=(const Packer&) = delete;
    bool wake() {
        if (!awake_)
            awake_ = deflateInit2(&zip_, level, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY) == Z_OK;
        return awake_;
    }
    /// Only after a sync flush: the bytes sent so far are then whole.
    void sleep() noexcept {
        if (std::exchange(awake_, false))
            deflateEnd(&zip_);
    }
    void pack(std::string_view data, int flush, std::string& out) {
        zip_.next_in = bytes_of(data.data());
        zip_.avail_in = static_cast<uInt>(data.size());
        do {
            const auto size = out.size();
            out.resize(size + piece);
            zip_.next_out = bytes_of(out.data() + size);
            zip_.avail_out = piece;
            deflate(&zip_, flush);
            out.resize(size + piece - zip_.avail_out);
        } while (zip_.avail_out == 0);
    }

  private:
    z_stream zip_{};
    bool awake_ = false;
};

/// What the peer sends. Asleep it keeps the window alone, as long as it is.
class Unpacker {
  public:
    Unpacker() { wake(); }
    ~Unpacker() { end(); }
    Unpacker(const Unpacker&) = delete;
    Unpacker& operator=(const Unpacker&) = delete;
    bool wake() {
        if (awake_)
            return true;
        awake_ = inflateInit2(&zip_, -MAX_WBITS) == Z_OK;
        if (awake_ && !window_.empty())
            inflateSetDictionary(&zip_, reinterpret_cast<const Bytef*>(window_.data()), static_cast<uInt>(window_.size()));
        zip_.total_in = in_;
        zip_.total_out = out_;
        window_ = {};
        return awake_;
    }
    /// Does nothing in the middle of a block, or with bytes at hand.
    void sleep() noexcept {
        constexpr int between_blocks = 128; // and no bit of the next one read: see inflate() in zlib.h
        if (!awake_ || zip_.avail_in != 0 || (zip_.total_in != 0 && zip_.data_type != between_blocks))
            return;
        uInt size = 0;
        inflateGetDictionary(&zip_, nullptr, &size);
        try {
            window_.resize(size);
        } catch (const std::bad_alloc&) {
            return; // then it stays awake
        }
        inflateGetDictionary(&zip_, reinterpret_cast<Bytef*>(window_.data()), &size);
        end();
    }
    void give(std::string_view bytes) {
        zip_.next_in = bytes_of(bytes.data());
        zip_.avail_in = static_cast<uInt>(bytes.size());
    }
    /// What the bytes at hand give; 0 when more are needed, or with has_ended() when none will come.
    Result<std::size_t> unpack(std::span<char> buffer) {
        if (ended_)
            return std::size_t{0};
        zip_.next_out = bytes_of(buffer.data());
        zip_.avail_out = static_cast<uInt>(buffer.size());
        const int status = inflate(&zip_, Z_SYNC_FLUSH);
        ended_ = status == Z_STREAM_END;
        if (status != Z_OK && status != Z_BUF_ERROR && !ended_)
            return fail(ErrorCode::closed, "the compressed data is damaged");
        in_ = zip_.total_in;
        out_ = zip_.total_out;
        if (out_ > static_cast<uLong>(limit::inflate_free) && out_ / static_cast<uLong>(limit::inflate_ratio) > in_)
            return fail(ErrorCode::closed, "the compressed data unpacks to too much");
        return buffer.size() - zip_.avail_out;
    }
    [[nodiscard]] bool is_asleep() const noexcept { return !awake_; }
    [[nodiscard]] bool has_ended() const noexcept { return ended_; }

  private:
    void end() noexcept {
        if (std::exchange(awake_, false))
            inflateEnd(&zip_);
    }
    z_stream zip_{};
    std::string window_;
    uLong in_ = 0;
    uLong out_ = 0;
    bool awake_ = false;
    bool ended_ = false;
};

Failure no_memory() { return fail(ErrorCode::closed, "no memory for compression"); }

class DeflateStream final : public Stream {
  public:
    explicit DeflateStream(std::unique_ptr<Stream>& inner) {
        if (is_ready())
            inner_ = std::move(inner);
    }
    [[nodiscard]] bool is_ready() { return packer_.wake() && unpacker_.wake(); }

    Task<Result<std::size_t>> read_some(std::span<char> buffer) override {
        while (true) {
            if (!unpacker_.is_asleep()) { // or there is nothing left to unpack
                MAIL_CO_TRY(const std::size_t got, unpacker_.unpack(buffer));
                if (got != 0 || unpacker_.has_ended())
                    co_return got;
            }
            if (unpacker_.is_asleep())
                input_ = {};
            input_.resize(unpacker_.is_asleep() ? small_piece : piece);
            const auto read = co_await inner_->read_some(input_);
            input_.resize(read ? *read : 0);
            if (!read)
                co_return fail(read.error());
            if (*read == 0)
                co_return std::size_t{0};
            if (!unpacker_.wake())
                co_return no_memory();
            unpacker_.give(input_);
        }
    }

    Task<Result<void>> write(std::string_view data) override {
        if (!packer_.wake())
            co_return no_memory();
        std::string out;
        Result<void> written;
        writing_ = true;
        do {
            const auto taken = data.substr(0, 16 * piece);
            data.remove_prefix(taken.size());
            out.clear();
            packer_.pack(taken, data.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH, out);
            if (!out.empty())
                written = co_await inner_->write(out);
        } while (written && !data.empty());
        writing_ = false;
        co_return written;
    }

    // TLS goes below compression, never into it.
    Task<Result<void>> start_tls(const TlsServer&) override { return refuse_tls(); }
    Task<Result<void>> start_tls(const TlsClient&, TlsExpectation) override { return refuse_tls(); }
    void set_timeout(Duration after) override { inner_->set_timeout(after); }
    Task<void> shutdown() override { return inner_->shutdown(); }
    void rest() noexcept override {
        if (!writing_)
            packer_.sleep();
        unpacker_.sleep();
        inner_->rest();
    }
    void close() noexcept override { inner_->close(); }
    const Peer& peer() const noexcept override { return inner_->peer(); }
    const Peer& local() const noexcept override { return inner_->local(); }
    const TlsInfo* tls() const noexcept override { return inner_->tls(); }
    std::string channel_binding() const override { return inner_->channel_binding(); }
    std::function<void()> closer() override { return inner_->closer(); }
    std::function<void()> ender() override { return inner_->ender(); }
    bool is_ending() const noexcept override { return inner_->is_ending(); }
    void set_interruptible(bool yes) noexcept override { inner_->set_interruptible(yes); }

  private:
    static Task<Result<void>> refuse_tls() { co_return fail(ErrorCode::unsupported, "TLS cannot begin inside compression"); }

    std::unique_ptr<Stream> inner_;
    Packer packer_;
    Unpacker unpacker_;
    std::string input_; ///< compressed bytes being unpacked
    bool writing_ = false;
};

} // namespace

std::unique_ptr<Stream> make_deflate_stream(std::unique_ptr<Stream>& inner) {
    auto stream = std::make_unique<DeflateStream>(inner);
    if (!stream->is_ready())
        return nullptr;
    return stream;
}

} // namespace mail::net
