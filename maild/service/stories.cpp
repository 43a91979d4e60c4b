#include "maild/service/stories.hpp"

#include "common/base/limits.hpp"
#include "common/base/log.hpp"

#include <algorithm>

namespace mail::service {
namespace {

constexpr Duration write_after = std::chrono::milliseconds(100); ///< what comes meanwhile shares a transaction
constexpr Duration look_again = std::chrono::seconds(2);         ///< for blocks of stories that sessions completed
constexpr auto tell_every = std::chrono::minutes(1); ///< the log hears of drops
constexpr Duration pause = std::chrono::milliseconds(20); ///< between slices, for mail to go first
constexpr int most_blocks = 50; ///< in one go

} // namespace

Stories::Stories(store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}

bool Stories::Bucket::take(double most, double per_second, SteadyTime now) {
    const double seconds = std::chrono::duration<double>(now - filled).count();
    tokens = is_new ? most : std::min(most, tokens + seconds * per_second);
    is_new = false;
    filled = now;
    if (tokens < 1)
        return false;
    tokens -= 1;
    return true;
}

bool Stories::admit(std::string_view address) {
    const SteadyTime now = clock_.steady();
    constexpr double per_peer = limit::story_refusals_per_peer;
    Bucket& peer = refusals_[std::hash<std::string_view>{}(address) % refusals_.size()];
    return peer.take(per_peer, per_peer / 3600, now) &&
           all_refusals_.take(limit::story_refusals_burst, limit::story_refusals_per_minute / 60.0, now);
}

/// Counted always, told at most once a minute: a flood must not fill the log instead.
void Stories::drop() {
    const SteadyTime now = clock_.steady();
    if (++dropped_ != 1 && now - drop_told_ < tell_every)
        return;
    drop_told_ = now;
    log(Event::story_dropped, {{"waiting", waiting_.size()}, {"dropped", dropped_.load()}});
}

void Stories::refused(store::Story story, std::string_view address) {
    {
        const std::lock_guard lock(mutex_);
        if (closed_)
            return;
        if (waiting_.size() >= std::size_t{limit::story_pending} || !admit(address)) {
            drop();
            return;
        }
        waiting_.stories.push_back(std::move(story));
    }
    wake_.fire();
}

void Stories::happened(store::StoryEvent event) {
    {
        const std::lock_guard lock(mutex_);
        if (closed_)
            return;
        if (waiting_.size() >= std::size_t{limit::story_pending}) {
            drop();
            return;
        }
        waiting_.events.push_back(std::move(event));
    }
    wake_.fire();
}

void Stories::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    wake_.fire();
}

bool Stories::is_closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
}

Stories::Counts Stories::counts() const {
    const std::lock_guard lock(mutex_);
    return {dropped_, waiting_.size()};
}

/// The oldest of each kind, about limit::story_slice of them.
Stories::Waiting Stories::take() {
    const auto some = []<class T>(std::vector<T>& from) {
        const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(from.size(), std::size_t{limit::story_slice}));
        std::vector<T> out(std::make_move_iterator(from.begin()), std::make_move_iterator(end));
        from.erase(from.begin(), end);
        return out;
    };
    const std::lock_guard lock(mutex_);
    return {some(waiting_.stories), some(waiting_.events)};
}

Task<void> Stories::write(Waiting slice) {
    auto done = co_await store_.stories().record(std::move(slice.stories), std::move(slice.events));
    if (!done && done.error().code != ErrorCode::closed)
        log(Event::store_error, {{"reason", done.error().message}, {"what", "events of stories"}});
}

Task<void> Stories::index() {
    for (int blocks = 0; blocks < most_blocks; ++blocks) {
        const auto more = co_await store_.stories().index();
        if (!more || !*more || is_closed())
            co_return;
    }
}

Task<void> Stories::run() {
    for (;;) {
        const bool closed = is_closed(); // asked first: what was handed in before close() is then in sight
        auto slice = take();
        const bool any = slice.size() != 0;
        if (any)
            co_await write(std::move(slice));
        else if (closed)
            co_return;
        if (closed)
            continue;
        co_await index();
        if (counts().waiting != 0) {
            co_await async::sleep_for(pause);
            continue;
        }
        const bool woken = co_await wake_.wait_for(look_again);
        if (woken)
            co_await async::sleep_for(write_after);
    }
}

} // namespace mail::service
