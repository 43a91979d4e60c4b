#include "common/net/connection_budget.hpp"

#include "common/base/limits.hpp"
#include "common/base/log.hpp"

#include <atomic>
#include <map>
#include <mutex>

namespace mail::net {

struct ConnectionBudget::State {
    std::string name;
    std::mutex mutex;
    ConnectionLimits limits;
    std::size_t open = 0;
    std::map<std::string, std::size_t> by_address;
    std::atomic<bool> overloaded = false;
    std::size_t refused = 0; ///< since the last line of the log
    SteadyTime quiet_until{};

    /// With the mutex held. True: overload has begun or ended.
    bool weigh() {
        const bool before = overloaded;
        const std::size_t used = open * 100;
        const bool now = limits.total > 0 && (before ? used > limits.total * std::size_t{limit::overload_end_percent}
                                                     : used >= limits.total * std::size_t{limit::overload_percent});
        overloaded = now;
        return now != before;
    }
    void tell(std::size_t at) const {
        const bool began = overloaded;
        log(began ? Event::overload_began : Event::overload_ended,
            {{"limit", "connections"}, {"of", name}, {"open", at}, {"total", limits.total}});
    }
};

ConnectionBudget::ConnectionBudget(std::size_t total, std::size_t per_address)
    : ConnectionBudget(std::string(), ConnectionLimits{total, per_address, false}) {}
ConnectionBudget::ConnectionBudget(std::string name, ConnectionLimits limits) : state_(std::make_unique<State>()) {
    state_->name = std::move(name);
    state_->limits = limits;
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
    const ConnectionLimits& limits = state_->limits;
    if (limits.total > 0 && state_->open >= limits.total)
        return std::nullopt;
    // Unix sockets have no address that could be counted.
    const bool counted = limits.per_address > 0 && !peer.address.empty() && (limits.count_loopback || !peer.loopback);
    if (counted) {
        auto& count = state_->by_address[peer.address];
        if (count >= limits.per_address)
            return std::nullopt;
        ++count;
    }
    ++state_->open;
    if (state_->weigh())
        state_->tell(state_->open);
    return std::optional<Token>(std::in_place, shared_from_this(), counted ? peer.address : std::string());
}

void ConnectionBudget::give_back(const std::string& address) noexcept {
    const std::lock_guard lock(state_->mutex);
    --state_->open;
    const auto found = state_->by_address.find(address);
    if (found != state_->by_address.end() && --found->second == 0)
        state_->by_address.erase(found);
    if (state_->weigh())
        state_->tell(state_->open);
}

void ConnectionBudget::set_limits(ConnectionLimits limits) {
    const std::lock_guard lock(state_->mutex);
    state_->limits = limits;
    if (state_->weigh())
        state_->tell(state_->open);
}

std::size_t ConnectionBudget::open() const {
    const std::lock_guard lock(state_->mutex);
    return state_->open;
}

bool ConnectionBudget::is_overloaded() const noexcept { return state_->overloaded; }

void ConnectionBudget::note_refusal(std::string_view listener, const Peer& peer, std::string_view limit) {
    std::size_t count = 0;
    {
        const std::lock_guard lock(state_->mutex);
        ++state_->refused;
        const auto now = std::chrono::steady_clock::now();
        if (now < state_->quiet_until)
            return;
        state_->quiet_until = now + std::chrono::seconds(1);
        count = std::exchange(state_->refused, 0);
    }
    log(Event::connection_refused, {{"listener", listener}, {"peer", peer.text()}, {"limit", limit}, {"count", count}});
}

} // namespace mail::net
