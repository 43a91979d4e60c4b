#include "common/async/signal.hpp"
#include "common/base/log.hpp"
#include "common/net/listener.hpp"
#include "common/net/socket_stream.hpp"

#include <algorithm>
#include <map>
#include <mutex>

#include <boost/asio/post.hpp>
#include <sys/socket.h>

namespace mail::net {

struct ConnectionBudget::State {
    std::mutex mutex;
    std::size_t open = 0;
    std::size_t total = 0;
    std::size_t per_address = 0;
    std::map<std::string, std::size_t> by_address;
};

ConnectionBudget::ConnectionBudget(std::size_t total, std::size_t per_address) : state_(std::make_unique<State>()) {
    state_->total = total;
    state_->per_address = per_address;
}
ConnectionBudget::~ConnectionBudget() = default;

ConnectionBudget::Token::Token(std::shared_ptr<ConnectionBudget> budget, std::string address)
    : budget_(std::move(budget)), address_(std::move(address)) {}
ConnectionBudget::Token::~Token() {
    if (budget_)
        budget_->give_back(address_);
}

std::optional<ConnectionBudget::Token> ConnectionBudget::take(const Peer& peer) {
    const std::lock_guard lock(state_->mutex);
    if (state_->open >= state_->total)
        return std::nullopt;
    const bool counted = state_->per_address > 0 && !peer.loopback;
    if (counted) {
        auto& count = state_->by_address[peer.address];
        if (count >= state_->per_address)
            return std::nullopt;
        ++count;
    }
    ++state_->open;
    return std::optional<Token>(std::in_place, shared_from_this(), counted ? peer.address : std::string());
}

void ConnectionBudget::give_back(const std::string& address) noexcept {
    const std::lock_guard lock(state_->mutex);
    --state_->open;
    const auto found = state_->by_address.find(address);
    if (found != state_->by_address.end() && --found->second == 0)
        state_->by_address.erase(found);
}

std::size_t ConnectionBudget::open() const noexcept {
    const std::lock_guard lock(state_->mutex);
    return state_->open;
}

namespace {

/// Keeps the token for as long as the session runs.
Task<void> run_session(std::shared_ptr<const SessionStarter> start, std::unique_ptr<Stream> stream,
                       std::shared_ptr<ConnectionBudget::Token> token) {
    co_await (*start)(std::move(stream));
    token.reset();
}

/// Turns connections away. A flood of them makes one log line per second.
class Refusals {
  public:
    /// One word and out: nothing here may wait for the client.
    void refuse(const Stream& stream, const AcceptOptions& options) {
        const auto* socket = dynamic_cast<const SocketStream*>(&stream);
        if (socket != nullptr && !options.refusal.empty())
            (void)::send(socket->native_handle(), options.refusal.data(), options.refusal.size(),
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        ++count_;
        const auto now = std::chrono::steady_clock::now();
        if (now < quiet_until_)
            return;
        quiet_until_ = now + std::chrono::seconds(1);
        log(Event::connection_refused, {{"listener", options.name},
                                        {"peer", stream.peer().text()},
                                        {"limit", "connections"},
                                        {"count", std::exchange(count_, 0)}});
    }

  private:
    std::size_t count_ = 0; ///< since the last line
    SteadyTime quiet_until_{};
};

} // namespace

Task<void> accept_loop(Listener& listener, async::Runtime& runtime, async::TaskGroup& sessions, SessionStarter start,
                       AcceptOptions options) {
    const auto shared_start = std::make_shared<const SessionStarter>(std::move(start));
    constexpr Duration first_pause = std::chrono::milliseconds(50);
    Duration pause = first_pause;
    Refusals refusals;
    for (unsigned turn = 1;; ++turn) {
        if (turn % 64 == 0) // a flood of connections must not starve this thread's sessions
            co_await async::sleep_for(Duration::zero());
        const async::Executor owner = runtime.next();
        auto accepted = co_await listener.accept(owner);
        if (!accepted) {
            if (accepted.error().code == ErrorCode::closed)
                co_return;
            // Out of descriptors: clients wait in the backlog until sessions end.
            if (pause == first_pause)
                log(Event::accept_paused, {{"listener", options.name}, {"reason", accepted.error().message}});
            co_await async::sleep_for(pause);
            pause = std::min<Duration>(pause * 2, std::chrono::seconds(1));
            continue;
        }
        pause = first_pause;
        std::unique_ptr<Stream> stream = std::move(accepted).value();
        std::shared_ptr<ConnectionBudget::Token> token;
        if (options.budget) {
            auto taken = options.budget->take(stream->peer());
            if (!taken) {
                refusals.refuse(*stream, options);
                continue;
            }
            token = std::make_shared<ConnectionBudget::Token>(std::move(*taken));
        }
        if (!sessions.spawn(owner, run_session(shared_start, std::move(stream), std::move(token))))
            co_return;
    }
}

} // namespace mail::net
