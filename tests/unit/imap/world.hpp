// World: everything an IMAP session needs, in memory: a store with ann@example.test (password "sesam") and
// bob@example.test, the services over it. talk() runs one scripted connection and returns all the server said.
#pragma once

#include "common/async/runtime.hpp"
#include "common/base/log.hpp"
#include "common/net/memory_stream.hpp"
#include "common/sasl/verifier.hpp"
#include "maild/imap/session.hpp"
#include "maild/service/snapshot.hpp"
#include "maild/store/memory/memory_store.hpp"

#include <functional>
#include <string>

namespace mail::imap::test {

struct World {
    World() : store(store::open_memory(system_clock())), config(*store), directory(*store, config),
              pool(1, 100), sign_in(*store, directory, pool), mailboxes(*store, bus, directory, system_clock()) {
        store->on_commit([this](const store::Changes& changes) {
            directory.forget(changes);
            bus.publish(changes);
        });
        set_log_level(LogLevel::error);
        service::SignIn::set_failure_delay(std::chrono::milliseconds(1));
        async::run_until_done(set_up());
    }
    ~World() {
        tasks.close();
        tasks.cancel();
        store->close();
    }

    Task<void> set_up() {
        store::ResourceBatch batch;
        store::ResourceWrite domain;
        domain.kind = "domain";
        domain.name = "example.test";
        domain.spec = "{}";
        batch.writes.push_back(domain);
        for (const std::string name : {"ann@example.test", "bob@example.test"}) {
            store::ResourceWrite mailbox;
            mailbox.kind = "mailbox";
            mailbox.name = name;
            const auto verifier = sasl::make_verifier("sesam", 4096);
            mailbox.spec = R"({"password": {"hash": ")" + sasl::to_text(*verifier) + R"("}})";
            mailbox.addresses = {name};
            mailbox.has_account = true;
            batch.writes.push_back(mailbox);
        }
        const auto applied = co_await store->resources().apply(std::move(batch));
        problem = applied ? "" : applied.error().message;
        const auto loaded = co_await config.reload();
        if (!loaded)
            problem = loaded.error().message;
        const auto opened = sign_in.open();
        if (!opened)
            problem = opened.error().message;
    }

    [[nodiscard]] Services services() { return {mailboxes, sign_in, tasks, pool, system_clock()}; }
    [[nodiscard]] Profile profile(bool plaintext = true) {
        Profile out;
        out.hostname = "mx.example.test";
        out.plaintext_auth = plaintext;
        return out;
    }
    /// One connection that sends `input` and closes.
    [[nodiscard]] std::string talk(std::string input, bool plaintext = true, std::function<std::size_t()> chunk = {}) {
        std::string output;
        async::run_until_done(serve(services(), profile(plaintext),
                                    net::make_script_stream(std::move(input), &output, std::move(chunk)), "s1"));
        return output;
    }
    /// The same after signing in as ann; the answers up to the sign-in are left out.
    [[nodiscard]] std::string as_ann(std::string input) {
        const auto output = talk("0 LOGIN ann@example.test sesam\r\n" + input);
        const auto at = output.find("0 OK");
        return at == std::string::npos ? "no sign-in: " + output : output.substr(output.find('\n', at) + 1);
    }

    std::unique_ptr<store::Store> store;
    service::ChangeBus bus;
    service::Config config;
    service::Directory directory;
    async::WorkerPool pool;
    service::SignIn sign_in;
    service::Mailboxes mailboxes;
    async::TaskGroup tasks;
    std::string problem;
};

/// An APPEND with a non-synchronizing literal.
[[nodiscard]] inline std::string append(std::string_view tag, std::string_view arguments, std::string_view message) {
    return std::string(tag) + " APPEND " + std::string(arguments) + " {" + std::to_string(message.size()) + "+}\r\n" +
           std::string(message) + "\r\n";
}

} // namespace mail::imap::test
