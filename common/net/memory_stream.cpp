#include "common/net/memory_stream.hpp"

#include "common/async/signal.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

namespace mail::net {
namespace {

/// One direction.
struct Pipe {
    std::string data;
    std::size_t at = 0;
    std::size_t capacity = 0;
    bool ended = false; ///< the writer sent its end
    bool broken = false; ///< the reader is gone
    async::Signal changed_for_reader;
    async::Signal changed_for_writer;
    [[nodiscard]] std::size_t size() const noexcept { return data.size() - at; }
    void wake() {
        changed_for_reader.fire();
        changed_for_writer.fire();
    }
};

class MemoryStream final : public Stream {
  public:
    MemoryStream(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out, std::function<std::size_t()> chunk, Peer peer)
        : in_(std::move(in)), out_(std::move(out)), chunk_(std::move(chunk)), peer_(std::move(peer)) {}
    ~MemoryStream() override { close(); }

    Task<Result<std::size_t>> read_some(std::span<char> buffer) override {
        for (;;) {
            if (*closed_)
                co_return fail(ErrorCode::closed, "the connection is closed");
            if (interruptible_ && *ending_)
                co_return fail(ErrorCode::closed, "the session is to end");
            if (in_->size() > 0)
                co_return take(buffer);
            if (in_->ended)
                co_return std::size_t{0};
            MAIL_CO_DO(co_await wait(in_->changed_for_reader));
        }
    }

    Task<Result<void>> write(std::string_view data) override {
        while (!data.empty()) {
            if (*closed_ || out_->broken || out_->ended)
                co_return fail(ErrorCode::closed, "the connection is closed");
            const std::size_t room = out_->capacity - std::min(out_->capacity, out_->size());
            if (room == 0) {
                MAIL_CO_DO(co_await wait(out_->changed_for_writer));
                continue;
            }
            const std::size_t now = std::min(room, data.size());
            out_->data.append(data.substr(0, now));
            data.remove_prefix(now);
            out_->changed_for_reader.fire();
        }
        co_return Result<void>{};
    }

    Task<Result<void>> start_tls(const TlsServer& /*server*/) override {
        pretend_tls({});
        co_return Result<void>{};
    }
    Task<Result<void>> start_tls(const TlsClient& /*client*/, TlsExpectation expectation) override {
        pretend_tls(std::move(expectation.server_name));
        tls_->verified = true;
        co_return Result<void>{};
    }

    void set_timeout(Duration after) override {
        limited_ = after != Duration::max();
        if (limited_)
            deadline_ = std::chrono::steady_clock::now() + after;
        in_->changed_for_reader.fire(); // a pending call looks at the new deadline
        out_->changed_for_writer.fire();
    }

    Task<void> shutdown() override {
        out_->ended = true;
        out_->wake();
        co_return;
    }
    void close() noexcept override {
        *closed_ = true;
        out_->ended = true;
        in_->broken = true;
        out_->wake();
        in_->wake();
    }
    const Peer& peer() const noexcept override { return peer_; }
    void set_peer(Peer peer) override { peer_ = std::move(peer); }
    const Peer& local() const noexcept override { return local_; }
    const TlsInfo* tls() const noexcept override { return tls_ ? &*tls_ : nullptr; }
    std::string channel_binding() const override { return tls_ ? std::string(32, 'b') : std::string(); }
    std::function<void()> closer() override {
        return [flag = std::weak_ptr(closed_), in = in_, out = out_] {
            if (const auto closed = flag.lock()) {
                *closed = true;
                in->changed_for_reader.fire();
                out->changed_for_writer.fire();
            }
        };
    }
    std::function<void()> ender() override {
        return [flag = std::weak_ptr(ending_), in = in_] {
            if (const auto ending = flag.lock()) {
                *ending = true;
                in->changed_for_reader.fire();
            }
        };
    }
    bool is_ending() const noexcept override { return *ending_; }
    void set_interruptible(bool yes) noexcept override { interruptible_ = yes; }

  private:
    std::size_t take(std::span<char> buffer) {
        std::size_t now = std::min(buffer.size(), in_->size());
        if (chunk_)
            now = std::min(now, std::max<std::size_t>(chunk_(), 1));
        std::memcpy(buffer.data(), in_->data.data() + in_->at, now);
        in_->at += now;
        if (in_->at * 2 >= in_->data.size()) {
            in_->data.erase(0, in_->at);
            in_->at = 0;
        }
        in_->changed_for_writer.fire();
        return now;
    }

    /// Until `signal` fires; timeout once the deadline has passed.
    Task<Result<void>> wait(async::Signal& signal) {
        if (!limited_) {
            co_await signal.wait();
            co_return Result<void>{};
        }
        const auto left = std::chrono::duration_cast<Duration>(deadline_ - std::chrono::steady_clock::now());
        if (left <= Duration::zero())
            co_return fail(ErrorCode::timeout, "the peer was silent for too long");
        co_await signal.wait_for(left);
        co_return Result<void>{};
    }

    void pretend_tls(std::string name) {
        tls_.emplace();
        tls_->version = "TLSv1.3";
        tls_->cipher = "TLS_AES_128_GCM_SHA256";
        tls_->server_name = std::move(name);
    }

    std::shared_ptr<Pipe> in_;
    std::shared_ptr<Pipe> out_;
    std::function<std::size_t()> chunk_;
    Peer peer_;
    Peer local_{"127.0.0.1", 1, true};
    std::optional<TlsInfo> tls_;
    SteadyTime deadline_{};
    bool limited_ = false;
    bool interruptible_ = false;
    std::shared_ptr<std::atomic<bool>> closed_ = std::make_shared<std::atomic<bool>>(false);
    std::shared_ptr<std::atomic<bool>> ending_ = std::make_shared<std::atomic<bool>>(false);
};

class ScriptStream final : public Stream {
  public:
    ScriptStream(std::string input, std::string* output, std::function<std::size_t()> chunk)
        : input_(std::move(input)), output_(output), chunk_(std::move(chunk)) {}

    Task<Result<std::size_t>> read_some(std::span<char> buffer) override {
        if (*closed_ || (interruptible_ && *ending_))
            co_return fail(ErrorCode::closed, "the connection is closed");
        std::size_t now = std::min(buffer.size(), input_.size() - at_);
        if (chunk_)
            now = std::min(now, std::max<std::size_t>(chunk_(), 1));
        std::memcpy(buffer.data(), input_.data() + at_, now);
        at_ += now;
        co_return now;
    }
    Task<Result<void>> write(std::string_view data) override {
        if (*closed_)
            co_return fail(ErrorCode::closed, "the connection is closed");
        if (output_ != nullptr)
            output_->append(data);
        co_return Result<void>{};
    }
    Task<Result<void>> start_tls(const TlsServer& /*server*/) override {
        tls_.emplace();
        tls_->version = "TLSv1.3";
        co_return Result<void>{};
    }
    Task<Result<void>> start_tls(const TlsClient& /*client*/, TlsExpectation expectation) override {
        tls_.emplace();
        tls_->version = "TLSv1.3";
        tls_->server_name = std::move(expectation.server_name);
        co_return Result<void>{};
    }
    void set_timeout(Duration /*after*/) override {}
    Task<void> shutdown() override { co_return; }
    void close() noexcept override { *closed_ = true; }
    const Peer& peer() const noexcept override { return peer_; }
    void set_peer(Peer peer) override { peer_ = std::move(peer); }
    const Peer& local() const noexcept override { return peer_; }
    const TlsInfo* tls() const noexcept override { return tls_ ? &*tls_ : nullptr; }
    std::function<void()> closer() override {
        return [flag = std::weak_ptr(closed_)] {
            if (const auto closed = flag.lock())
                *closed = true;
        };
    }
    std::function<void()> ender() override {
        return [flag = std::weak_ptr(ending_)] {
            if (const auto ending = flag.lock())
                *ending = true;
        };
    }
    bool is_ending() const noexcept override { return *ending_; }
    void set_interruptible(bool yes) noexcept override { interruptible_ = yes; }

  private:
    std::string input_;
    std::string* output_;
    std::function<std::size_t()> chunk_;
    std::size_t at_ = 0;
    bool interruptible_ = false;
    std::shared_ptr<std::atomic<bool>> closed_ = std::make_shared<std::atomic<bool>>(false);
    std::shared_ptr<std::atomic<bool>> ending_ = std::make_shared<std::atomic<bool>>(false);
    std::optional<TlsInfo> tls_;
    Peer peer_{"127.0.0.1", 1, true};
};

} // namespace

std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_memory_pair(MemoryOptions options) {
    auto up = std::make_shared<Pipe>();
    auto down = std::make_shared<Pipe>();
    up->capacity = down->capacity = std::max<std::size_t>(options.capacity, 1);
    Peer client{options.peer_address, 40000, options.peer_address == "127.0.0.1" || options.peer_address == "::1"};
    auto first = std::make_unique<MemoryStream>(up, down, std::move(options.chunk), std::move(client));
    auto second = std::make_unique<MemoryStream>(down, up, nullptr, Peer{"127.0.0.1", 1, true});
    return {std::move(first), std::move(second)};
}

std::unique_ptr<Stream> make_script_stream(std::string input, std::string* output, std::function<std::size_t()> chunk) {
    return std::make_unique<ScriptStream>(std::move(input), output, std::move(chunk));
}

} // namespace mail::net
