// Listener: one bound socket that accepts connections. accept_loop hands each to an I/O thread, in turn, and runs the
// given session there for the connection's whole life.
// Promises: running out of descriptors pauses accepting (event accept_paused) and never spins; close() leaves the
// sessions alone; a Unix socket file is removed only when it is ours.
#pragma once

#include "common/async/runtime.hpp"
#include "common/net/connection_budget.hpp"
#include "common/net/inherited.hpp"
#include "common/net/stream.hpp"

#include <functional>
#include <optional>
#include <vector>

#include <sys/types.h>

namespace mail::net {

struct ListenOptions {
    int backlog = 1024;
    mode_t unix_mode = 0660;       ///< mode of a Unix socket's file
    std::optional<gid_t> unix_group; ///< group of a Unix socket's file
    const InheritedSockets* inherited = nullptr; ///< where "fd:N" comes from
};

class Listener {
  public:
    /// Binds and listens. `executor` is where accepting happens. Errors: conflict (in use), denied, invalid, unavailable.
    [[nodiscard]] static Result<std::unique_ptr<Listener>> open(const async::Executor& executor, const BindAddress& address,
                                                                ListenOptions options = {});
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// The next connection; the stream belongs to `owner`. Errors: closed after close(), temporary when descriptors
    /// or memory ran out. Call on the listener's own executor.
    [[nodiscard]] Task<Result<std::unique_ptr<Stream>>> accept(async::Executor owner);
    /// The same with the stream on the listener's own executor.
    [[nodiscard]] Task<Result<std::unique_ptr<Stream>>> accept();
    /// Stops accepting at once; the port is free when it returns. Thread-safe.
    void close() noexcept;
    /// The bound port, also when port 0 was asked for; 0 for Unix sockets.
    [[nodiscard]] std::uint16_t port() const noexcept;
    [[nodiscard]] const BindAddress& address() const noexcept;

  private:
    struct State;
    explicit Listener(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

/// Runs one session. Called on the connection's I/O thread; must not itself be a capturing coroutine lambda.
using SessionStarter = std::function<Task<void>(std::unique_ptr<Stream>)>;

struct AcceptOptions {
    std::shared_ptr<ConnectionBudget> budget; ///< null: no limit
    std::string name;                         ///< the listener's name in log lines
    std::string refusal; ///< sent before closing when over budget, for example "421 ...\r\n"; empty: just close
    std::shared_ptr<ConnectionBudget> whole = {}; ///< of all listeners together, of which this one's is a part; null: no limit
};

/// Accepts until close(); run it on the listener's own executor, usually in a TaskGroup of its own. `listener`,
/// `runtime` and `sessions` outlive it.
[[nodiscard]] Task<void> accept_loop(Listener& listener, async::Runtime& runtime, async::TaskGroup& sessions,
                                     SessionStarter start, AcceptOptions options);

/// Who is at the other end of a Unix socket, as it was when it connected. For rights use uid and groups; pid is for
/// the audit line only, since pids are reused.
struct PeerCredentials {
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0;
    std::vector<gid_t> groups; ///< supplementary groups
};
/// Null for streams that are not Unix sockets.
[[nodiscard]] std::optional<PeerCredentials> peer_credentials(const Stream& stream);

} // namespace mail::net
