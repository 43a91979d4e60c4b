#include "tests/unit/queue/queue_world.hpp"

#include "common/base/text.hpp"
#include "common/net/memory_stream.hpp"
#include "common/net/reader.hpp"
#include "common/net/tls_context.hpp"
#include "tests/catch.hpp"

#include <boost/asio/this_coro.hpp>
#include <thread>

namespace mail::test {

struct QueueWorld::State final : queue::AttemptObserver {
    std::mutex mutex;
    std::map<std::string, Host> hosts; ///< by address
    std::vector<Delivered> delivered;
    std::vector<std::string> reports;
    std::map<std::string, std::size_t> connections;
    std::map<std::string, std::size_t> open;
    std::map<std::string, std::size_t> most;
    std::shared_ptr<const queue::OutboundConfig> config;
    std::optional<Error> report_failure;
    const Clock* clock = nullptr;
    async::TaskGroup servers;
    std::vector<queue::Attempted> attempts;

    void attempted(const queue::Attempted& attempt) noexcept override {
        const std::lock_guard lock(mutex);
        attempts.push_back(attempt);
    }

    Host host(const std::string& address) {
        const std::lock_guard lock(mutex);
        const auto found = hosts.find(address);
        if (found != hosts.end())
            return found->second;
        Host nobody;
        nobody.mode = Host::Mode::refused;
        return nobody;
    }
    void count(const std::string& address, bool opened) {
        const std::lock_guard lock(mutex);
        if (!opened) {
            --open[address];
            return;
        }
        ++connections[address];
        most[address] = std::max(most[address], ++open[address]);
    }
};

namespace {

/// A stream whose TLS handshake fails.
class NoTls final : public net::Stream {
  public:
    explicit NoTls(std::unique_ptr<net::Stream> inner) : inner_(std::move(inner)) {}
    Task<Result<std::size_t>> read_some(std::span<char> buffer) override { co_return co_await inner_->read_some(buffer); }
    Task<Result<void>> write(std::string_view data) override { co_return co_await inner_->write(data); }
    Task<Result<void>> start_tls(const net::TlsServer& /*server*/) override {
        co_return fail(ErrorCode::unavailable, "handshake");
    }
    Task<Result<void>> start_tls(const net::TlsClient& /*client*/, net::TlsExpectation /*expectation*/) override {
        co_return fail(ErrorCode::unavailable, "handshake");
    }
    void set_timeout(Duration after) override { inner_->set_timeout(after); }
    Task<void> shutdown() override { co_await inner_->shutdown(); }
    void close() noexcept override { inner_->close(); }
    const net::Peer& peer() const noexcept override { return inner_->peer(); }
    const net::Peer& local() const noexcept override { return inner_->local(); }
    const net::TlsInfo* tls() const noexcept override { return inner_->tls(); }
    std::function<void()> closer() override { return inner_->closer(); }

  private:
    std::unique_ptr<net::Stream> inner_;
};

/// One SMTP session of a remote host.
struct Sink {
    Sink(std::unique_ptr<net::Stream> the_stream, Host the_host)
        : stream(std::move(the_stream)), reader(*stream), host(std::move(the_host)) {}
    std::unique_ptr<net::Stream> stream;
    net::Reader reader;
    Host host;
    Delivered now;
    std::vector<Delivered> done;
    std::size_t messages = 0;
};

std::string path_of(const std::string& line) {
    const std::size_t begin = line.find('<');
    const std::size_t end = line.rfind('>');
    return begin == line.npos || end == line.npos ? std::string() : line.substr(begin + 1, end - begin - 1);
}

Task<bool> take_message(Sink& sink) {
    auto go = co_await sink.stream->write("354 go\r\n");
    if (!go)
        co_return false;
    for (;;) {
        const std::string_view buffered = sink.reader.buffered();
        const std::size_t end = buffered.find("\r\n.\r\n");
        if (end != buffered.npos) {
            sink.now.content = std::string(buffered.substr(0, end + 2));
            sink.reader.consume(end + 5);
            break;
        }
        auto more = co_await sink.reader.fill();
        if (!more || !*more)
            co_return false;
    }
    sink.done.push_back(std::move(sink.now));
    sink.now = {};
    ++sink.messages;
    if (sink.host.final_reply.empty())
        co_return false;
    auto written = co_await sink.stream->write(sink.host.final_reply + "\r\n");
    co_return written && sink.messages != sink.host.messages_per_connection;
}

/// False: the session is over.
Task<bool> answer(Sink& sink, const std::string& line) {
    std::string reply = "250 ok";
    if (text::istarts_with(line, "EHLO")) {
        reply = "250-sink\r\n" + sink.host.capabilities + (sink.host.tls_breaks ? "250-STARTTLS\r\n" : "") + "250 HELP";
    } else if (text::istarts_with(line, "STARTTLS")) {
        reply = "220 go";
    } else if (text::istarts_with(line, "MAIL")) {
        sink.now = {path_of(line), {}, {}};
        reply = sink.host.mail_reply;
    } else if (text::istarts_with(line, "RCPT")) {
        const std::string recipient = path_of(line);
        reply = sink.host.rcpt_reply ? sink.host.rcpt_reply(recipient) : "250 ok";
        if (reply.starts_with('2'))
            sink.now.recipients.push_back(recipient);
    } else if (text::istarts_with(line, "DATA")) {
        if (!sink.now.recipients.empty())
            co_return co_await take_message(sink);
        reply = "554 no recipients";
    } else if (text::istarts_with(line, "QUIT")) {
        auto last = co_await sink.stream->write("221 bye\r\n");
        (void)last;
        co_return false;
    }
    auto written = co_await sink.stream->write(reply + "\r\n");
    co_return written.has_value() && !reply.starts_with("421");
}

template <class State> Task<void> serve(std::shared_ptr<State> state, std::unique_ptr<net::Stream> stream, std::string address) {
    Sink sink(std::move(stream), state->host(address));
    auto greeted = co_await sink.stream->write(sink.host.greeting + "\r\n");
    bool goes_on = greeted.has_value();
    while (goes_on) {
        auto line = co_await sink.reader.line(10'000);
        if (!line)
            break;
        goes_on = co_await answer(sink, *line);
        const std::lock_guard lock(state->mutex);
        std::move(sink.done.begin(), sink.done.end(), std::back_inserter(state->delivered));
        sink.done.clear();
    }
    {
        const std::lock_guard lock(state->mutex);
        std::move(sink.done.begin(), sink.done.end(), std::back_inserter(state->delivered));
    }
    sink.stream->close();
    state->count(address, false);
}

template <class State>
Task<Result<std::unique_ptr<net::Stream>>> connect_to(std::shared_ptr<State> state, std::string address, Duration timeout) {
    const Host host = state->host(address);
    if (host.mode == Host::Mode::refused) {
        state->count(address, true);
        state->count(address, false);
        co_return fail(ErrorCode::unavailable, "connection refused");
    }
    state->count(address, true);
    if (host.mode == Host::Mode::black_hole) {
        co_await async::sleep_for(timeout);
        state->count(address, false);
        co_return fail(ErrorCode::timeout, "no answer");
    }
    auto executor = co_await boost::asio::this_coro::executor;
    net::MemoryOptions options;
    options.peer_address = address;
    auto ends = net::make_memory_pair(options);
    state->servers.spawn(executor, serve(state, std::move(ends.first), address));
    if (host.tls_breaks)
        co_return std::unique_ptr<net::Stream>(std::make_unique<NoTls>(std::move(ends.second)));
    co_return std::move(ends.second);
}

void drop_client(net::TlsClient* client) { delete client; }

Task<void> accept_one(store::Store& store, store::AcceptPlan plan, Result<store::AcceptReceipt>& receipt) {
    receipt = co_await store.mail().accept(std::move(plan));
}
Task<void> list_all(store::Store& store, Result<std::vector<store::QueueItem>>& items) {
    store::QueueFilter filter;
    items = co_await store.queue().list(std::move(filter));
}

} // namespace

QueueWorld::QueueWorld(queue::SchedulerOptions options)
    : store(store::open_memory(clock)), state_(std::make_shared<State>()), tls_(nullptr, &drop_client) {
    tls_.reset(net::TlsClient::create().value().release());
    set_routes(queue::RouteTable());
    auto& t = options.delivery.timeouts;
    t.greeting = t.ehlo = t.mail = t.rcpt = t.data = t.final_reply = std::chrono::seconds(2);
    options.delivery.linger = std::chrono::milliseconds(100);
    runtime_.start();
    const auto state = state_;
    queue::SchedulerServices services{
        *store, clock,
        [state] {
            const std::lock_guard lock(state->mutex);
            return state->config;
        },
        [resolver = dns] { return resolver; },
        [state, this](const Address& sender, std::string message) -> Result<store::AcceptPlan> {
            const std::lock_guard lock(state->mutex);
            if (state->report_failure)
                return fail(*state->report_failure);
            state->reports.push_back("to " + sender.text() + "\r\n" + message);
            store::AcceptPlan plan;
            plan.message = Id::make(clock.now());
            plan.content.memory = std::make_shared<const std::string>(std::move(message));
            return plan;
        },
        runtime_.executor(0), [this] { return runtime_.next(); }, tls_.get(), nullptr,
        [state](std::string address, std::uint16_t /*port*/, Duration timeout, std::string /*source*/) {
            return connect_to(state, std::move(address), timeout);
        },
        {}, {}, {}, state.get()};
    scheduler = std::make_unique<queue::Scheduler>(std::move(services), options);
    scheduler->start();
}

QueueWorld::~QueueWorld() {
    scheduler->stop(std::chrono::seconds(1));
    state_->servers.close();
    state_->servers.wait(std::chrono::seconds(2));
    runtime_.stop();
}

void QueueWorld::add_domain(const std::string& domain, const std::string& address, Host host) {
    dns->add_mx(domain, 10, "mx." + domain);
    dns->add_address("mx." + domain, address);
    set_host(address, std::move(host));
}

void QueueWorld::set_host(const std::string& address, Host host) {
    const std::lock_guard lock(state_->mutex);
    state_->hosts[address] = std::move(host);
}

void QueueWorld::set_routes(queue::RouteTable routes) {
    queue::OutboundConfig config;
    config.routes = std::move(routes);
    set_config(std::move(config));
}

void QueueWorld::set_config(queue::OutboundConfig given) {
    auto config = std::make_shared<queue::OutboundConfig>(std::move(given));
    config->hostname = "mx.example.test";
    config->postmaster = "postmaster@example.test";
    const std::lock_guard lock(state_->mutex);
    state_->config = std::move(config);
}

std::vector<queue::Attempted> QueueWorld::attempts() {
    const std::lock_guard lock(state_->mutex);
    return state_->attempts;
}

void QueueWorld::set_report_failure(std::optional<Error> failure) {
    const std::lock_guard lock(state_->mutex);
    state_->report_failure = std::move(failure);
}

Id QueueWorld::enqueue(const std::string& sender, const std::vector<std::string>& recipients, const std::string& content,
                       std::uint8_t notify) {
    store::AcceptPlan plan;
    plan.message = Id::make(clock.now());
    plan.content.memory = std::make_shared<const std::string>(content);
    plan.envelope.sender = sender;
    for (const std::string& recipient : recipients)
        plan.queue.push_back({recipient, recipient.substr(recipient.find('@') + 1), {}, notify, clock.now(),
                              clock.now() + queue::default_expiry, false, 0});
    const Id id = plan.message;
    Result<store::AcceptReceipt> receipt;
    async::run_until_done(accept_one(*store, std::move(plan), receipt));
    REQUIRE(receipt);
    return id;
}

std::vector<store::QueueItem> QueueWorld::queue() {
    Result<std::vector<store::QueueItem>> items;
    async::run_until_done(list_all(*store, items));
    REQUIRE(items);
    return std::move(*items);
}

bool QueueWorld::eventually(const std::function<bool()>& condition, int seconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
}

bool QueueWorld::drains(int seconds) {
    return eventually([this] { return queue().empty(); }, seconds);
}

bool QueueWorld::settles(int seconds) {
    return eventually(
        [this] {
            for (const store::QueueItem& item : queue())
                if (item.status == store::QueueStatus::active || item.next_attempt <= clock.now())
                    return false;
            return scheduler->stats().in_hand == 0;
        },
        seconds);
}

std::vector<Delivered> QueueWorld::delivered() {
    const std::lock_guard lock(state_->mutex);
    return state_->delivered;
}
std::vector<std::string> QueueWorld::reports() {
    const std::lock_guard lock(state_->mutex);
    return state_->reports;
}
std::size_t QueueWorld::connections_to(const std::string& address) {
    const std::lock_guard lock(state_->mutex);
    return state_->connections[address];
}
std::size_t QueueWorld::most_at_once(const std::string& address) {
    const std::lock_guard lock(state_->mutex);
    return state_->most[address];
}

} // namespace mail::test
