// Helpers of the network tests: running several coroutines on one loop, free ports, temporary folders.
#pragma once

#include "common/async/runtime.hpp"
#include "common/net/listener.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace mail::net {

/// Runs all tasks on one loop until they end. Fails the test (throws) after 20 s.
void run_all(std::vector<Task<void>> tasks);
/// The executor run_all will use for the next call, for listeners and resolvers made beforehand.
class Loop {
  public:
    Loop();
    ~Loop();
    [[nodiscard]] async::Executor executor() const;
    void add(Task<void> task);
    /// Until all added tasks have ended.
    void run();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

/// A listener on 127.0.0.1 below the ephemeral ports.
[[nodiscard]] std::unique_ptr<Listener> open_loopback(const async::Executor& executor);

struct TempFolder {
    TempFolder();
    ~TempFolder();
    std::filesystem::path path;
    [[nodiscard]] std::string file(const std::string& name) const { return (path / name).string(); }
};

/// A connected pair over real sockets: `client` connects to `listener`.
struct Pair {
    std::unique_ptr<Stream> server;
    std::unique_ptr<Stream> client;
};
[[nodiscard]] Task<Pair> connect_pair(Listener& listener);
/// Reads until `size` bytes came or the stream ended.
[[nodiscard]] Task<std::string> read_exactly(Stream& stream, std::size_t size);
[[nodiscard]] Task<std::string> read_to_end(Stream& stream);

} // namespace mail::net
