// A queue at work for tests: the scheduler over the in-memory store, fake DNS, a clock that tests move, and remote hosts
// in memory whose behaviour is set by address. No socket is opened.
#pragma once

#include "common/net/dns_fake.hpp"
#include "maild/queue/scheduler.hpp"
#include "maild/store/memory/memory_store.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <mutex>

namespace mail::test {

class MovableClock final : public Clock {
  public:
    [[nodiscard]] Time now() const override { return Time{Duration{now_.load()}}; }
    [[nodiscard]] SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
    void advance(Duration by) { now_ += by.count(); }

  private:
    std::atomic<std::int64_t> now_{1'700'000'000'000'000};
};

/// How a host answers.
struct Host {
    enum class Mode : unsigned char { up, refused, black_hole };
    Mode mode = Mode::up;
    std::string capabilities = "250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 52428800\r\n";
    std::string greeting = "220 sink ESMTP";
    std::string mail_reply = "250 ok";
    std::function<std::string(const std::string& recipient)> rcpt_reply; ///< null: 250
    std::string final_reply = "250 2.0.0 queued"; ///< empty: cuts the connection before it
    std::size_t messages_per_connection = 0;      ///< then it closes without a word; 0: no end
    bool tls_breaks = false;                      ///< STARTTLS is offered and the handshake fails
};

struct Delivered {
    std::string sender;
    std::vector<std::string> recipients;
    std::string content;
};

class QueueWorld {
  public:
    explicit QueueWorld(queue::SchedulerOptions options = {});
    ~QueueWorld();

    MovableClock clock;
    std::shared_ptr<net::FakeResolver> dns = std::make_shared<net::FakeResolver>();
    std::unique_ptr<store::Store> store;
    std::unique_ptr<queue::Scheduler> scheduler;

    /// `domain` gets the host at `address` as its exchanger.
    void add_domain(const std::string& domain, const std::string& address, Host host = {});
    void set_host(const std::string& address, Host host);
    void set_routes(queue::RouteTable routes);
    /// All of the configuration; names and postmaster are set.
    void set_config(queue::OutboundConfig config);
    /// What the observer was told.
    [[nodiscard]] std::vector<queue::Attempted> attempts();
    /// One message for all recipients; returns its id.
    Id enqueue(const std::string& sender, const std::vector<std::string>& recipients,
               const std::string& content = "Subject: test\r\n\r\nbody\r\n", std::uint8_t notify = 0);
    [[nodiscard]] std::vector<store::QueueItem> queue();
    /// Waits until `condition` holds, at most `seconds`.
    [[nodiscard]] bool eventually(const std::function<bool()>& condition, int seconds = 10);
    [[nodiscard]] bool drains(int seconds = 10);
    /// Nothing is in hand.
    [[nodiscard]] bool settles(int seconds = 10);

    [[nodiscard]] std::vector<Delivered> delivered();
    [[nodiscard]] std::vector<std::string> reports();
    [[nodiscard]] std::size_t connections_to(const std::string& address);
    [[nodiscard]] std::size_t most_at_once(const std::string& address);
    void set_report_failure(std::optional<Error> failure);

  private:
    struct State;
    std::shared_ptr<State> state_;
    async::Runtime runtime_{2};
    std::unique_ptr<net::TlsClient, void (*)(net::TlsClient*)> tls_;
};

} // namespace mail::test
