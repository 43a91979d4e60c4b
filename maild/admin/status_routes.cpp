// Status, metrics, the log's tail and the watch stream.
#include "common/async/signal.hpp"
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "maild/admin/api.hpp"
#include "maild/admin/reply.hpp"

#include <boost/json.hpp>
#include <deque>
#include <mutex>

namespace mail::admin {
namespace json = boost::json;
namespace {

constexpr auto heartbeat = std::chrono::seconds(15);
constexpr auto log_poll = std::chrono::milliseconds(200);
constexpr std::size_t watch_backlog = 10000;
constexpr std::string_view level_names[] = {"debug", "info", "warn", "error"};
constexpr std::string_view queue_states[] = {"ready", "active", "deferred", "held"};

Task<Result<json::object>> queue_counts(store::QueueStore& queue) {
    json::object out;
    for (const auto state : queue_states) {
        store::QueueFilter filter;
        filter.conditions.push_back({"status", '=', std::string(state)});
        MAIL_CO_TRY(const auto n, co_await queue.count(std::move(filter)));
        out[state] = n;
    }
    co_return out;
}

json::object record_json(const LogRecord& record) {
    json::object fields;
    for (const auto& [key, value] : record.fields)
        fields[key] = value;
    json::object out;
    out["sequence"] = record.sequence;
    out["at"] = format_rfc3339(from_micros(record.at));
    out["level"] = level_names[static_cast<std::size_t>(info_of(record.event).level)];
    out["event"] = info_of(record.event).id;
    out["fields"] = std::move(fields);
    return out;
}

/// NDJSON of log records, then live ones until the client or the server ends it.
class LogTail final : public net::HttpBodySource {
  public:
    LogTail(std::uint64_t since, std::size_t limit, bool follow, std::string event, std::function<bool()> stopping)
        : since_(since), limit_(limit), follow_(follow), event_(std::move(event)), stopping_(std::move(stopping)) {}

    Task<Result<void>> run(net::HttpBodyWriter& out) override {
        std::size_t written = 0;
        while (!stopping_()) {
            const auto records = recent_log(since_, 500);
            std::string lines;
            for (const auto& record : records) {
                since_ = record.sequence;
                if (!event_.empty() && info_of(record.event).id != event_)
                    continue;
                if (limit_ != 0 && written++ >= limit_)
                    break;
                lines += json::serialize(record_json(record)) + "\n";
            }
            if (!lines.empty()) {
                MAIL_CO_DO(co_await out.write(lines));
            }
            if (limit_ != 0 && written >= limit_)
                break;
            if (records.empty() && !follow_)
                break;
            if (records.empty())
                co_await async::sleep_for(log_poll);
        }
        co_return Result<void>{};
    }

  private:
    std::uint64_t since_;
    std::size_t limit_;
    bool follow_;
    std::string event_;
    std::function<bool()> stopping_;
};

/// NDJSON of committed changes. A client too slow for its backlog is cut off and starts again.
class Watch final : public net::HttpBodySource {
  public:
    Watch(service::ChangeBus& bus, std::string kinds, std::function<bool()> stopping)
        : stopping_(std::move(stopping)), state_(std::make_shared<State>()) {
        for (const auto kind : text::split(kinds, ','))
            if (!kind.empty())
                state_->kinds.emplace_back(kind);
        token_ = bus.watch_all([state = state_](const store::Changes& changes) { state->note(changes); });
    }

    Task<Result<void>> run(net::HttpBodyWriter& out) override {
        MAIL_CO_DO(co_await out.write("{\"type\":\"sync\"}\n"));
        while (!stopping_()) {
            std::string lines = state_->take();
            if (lines.empty()) {
                const bool woken = co_await state_->signal.wait_for(heartbeat);
                if (woken)
                    continue;
                lines = "{\"type\":\"heartbeat\"}\n";
            }
            MAIL_CO_DO(co_await out.write(lines));
            if (state_->overflown())
                co_return fail(ErrorCode::closed, "the client reads too slowly");
        }
        co_return Result<void>{};
    }

  private:
    struct State {
        std::mutex mutex;
        std::deque<std::string> lines;
        bool lost = false;
        std::vector<std::string> kinds;
        async::Signal signal;

        bool wants(std::string_view kind) const {
            return kinds.empty() || std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
        }
        void note(const store::Changes& changes) {
            {
                const std::lock_guard lock(mutex);
                if (lines.size() >= watch_backlog) {
                    lost = true;
                    return;
                }
                for (const auto& resource : changes.resources) {
                    const auto slash = resource.find('/');
                    const auto kind = resource.substr(0, slash);
                    if (wants(kind))
                        lines.push_back(json::serialize(json::object{{"type", "change"},
                                                                     {"kind", kind},
                                                                     {"name", resource.substr(slash + 1)},
                                                                     {"revision", changes.revision}}));
                }
                if (changes.queue && wants("queue"))
                    lines.push_back("{\"type\":\"change\",\"kind\":\"queue\"}");
                if (lines.empty())
                    return;
            }
            signal.fire();
        }
        std::string take() {
            const std::lock_guard lock(mutex);
            std::string out;
            for (const auto& line : lines)
                out += line + "\n";
            lines.clear();
            return out;
        }
        bool overflown() {
            const std::lock_guard lock(mutex);
            return lost;
        }
    };

    std::function<bool()> stopping_;
    std::shared_ptr<State> state_;
    service::ChangeBus::Token token_;
};

net::HttpResponse stream(std::unique_ptr<net::HttpBodySource> source) {
    net::HttpResponse out;
    out.headers.set("Content-Type", "application/x-ndjson");
    out.source = std::move(source);
    return out;
}

} // namespace

Task<net::HttpResponse> Api::status() {
    auto body = services_.server.status();
    auto counts = co_await queue_counts(services_.store.queue());
    if (!counts)
        co_return problem_reply(counts.error());
    body["queue"] = std::move(*counts);
    co_return json_reply(body);
}

Task<net::HttpResponse> Api::metrics() {
    std::string out = "# HELP maild_events_total Log events since the start.\n# TYPE maild_events_total counter\n";
    for (std::size_t i = 0; i < all_events().size(); ++i) {
        const auto event = static_cast<Event>(i);
        out += "maild_events_total{event=\"" + std::string(info_of(event).id) + "\"} " +
               std::to_string(event_count(event)) + "\n";
    }
    const auto counts = co_await queue_counts(services_.store.queue());
    if (counts) {
        out += "# HELP maild_queue_items Recipients in the outbound queue.\n# TYPE maild_queue_items gauge\n";
        for (const auto& [state, n] : *counts)
            out += "maild_queue_items{status=\"" + std::string(state) + "\"} " + json::serialize(n) + "\n";
    }
    const auto stats = services_.store.stats();
    const auto line = [&](std::string_view name, std::string_view type, std::string_view help, std::uint64_t value) {
        out += "# HELP " + std::string(name) + " " + std::string(help) + "\n# TYPE " + std::string(name) + " " +
               std::string(type) + "\n" + std::string(name) + " " + std::to_string(value) + "\n";
    };
    line("maild_store_commits_total", "counter", "Group commits.", stats.commits);
    line("maild_store_transactions_total", "counter", "Transactions in those commits.", stats.transactions);
    line("maild_store_segment_syncs_total", "counter", "Syncs of message segments.", stats.segment_syncs);
    line("maild_store_waiting", "gauge", "Transactions waiting for the writer.", stats.waiting);
    line("maild_store_longest_turn_microseconds", "gauge", "Longest time the writer was busy with one batch.", stats.longest_turn);
    line("maild_store_free_bytes", "gauge", "Free bytes of the store's file system.", stats.free_bytes);
    line("maild_store_stalled", "gauge", "Whether the disk does not answer.", stats.stalled ? 1U : 0U);
    line("maild_store_failed", "gauge", "Whether nothing is written any more after an I/O error.", stats.failed ? 1U : 0U);
    out += services_.server.metrics();
    net::HttpResponse response;
    response.headers.set("Content-Type", "text/plain; version=0.0.4");
    response.body = std::move(out);
    co_return response;
}

net::HttpResponse Api::reindex(const net::HttpRequest& request) {
    if (request.method != "POST")
        return method_not_allowed("POST");
    if (!services_.server.reindex)
        return problem_reply(Error{ErrorCode::unsupported, "this server keeps no search index", ""});
    services_.server.reindex();
    return json_reply(json::object{{"state", "building"}}, 202);
}

net::HttpResponse Api::log_tail(const net::HttpRequest& request) {
    if (const auto known = check_query(request, {"since", "follow", "event", "limit"}); !known)
        return problem_reply(known.error());
    const auto limit = limit_of(request);
    if (!limit)
        return problem_reply(limit.error());
    const auto since = text::number<std::uint64_t>(request.parameter("since")).value_or(0);
    return stream(std::make_unique<LogTail>(since, *limit, request.parameter("follow") == "1",
                                            std::string(request.parameter("event")), services_.stopping));
}

net::HttpResponse Api::watch(const net::HttpRequest& request) {
    if (const auto known = check_query(request, {"kinds", "since"}); !known)
        return problem_reply(known.error());
    return stream(std::make_unique<Watch>(services_.bus, std::string(request.parameter("kinds")), services_.stopping));
}

} // namespace mail::admin
