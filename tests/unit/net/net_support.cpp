#include "net_support.hpp"

#include "common/net/connect.hpp"

#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <stdlib.h>
#include <unistd.h>

namespace mail::net {
namespace asio = boost::asio;

struct Loop::State {
    asio::io_context io{1};
    std::size_t open = 0;
    std::exception_ptr failure;
};

Loop::Loop() : state_(std::make_unique<State>()) {}
Loop::~Loop() = default;
async::Executor Loop::executor() const { return state_->io.get_executor(); }

void Loop::add(Task<void> task) {
    ++state_->open;
    asio::co_spawn(state_->io, std::move(task), [state = state_.get()](std::exception_ptr error) {
        --state->open;
        if (error)
            state->failure = error;
    });
}

void Loop::run() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    state_->io.restart();
    while (state_->open > 0 && std::chrono::steady_clock::now() < end)
        state_->io.run_one_for(std::chrono::milliseconds(200));
    if (state_->failure)
        std::rethrow_exception(state_->failure);
    if (state_->open > 0)
        throw std::runtime_error("a coroutine of the test did not end");
    state_->io.poll();
}

void run_all(std::vector<Task<void>> tasks) {
    Loop loop;
    for (auto& task : tasks)
        loop.add(std::move(task));
    loop.run();
}

std::unique_ptr<Listener> open_loopback(const async::Executor& executor) {
    static unsigned turn = 0;
    for (int attempt = 0; attempt < 500; ++attempt) {
        const unsigned port = 20000 + (static_cast<unsigned>(::getpid()) * 37 + turn++) % 12000;
        auto listener = Listener::open(executor, {BindKind::tcp4, "127.0.0.1", static_cast<std::uint16_t>(port), -1});
        if (listener)
            return std::move(listener).value();
    }
    throw std::runtime_error("no free port");
}

TempFolder::TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "mail-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
        throw std::runtime_error("no temporary folder");
    path = name;
}
TempFolder::~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
}

Task<Pair> connect_pair(Listener& listener) {
    auto client = co_await connect_tcp("127.0.0.1", listener.port(), std::chrono::seconds(5));
    auto server = co_await listener.accept();
    if (!client || !server)
        throw std::runtime_error("no connection");
    co_return Pair{std::move(server).value(), std::move(client).value()};
}

Task<std::string> read_exactly(Stream& stream, std::size_t size) {
    std::string out;
    while (out.size() < size) {
        char buffer[4096];
        const std::span<char> room(buffer, std::min(sizeof buffer, size - out.size()));
        const auto got = co_await stream.read_some(room);
        if (!got || *got == 0)
            break;
        out.append(buffer, *got);
    }
    co_return out;
}

Task<std::string> read_to_end(Stream& stream) {
    std::string all = co_await read_exactly(stream, SIZE_MAX);
    co_return all;
}

} // namespace mail::net
