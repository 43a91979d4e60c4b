#include "common/base/log.hpp"

#include "common/base/text.hpp"
#include "common/base/time.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <new>
#include <poll.h>
#include <pthread.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace mail {
namespace {

constexpr LogLevel debug = LogLevel::debug, info = LogLevel::info, warn = LogLevel::warn, error = LogLevel::error;
constexpr EventInfo table[] = {
#define MAIL_EVENT(id, level, sentence, action) {#id, level, sentence, action},
#include "common/base/events.def"
#undef MAIL_EVENT
};
constexpr std::size_t ring_size = 10000;
constexpr std::size_t backlog_bytes = 4 << 20;
/// After a write the next lines are gathered for so long: a wake-up per line costs more than the line.
constexpr auto gather = std::chrono::milliseconds(5);
/// A pipe that has room takes so much without making the writer wait (POSIX: PIPE_BUF), and polling for room is not waiting
/// for ever: at the end nobody waits for a reader of the log.
constexpr std::size_t write_piece = 4096;
constexpr int poll_ms = 200;
constexpr std::size_t longest_kept_value = 1024;

/// A record of the ring in one block: fields as key, zero, four bytes of length, value.
struct Kept {
    std::int64_t at = 0;
    Event event{};
    std::string fields;
};

void keep(std::string& out, std::string_view key, std::string_view value) {
    value = value.substr(0, longest_kept_value);
    const auto length = static_cast<std::uint32_t>(value.size());
    out.append(key).push_back('\0');
    out.append(reinterpret_cast<const char*>(&length), sizeof length).append(value);
}

LogRecord unpack(const Kept& kept, std::uint64_t sequence) {
    LogRecord out;
    out.sequence = sequence;
    out.at = kept.at;
    out.event = kept.event;
    std::string_view left = kept.fields;
    while (!left.empty()) {
        const std::size_t end = left.find('\0');
        std::string key(left.substr(0, end));
        std::uint32_t length = 0;
        std::memcpy(&length, left.data() + end + 1, sizeof length);
        left.remove_prefix(end + 1 + sizeof length);
        out.fields.emplace_back(std::move(key), left.substr(0, length));
        left.remove_prefix(length);
    }
    return out;
}

/// Owns the writer thread; stderr may be a pipe that nobody reads, so callers never write to it themselves.
class Writer {
  public:
    Writer() { ::pthread_atfork(before_fork, after_fork_here, after_fork_in_child); }
    ~Writer() { stop(); }

    void add(Kept record, std::string_view line) {
        const std::lock_guard lock(mutex_);
        if (ring_.size() < ring_size)
            ring_.push_back(std::move(record));
        else
            ring_[sequence_ % ring_size] = std::move(record);
        ++sequence_;
        if (line.empty())
            return;
        if (!thread_.joinable() && !stopped_)
            start_thread();
        if (pending_.size() + line.size() > backlog_bytes) {
            ++dropped_;
            return;
        }
        pending_ += line;
        if (idle_)
            wake_.notify_one();
    }

    void flush() {
        std::unique_lock lock(mutex_);
        hurry_ = true;
        wake_.notify_one();
        if (thread_.joinable())
            drained_.wait_for(lock, std::chrono::seconds(1), [this] { return pending_.empty() && idle_; });
    }

    std::vector<LogRecord> recent(std::uint64_t after, std::size_t max) {
        const std::lock_guard lock(mutex_);
        std::vector<LogRecord> out;
        const std::uint64_t first = sequence_ - ring_.size();
        for (std::uint64_t at = std::max(after, first); at < sequence_ && out.size() < max; ++at)
            out.push_back(unpack(ring_[at % ring_size], at + 1));
        return out;
    }

  private:
    // A child must not find the mutex locked by a thread that it does not have. It begins with no line waiting and starts a
    // thread of its own with the first.
    static void before_fork();
    static void after_fork_here();
    static void after_fork_in_child();

    /// Without a thread the lines wait; the next one tries again.
    void start_thread() {
        try {
            thread_ = std::thread([this] { run(); });
        } catch (const std::system_error&) {
        }
    }

    void stop() {
        flush();
        {
            const std::lock_guard lock(mutex_);
            stopped_ = true;
            stopping_ = true;
            wake_.notify_one();
        }
        if (thread_.joinable())
            thread_.join();
    }

    void run() {
        std::string batch;
        std::unique_lock lock(mutex_);
        while (!stopped_) {
            if (pending_.empty()) {
                idle_ = true;
                hurry_ = false;
                drained_.notify_all();
                wake_.wait(lock);
                continue;
            }
            idle_ = false;
            batch.clear();
            batch.swap(pending_);
            if (dropped_ != 0)
                batch += "level=warn event=log_dropped lines=" + std::to_string(std::exchange(dropped_, 0)) + '\n';
            lock.unlock();
            const std::size_t lost = write_all(batch);
            lock.lock();
            dropped_ += lost;
            wake_.wait_for(lock, gather, [this] { return stopped_ || hurry_; });
        }
    }

    /// Returns how many lines could not be written: the log's disk is full, or nobody reads it any more.
    std::size_t write_all(std::string_view batch) {
        while (!batch.empty()) {
            pollfd room{STDERR_FILENO, POLLOUT, 0};
            const int ready = ::poll(&room, 1, poll_ms);
            if (ready == 0 && stopping_)
                break;
            if (ready == 0 || (ready < 0 && errno == EINTR))
                continue;
            const ssize_t n = ::write(STDERR_FILENO, batch.data(), std::min(batch.size(), write_piece));
            if (n < 0 && (errno == EINTR || errno == EAGAIN))
                continue;
            if (n <= 0)
                break;
            batch.remove_prefix(static_cast<std::size_t>(n));
        }
        return static_cast<std::size_t>(std::count(batch.begin(), batch.end(), '\n'));
    }

    std::mutex mutex_;
    std::condition_variable wake_, drained_;
    std::vector<Kept> ring_; ///< record n, counted from 0, is at n modulo its size
    std::string pending_;
    std::uint64_t sequence_ = 0;
    std::uint64_t dropped_ = 0;
    std::thread thread_;
    bool idle_ = false;
    bool stopped_ = false;
    std::atomic<bool> stopping_{false}; ///< the same, for who does not hold the mutex
    bool hurry_ = false; ///< somebody waits in flush()
};

Writer& writer() {
    static Writer instance;
    return instance;
}

void Writer::before_fork() { writer().mutex_.lock(); }
void Writer::after_fork_here() { writer().mutex_.unlock(); }
void Writer::after_fork_in_child() {
    Writer& self = writer();
    self.pending_.clear();
    self.idle_ = false;
    // Not destroyed before: that would wait for the parent's thread.
    new (&self.thread_) std::thread();
    new (&self.wake_) std::condition_variable();
    new (&self.drained_) std::condition_variable();
    self.mutex_.unlock();
}

std::atomic<LogLevel> threshold{LogLevel::info};
std::array<std::atomic<std::uint64_t>, std::size(table)> counters;

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warn", "error"};

void append_value(std::string& line, std::string_view value) {
    bool plain = !value.empty();
    for (char c : value)
        plain = plain && c > ' ' && c < 0x7F && c != '"' && c != '=' && c != '\\';
    if (plain)
        line += value;
    else
        line += '"' + text::escape(value) + '"';
}

} // namespace

const EventInfo& info_of(Event event) noexcept { return table[static_cast<std::size_t>(event)]; }
std::span<const EventInfo> all_events() noexcept { return table; }

void log(Event event, std::initializer_list<LogField> fields) {
    const auto& about = info_of(event);
    counters[static_cast<std::size_t>(event)].fetch_add(1, std::memory_order_relaxed);
    if (about.level < threshold.load(std::memory_order_relaxed))
        return;
    const Time now = system_clock().now();
    std::string line;
    line.reserve(384);
    line += "ts=";
    line += format_rfc3339(now);
    line += " level=";
    line += level_names[static_cast<std::size_t>(about.level)];
    line += " event=";
    line += about.id;
    Kept record{to_micros(now), event, {}};
    record.fields.reserve(256);
    for (const auto& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        append_value(line, field.value.text);
        keep(record.fields, field.key, field.value.text);
    }
    line += '\n';
    writer().add(std::move(record), line);
}

void set_log_level(LogLevel level) noexcept { threshold.store(level, std::memory_order_relaxed); }
void flush_log() noexcept { writer().flush(); }
std::uint64_t event_count(Event event) noexcept {
    return counters[static_cast<std::size_t>(event)].load(std::memory_order_relaxed);
}
std::vector<LogRecord> recent_log(std::uint64_t after, std::size_t max) { return writer().recent(after, max); }

} // namespace mail
