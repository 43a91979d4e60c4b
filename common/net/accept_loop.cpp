#include "common/async/signal.hpp"
#include "common/base/log.hpp"
#include "common/net/listener.hpp"
#include "common/net/socket_stream.hpp"

#include <algorithm>
#include <vector>

#include <boost/asio/post.hpp>
#include <sys/socket.h>

namespace mail::net {

namespace {

/// A connection's places in the budgets.
struct Places {
    std::vector<ConnectionBudget::Token> tokens;
    /// False: one of them is full.
    [[nodiscard]] bool take(const AcceptOptions& options, const Peer& peer) {
        for (const auto* budget : {&options.whole, &options.budget}) {
            if (*budget == nullptr)
                continue;
            auto token = (*budget)->take(peer);
            if (!token)
                return false;
            tokens.push_back(std::move(*token));
        }
        return true;
    }
};

/// Keeps the places for as long as the session runs.
Task<void> run_session(std::shared_ptr<const SessionStarter> start, std::unique_ptr<Stream> stream,
                       std::shared_ptr<Places> places) {
    co_await (*start)(std::move(stream));
    places.reset();
}

/// One word and out: nothing here may wait for the client.
void refuse(const Stream& stream, const AcceptOptions& options) {
    const auto* socket = dynamic_cast<const SocketStream*>(&stream);
    if (socket != nullptr && !options.refusal.empty())
        (void)::send(socket->native_handle(), options.refusal.data(), options.refusal.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    (options.budget ? options.budget : options.whole)->note_refusal(options.name, stream.peer(), "connections");
}

} // namespace

Task<void> accept_loop(Listener& listener, async::Runtime& runtime, async::TaskGroup& sessions, SessionStarter start,
                       AcceptOptions options) {
    const auto shared_start = std::make_shared<const SessionStarter>(std::move(start));
    constexpr Duration first_pause = std::chrono::milliseconds(50);
    Duration pause = first_pause;
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
        auto places = std::make_shared<Places>();
        if (!places->take(options, stream->peer())) {
            refuse(*stream, options);
            continue;
        }
        if (!sessions.spawn(owner, run_session(shared_start, std::move(stream), std::move(places))))
            co_return;
    }
}

} // namespace mail::net
