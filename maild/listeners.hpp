// Listeners: keeps the open sockets what the `listener` resources say. A changed setting holds for new sessions; a changed
// address opens the new socket and closes the old; sessions stay open in every case, until end_sessions().
#pragma once

#include "common/async/runtime.hpp"
#include "common/net/listener.hpp"
#include "maild/certificates.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/session_ends.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace mail {

/// What a new session needs to know of its listener. Immutable.
struct ListenerSettings {
    schema::Listener spec;
    std::string hostname;
    std::uint64_t message_size = 0;
    std::shared_ptr<const net::TlsServer> tls; ///< null without TLS
    std::vector<schema::Network> allow_from;   ///< parsed, as the following
    std::vector<schema::Network> proxy_from;
    std::function<bool()> is_overloaded; ///< whether this listener, or the whole server, has too many connections
};

/// Runs one session of the listener's protocol; `id` is its sid.
using SessionRunner =
    std::function<Task<void>(std::shared_ptr<const ListenerSettings>, std::unique_ptr<net::Stream>, std::string id)>;

class Listeners {
  public:
    Listeners(async::Runtime& runtime, async::TaskGroup& sessions, Certificates& certificates,
              const net::InheritedSockets& inherited, SessionRunner runner);
    ~Listeners();

    /// Called by the reconciler alone.
    void reconcile(const service::ConfigSnapshot& config);
    /// Stops accepting everywhere; sessions go on.
    void close();
    /// Asks every session, of whatever listener, to end; whoever still connects is asked at once. Thread-safe.
    void end_sessions() { ends_->end_all(); }

    struct Status {
        std::string name, protocol, bind;
        bool open = false;
        std::uint16_t port = 0;
        std::size_t sessions = 0;
        bool overloaded = false;
        std::string problem; ///< why it is not open, or empty
    };
    /// Thread-safe.
    [[nodiscard]] std::vector<Status> status() const;
    /// The first thing that is wrong, or empty; for the start, which fails on it.
    [[nodiscard]] std::string first_problem() const;

  private:
    struct Running;
    void open(const std::string& name, Running& running);
    static Task<void> accept(std::shared_ptr<Running> running, std::shared_ptr<net::ConnectionBudget> whole, std::size_t socket,
                             async::Runtime& runtime, async::TaskGroup& sessions);
    static Task<void> session(std::shared_ptr<Running> running, std::unique_ptr<net::Stream> stream);
    /// The settings of a new session; `problem` says what is wrong with its TLS.
    [[nodiscard]] std::shared_ptr<ListenerSettings> settings_of(const schema::Listener& spec, const service::ConfigSnapshot& config,
                                                                std::string& problem) const;

    async::Runtime& runtime_;
    async::TaskGroup& sessions_;
    Certificates& certificates_;
    const net::InheritedSockets& inherited_;
    std::shared_ptr<const SessionRunner> runner_;
    std::shared_ptr<SessionEnds> ends_ = std::make_shared<SessionEnds>();
    async::TaskGroup accepting_;
    std::shared_ptr<net::ConnectionBudget> budget_;
    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Running>> running_;
};

} // namespace mail
