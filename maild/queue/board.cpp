#include "maild/queue/board.hpp"

#include <algorithm>

namespace mail::queue {
namespace {

constexpr std::size_t most_destinations = 4096; ///< idle ones are forgotten beyond it
// Items in hand of one destination: so many when nothing is known about it, and when it last failed; less when much is in
// hand in all, and at any rate a minute's work at the pace seen.
constexpr std::size_t unknown_capacity = 5000;
constexpr std::size_t unknown_capacity_tight = 500;
constexpr std::size_t failing_capacity = 500;
constexpr std::size_t failing_capacity_tight = 50;
constexpr double capacity_seconds = 60;
constexpr std::size_t congestion = 500; ///< items of one destination beyond which leasing slows down
constexpr Duration rate_window = std::chrono::seconds(2);

double seconds(SteadyTime::duration time) { return std::chrono::duration<double>(time).count(); }

} // namespace

std::size_t Board::room() const {
    const std::lock_guard lock(mutex_);
    return closed_ || in_hand_.size() >= most_items ? 0 : most_items - in_hand_.size();
}

std::size_t Board::in_hand() const {
    const std::lock_guard lock(mutex_);
    return in_hand_.size();
}

unsigned Board::connections() const {
    const std::lock_guard lock(mutex_);
    return connections_;
}

std::shared_ptr<const Route> Board::route_of(const Destination& destination) const {
    const std::lock_guard lock(mutex_);
    return destination.route_;
}

/// A relay is one destination whatever the domain; otherwise every domain is one.
std::shared_ptr<Destination>& Board::destination_for(const store::QueueItem& item, const OutboundConfig& config) {
    auto route = config.route_for(item);
    std::string key = route->name;
    if (!route->is_relay())
        key.append("/").append(item.domain);
    auto& found = destinations_[key];
    if (!found)
        found = std::make_shared<Destination>(key, item.domain,
                                              route->connections != 0 ? route->connections : config.per_destination);
    found->route_ = std::move(route);
    return found;
}

std::size_t Board::capacity(const Destination& destination) const {
    const bool tight = in_hand_.size() > most_items / 2;
    const std::size_t base = destination.failing_ ? (tight ? failing_capacity_tight : failing_capacity)
                                                  : (tight ? unknown_capacity_tight : unknown_capacity);
    return std::max(base, static_cast<std::size_t>(destination.rate_ * capacity_seconds));
}

/// About as long as what waits already will take; not all come back at once.
Duration Board::time_to_room(const Destination& destination, const store::QueueItem& item) {
    if (destination.failing_)
        return std::chrono::seconds(30 + item.id % 30);
    const double rate = std::max(destination.rate_, 200.0);
    const double wait = static_cast<double>(destination.waiting_items_) / rate;
    return std::chrono::milliseconds(static_cast<std::int64_t>(std::clamp(wait, 1.0, 30.0) * 1000) + item.id % 500);
}

Board::Added Board::add(std::vector<store::QueueItem> items, const OutboundConfig& config, Time start_before) {
    Added added;
    const std::lock_guard lock(mutex_);
    if (destinations_.size() > most_destinations)
        sweep();
    // Recipients of one message at one destination share a transaction.
    std::unordered_map<std::string, Job*> open;
    for (store::QueueItem& item : items) {
        if (closed_ || !in_hand_.insert(item.id).second)
            continue;
        auto& destination = destination_for(item, config);
        if (destination->waiting_items_ >= capacity(*destination)) {
            const Duration pause = time_to_room(*destination, item);
            added.too_many.push_back({std::move(item), pause});
            continue;
        }
        added.congested = ++destination->waiting_items_ >= congestion || added.congested;
        const std::string key = std::string(item.message.raw()) + destination->key;
        Job*& job = open[key];
        if (job == nullptr || job->items.size() >= smtp_client::most_recipients) {
            Job fresh{item.message, item.envelope, item.blob, {}, start_before, 0};
            if (item.priority > 0) { // a deque keeps its elements in place
                destination->waiting_.push_front(std::move(fresh));
                job = &destination->waiting_.front();
            } else {
                destination->waiting_.push_back(std::move(fresh));
                job = &destination->waiting_.back();
            }
        }
        job->items.push_back(std::move(item));
        list(destination);
    }
    for (const auto& destination : ready_)
        wake_idle(*destination);
    return added;
}

void Board::list(const std::shared_ptr<Destination>& destination) {
    if (!destination->listed_) {
        destination->listed_ = true;
        ready_.push_back(destination);
    }
}

void Board::wake_idle(Destination& destination) {
    while (!destination.idle_.empty() && destination.starting_ < destination.waiting_.size()) {
        ++destination.starting_;
        destination.idle_.back()->fire(); // the one that waits shortest; the others run out of time
        destination.idle_.pop_back();
    }
}

std::vector<std::shared_ptr<Destination>> Board::start(unsigned most_connections) {
    std::vector<std::shared_ptr<Destination>> starting;
    const std::lock_guard lock(mutex_);
    starved_ = false;
    for (std::size_t turns = ready_.size(); turns > 0 && !closed_; --turns) {
        auto destination = std::move(ready_.front());
        ready_.pop_front();
        Destination& d = *destination;
        d.listed_ = false;
        wake_idle(d);
        while (d.starting_ < d.waiting_.size() && d.connections_ < d.limit_.value() && connections_ < most_connections) {
            ++d.starting_;
            ++d.connections_;
            ++connections_;
            starting.push_back(destination);
        }
        if (d.starting_ < d.waiting_.size() && d.connections_ < d.limit_.value()) {
            starved_ = true;
            list(destination);
        }
    }
    return starting;
}

std::optional<Job> Board::take(Destination& destination, bool fresh, const std::shared_ptr<async::Signal>& waiter,
                               bool& may_linger) {
    may_linger = false;
    bool relieved = false;
    std::optional<Job> job;
    {
        const std::lock_guard lock(mutex_);
        if (fresh && destination.starting_ > 0)
            --destination.starting_;
        if (closed_)
            return std::nullopt;
        if (destination.waiting_.empty()) {
            may_linger = !starved_ && waiter != nullptr;
            if (may_linger)
                destination.idle_.push_back(waiter);
            return std::nullopt;
        }
        job = std::move(destination.waiting_.front());
        destination.waiting_.pop_front();
        const std::size_t before = destination.waiting_items_;
        destination.waiting_items_ -= job->items.size();
        relieved = before >= congestion / 2 && destination.waiting_items_ < congestion / 2;
    }
    if (relieved)
        wake_->fire();
    return job;
}

bool Board::stop_waiting(Destination& destination, const std::shared_ptr<async::Signal>& waiter) {
    const std::lock_guard lock(mutex_);
    return std::erase(destination.idle_, waiter) > 0;
}

void Board::put_back(Destination& destination, Job job) {
    const std::lock_guard lock(mutex_);
    destination.waiting_items_ += job.items.size();
    destination.waiting_.push_front(std::move(job));
}

std::vector<Job> Board::take_all_if_last(Destination& destination) {
    std::vector<Job> jobs;
    const std::lock_guard lock(mutex_);
    if (destination.connections_ > 1)
        return jobs;
    jobs.assign(std::make_move_iterator(destination.waiting_.begin()), std::make_move_iterator(destination.waiting_.end()));
    destination.waiting_.clear();
    destination.waiting_items_ = 0;
    return jobs;
}

void Board::succeeded(Destination& destination, std::size_t items, SteadyTime now) {
    bool wake = false;
    {
        const std::lock_guard lock(mutex_);
        const unsigned before = destination.limit_.value();
        destination.limit_.succeeded();
        destination.failing_ = false;
        destination.window_count_ += items;
        if (destination.window_start_ == SteadyTime{})
            destination.window_start_ = now;
        if (const auto past = now - destination.window_start_; past >= rate_window) {
            destination.rate_ = static_cast<double>(destination.window_count_) / seconds(past);
            destination.window_count_ = 0;
            destination.window_start_ = now;
        }
        if (destination.limit_.value() > before && destination.starting_ < destination.waiting_.size()) {
            const auto found = destinations_.find(destination.key);
            if (found != destinations_.end() && found->second.get() == &destination)
                list(found->second);
            wake = true;
        }
    }
    if (wake)
        wake_->fire();
}

void Board::failed(Destination& destination) {
    const std::lock_guard lock(mutex_);
    destination.limit_.failed();
    destination.failing_ = true;
    destination.rate_ = 0;
}

void Board::ended(const std::shared_ptr<Destination>& destination, bool fresh) {
    {
        const std::lock_guard lock(mutex_);
        if (fresh && destination->starting_ > 0)
            --destination->starting_;
        --destination->connections_;
        --connections_;
        if (!destination->waiting_.empty())
            list(destination);
    }
    wake_->fire();
}

void Board::finished(std::span<const store::AttemptResult> results) {
    bool had_no_room = false;
    {
        const std::lock_guard lock(mutex_);
        had_no_room = in_hand_.size() >= most_items;
        for (const store::AttemptResult& result : results)
            in_hand_.erase(result.id);
    }
    if (had_no_room)
        wake_->fire();
}

void Board::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (const auto& [key, destination] : destinations_) {
        for (const auto& waiter : destination->idle_)
            waiter->fire();
        destination->idle_.clear();
    }
}

bool Board::is_closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
}

void Board::sweep() {
    std::erase_if(destinations_, [](const auto& entry) {
        return entry.second->connections_ == 0 && entry.second->waiting_.empty() && !entry.second->listed_;
    });
}

} // namespace mail::queue
