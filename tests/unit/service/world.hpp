// A directory over a store in memory, for tests of the services: objects come in as YAML would give them.
#pragma once

#include "common/async/runtime.hpp"
#include "maild/service/directory.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/store/store.hpp"
#include "tests/catch.hpp"

#include <memory>
#include <string>

namespace mail::service::test {

/// Runs a task to its end and gives its value.
template <class T> Task<void> keep(Task<T> task, T& out) { out = co_await std::move(task); }
template <class T> T run(Task<T> task) {
    T out;
    async::run_until_done(keep(std::move(task), out));
    return out;
}

class World {
  public:
    explicit World(const Clock& clock = system_clock());
    ~World();
    /// `spec` is JSON; the address index follows from the kind, as it does on the admin socket.
    void add(std::string_view kind, const std::string& name, std::string_view spec = "{}");
    /// "ann@example.test,x@remote.test" of an address, or the error's word and message.
    [[nodiscard]] std::string resolve(std::string_view address);
    [[nodiscard]] ResolutionPtr resolution(std::string_view address);
    [[nodiscard]] MailboxPtr mailbox(std::string_view key);
    [[nodiscard]] std::string steps(std::string_view address);

    std::unique_ptr<store::Store> store;
    Config config;
    Directory directory;
};

} // namespace mail::service::test
