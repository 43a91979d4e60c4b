// smtp_sink PORT MESSAGES SECONDS: takes mail on 127.0.0.1 and drops it; ends after so many messages or seconds and prints
// {"messages", "connections", "most_at_once", "seconds", "per_second"}, timed from the first connection to the last message.
// A thread per connection with blocking sockets; answers of one read leave in one write. Standard library only.
#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;
std::atomic<long> messages{0};
std::atomic<long> connections{0};
std::atomic<long> open_now{0};
std::atomic<long> most_at_once{0};
std::atomic<long long> last_message{0};

bool say(int socket, std::string& out) {
    const char* at = out.data();
    for (std::size_t left = out.size(); left > 0;) {
        const ssize_t n = ::send(socket, at, left, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += n;
        left -= static_cast<std::size_t>(n);
    }
    out.clear();
    return true;
}

/// Handles every whole line, or the end of a message, in `in`; false: the client said QUIT.
bool answer(std::string& in, std::string& out, bool& in_data) {
    std::size_t at = 0;
    bool goes_on = true;
    while (goes_on) {
        if (in_data) {
            const std::size_t end = in.compare(at, 3, ".\r\n") == 0 ? at : in.find("\r\n.\r\n", at);
            if (end == std::string::npos) {
                // Only the last four bytes can begin an end mark.
                at = in.size() > at + 4 ? in.size() - 4 : at;
                break;
            }
            at = end == at ? at + 3 : end + 5;
            in_data = false;
            out += "250 2.0.0 ok\r\n";
            last_message = Clock::now().time_since_epoch().count();
            ++messages;
            continue;
        }
        const std::size_t end = in.find("\r\n", at);
        if (end == std::string::npos)
            break;
        const char first = static_cast<char>(in[at] & ~0x20);
        if (first == 'E') {
            out += "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n";
        } else if (first == 'D') {
            out += "354 go\r\n";
            in_data = true;
        } else if (first == 'Q') {
            out += "221 bye\r\n";
            goes_on = false;
        } else {
            out += "250 ok\r\n";
        }
        at = end + 2;
    }
    in.erase(0, at);
    return goes_on;
}

void serve(int socket) {
    const int one = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const long present = ++open_now;
    for (long most = most_at_once; present > most && !most_at_once.compare_exchange_weak(most, present);) {
    }
    std::string in;
    std::string out = "220 sink ESMTP\r\n";
    bool in_data = false;
    bool goes_on = say(socket, out);
    static thread_local char buffer[65536];
    while (goes_on) {
        const ssize_t n = ::recv(socket, buffer, sizeof buffer, 0);
        if (n <= 0)
            break;
        in.append(buffer, static_cast<std::size_t>(n));
        goes_on = answer(in, out, in_data);
        goes_on = say(socket, out) && goes_on;
    }
    ::close(socket);
    --open_now;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 4)
        return 2;
    const long wanted = std::atol(argv[2]);
    const auto deadline = Clock::now() + std::chrono::seconds(std::atol(argv[3]));
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    const int one = 1;
    ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<unsigned short>(std::atoi(argv[1])));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 1024) != 0) {
        std::perror("smtp_sink");
        return 1;
    }
    Clock::time_point first{};
    while (messages < wanted && Clock::now() < deadline) {
        pollfd ready{listener, POLLIN, 0};
        if (::poll(&ready, 1, 10) <= 0)
            continue;
        const int socket = ::accept(listener, nullptr, nullptr);
        if (socket < 0)
            continue;
        if (connections++ == 0)
            first = Clock::now();
        std::thread(serve, socket).detach();
    }
    const Clock::time_point last{Clock::duration(last_message.load())};
    const double seconds = messages > 0 ? std::chrono::duration<double>(last - first).count() : 0;
    std::printf("{\"messages\": %ld, \"connections\": %ld, \"most_at_once\": %ld, \"seconds\": %.4f, \"per_second\": %.1f}\n",
                messages.load(), connections.load(), most_at_once.load(), seconds,
                seconds > 0 ? static_cast<double>(messages) / seconds : 0.0);
    std::fflush(stdout);
    ::usleep(100'000);
    std::_Exit(messages >= wanted ? 0 : 1);
}
