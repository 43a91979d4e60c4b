#include "common/net/deflate_stream.hpp"

#include "common/base/limits.hpp"

#include <zlib.h>

namespace mail::net {
namespace {

constexpr std::size_t piece = 4096;
// A smaller window and hash than zlib's own choice: 64 KiB for each connection instead of 256, and mail hardly grows by it.
constexpr int window_bits = -13; // negative: raw, without zlib's header (RFC 4978 §3)
constexpr int memory_level = 6;
constexpr int level = 4;

/// z_stream counts in unsigned int and takes bytes that are not const.
Bytef* bytes_of(const char* data) { return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(data)); } // NOLINT

class DeflateStream final : public Stream {
  public:
    explicit DeflateStream(std::unique_ptr<Stream>& inner) {
        packing_ready_ = deflateInit2(&packing_, level, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY) == Z_OK;
        unpacking_ready_ = inflateInit2(&unpacking_, -MAX_WBITS) == Z_OK;
        if (is_ready())
            inner_ = std::move(inner);
    }
    ~DeflateStream() override {
        if (packing_ready_)
            deflateEnd(&packing_);
        if (unpacking_ready_)
            inflateEnd(&unpacking_);
    }
    DeflateStream(const DeflateStream&) = delete;
    DeflateStream& operator=(const DeflateStream&) = delete;

    [[nodiscard]] bool is_ready() const noexcept { return packing_ready_ && unpacking_ready_; }

    Task<Result<std::size_t>> read_some(std::span<char> buffer) override {
        while (true) {
            MAIL_CO_TRY(const std::size_t got, unpack(buffer));
            if (got != 0 || ended_)
                co_return got;
            input_.resize(piece);
            const auto read = co_await inner_->read_some(input_);
            input_.resize(read ? *read : 0);
            if (!read)
                co_return fail(read.error());
            if (*read == 0)
                co_return std::size_t{0};
            unpacking_.next_in = bytes_of(input_.data());
            unpacking_.avail_in = static_cast<uInt>(input_.size());
        }
    }

    Task<Result<void>> write(std::string_view data) override {
        std::string out;
        while (true) {
            const auto taken = data.substr(0, 16 * piece);
            data.remove_prefix(taken.size());
            out.clear();
            pack(taken, data.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH, out);
            if (!out.empty()) {
                MAIL_CO_DO(co_await inner_->write(out));
            }
            if (data.empty())
                co_return Result<void>{};
        }
    }

    // TLS goes below compression, never into it.
    Task<Result<void>> start_tls(const TlsServer&) override { return refuse_tls(); }
    Task<Result<void>> start_tls(const TlsClient&, TlsExpectation) override { return refuse_tls(); }
    void set_timeout(Duration after) override { inner_->set_timeout(after); }
    Task<void> shutdown() override { return inner_->shutdown(); }
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

    // What the bytes at hand give; 0 when more are needed, or with ended_ when none will come.
    Result<std::size_t> unpack(std::span<char> buffer) {
        if (ended_)
            return std::size_t{0};
        unpacking_.next_out = bytes_of(buffer.data());
        unpacking_.avail_out = static_cast<uInt>(buffer.size());
        const int status = inflate(&unpacking_, Z_SYNC_FLUSH);
        ended_ = status == Z_STREAM_END;
        if (status != Z_OK && status != Z_BUF_ERROR && !ended_)
            return fail(ErrorCode::closed, "the compressed data is damaged");
        const auto out = static_cast<std::uint64_t>(unpacking_.total_out);
        if (out > static_cast<std::uint64_t>(limit::inflate_free) &&
            out / static_cast<std::uint64_t>(limit::inflate_ratio) > static_cast<std::uint64_t>(unpacking_.total_in))
            return fail(ErrorCode::closed, "the compressed data unpacks to too much");
        return buffer.size() - unpacking_.avail_out;
    }

    void pack(std::string_view data, int flush, std::string& out) {
        packing_.next_in = bytes_of(data.data());
        packing_.avail_in = static_cast<uInt>(data.size());
        do {
            const auto size = out.size();
            out.resize(size + piece);
            packing_.next_out = bytes_of(out.data() + size);
            packing_.avail_out = piece;
            deflate(&packing_, flush);
            out.resize(size + piece - packing_.avail_out);
        } while (packing_.avail_out == 0);
    }

    std::unique_ptr<Stream> inner_;
    z_stream packing_{};
    z_stream unpacking_{};
    std::string input_; ///< compressed bytes being unpacked
    bool packing_ready_ = false;
    bool unpacking_ready_ = false;
    bool ended_ = false;
};

} // namespace

std::unique_ptr<Stream> make_deflate_stream(std::unique_ptr<Stream>& inner) {
    auto stream = std::make_unique<DeflateStream>(inner);
    if (!stream->is_ready())
        return nullptr;
    return stream;
}

} // namespace mail::net
