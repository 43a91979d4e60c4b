// smtp_load PORT CONNECTIONS MESSAGES BYTES MAILBOXES [DOMAIN [RECIPIENTS]]: delivers over plain SMTP with so many connections at
// once, one message per transaction to RECIPIENTS (1) mailboxes, recipients and bodies varied, and prints {"messages", "failed",
// "seconds", "per_second", "copies_per_second"}. MAIL, RCPT and
// DATA go in one write (RFC 2920), as mail servers send them. A thread per connection with blocking sockets: simple, and
// cheap beside the server. Standard library only.
#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

std::atomic<long> next_message{0};
std::atomic<long> failed{0};

class Client {
  public:
    explicit Client(unsigned short port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int one = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        alive_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 && reply() == 220;
    }
    ~Client() { ::close(socket_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// Sends `bytes`, which hold so many commands, and reads a reply to each; the last code, or the first of 400 and over.
    int command(const std::string& bytes, int replies = 1) {
        const char* at = bytes.data();
        for (std::size_t left = bytes.size(); left > 0;) {
            const ssize_t n = ::send(socket_, at, left, MSG_NOSIGNAL);
            if (n <= 0)
                return alive_ = false;
            at += n;
            left -= static_cast<std::size_t>(n);
        }
        int code = 0;
        for (; replies > 0; --replies)
            if (const int one = reply(); code < 400)
                code = one;
        return code;
    }
    [[nodiscard]] bool alive() const { return alive_; }

  private:
    /// Code of the next whole reply; 0 when the connection ended.
    int reply() {
        for (;;) {
            std::size_t line = 0;
            for (std::size_t end = in_.find('\n'); end != std::string::npos; end = in_.find('\n', line)) {
                if (end >= line + 4 && in_[line + 3] == ' ') {
                    const int code = (in_[line] - '0') * 100 + (in_[line + 1] - '0') * 10 + in_[line + 2] - '0';
                    in_.erase(0, end + 1);
                    return code;
                }
                line = end + 1;
            }
            char buffer[4096];
            const ssize_t n = ::recv(socket_, buffer, sizeof buffer, 0);
            if (n <= 0)
                return alive_ = false;
            in_.append(buffer, static_cast<std::size_t>(n));
        }
    }
    int socket_;
    std::string in_;
    bool alive_ = false;
};

constexpr std::size_t line_bytes = 78;

/// 4 MiB of lines; each message takes its body from another place.
std::string filler() {
    std::string out;
    unsigned long state = 1;
    while (out.size() < std::size_t{4} << 20) {
        for (std::size_t i = 0; i < line_bytes - 2; ++i) {
            state = state * 6364136223846793005UL + 1442695040888963407UL;
            out += static_cast<char>('a' + (state >> 59) % 26);
        }
        out += "\r\n";
    }
    return out;
}

struct Work {
    unsigned short port = 0;
    long messages = 0;
    std::size_t bytes = 0;
    long mailboxes = 1;
    std::string domain = "bench.test";
    long recipients = 1;
};

void deliver(const Work& work, const std::string& text) {
    Client client(work.port);
    client.command("EHLO bench.test\r\n");
    std::string body, envelope;
    const std::size_t lines = work.bytes / line_bytes, places = text.size() / line_bytes - lines;
    for (long n; client.alive() && (n = next_message++) < work.messages;) {
        std::string to;
        envelope = "MAIL FROM:<s@remote.test>\r\n";
        for (long i = 0; i < work.recipients; ++i) {
            to = "<u" + std::to_string((n * work.recipients + i) % work.mailboxes) + "@" + work.domain + ">\r\n";
            envelope += "RCPT TO:" + to;
        }
        envelope += "DATA\r\n";
        body = "From: <s@remote.test>\r\nTo: " + to + "Subject: message " + std::to_string(n) + "\r\nMessage-ID: <" + std::to_string(n) +
               "@bench.remote.test>\r\n\r\n";
        body.append(text, static_cast<unsigned long>(n) * 2654435761UL % places * line_bytes, lines * line_bytes);
        body += ".\r\n";
        const bool ok = client.command(envelope, static_cast<int>(work.recipients) + 2) == 354 && client.command(body) == 250;
        if (!ok)
            ++failed;
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 6 || argc > 8)
        return 2;
    const auto number = [&](int i) { return std::strtol(argv[i], nullptr, 10); };
    Work work{static_cast<unsigned short>(number(1)), number(3), static_cast<std::size_t>(number(4)), number(5)};
    if (argc > 6)
        work.domain = argv[6];
    if (argc > 7)
        work.recipients = number(7);
    const long connections = number(2);
    const std::string text = filler();
    std::vector<std::thread> threads;
    const auto began = std::chrono::steady_clock::now();
    for (long i = 0; i < connections; ++i)
        threads.emplace_back(deliver, std::cref(work), std::cref(text));
    for (auto& thread : threads)
        thread.join();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    const double rate = static_cast<double>(work.messages - failed) / seconds;
    std::printf("{\"messages\": %ld, \"failed\": %ld, \"seconds\": %.3f, \"per_second\": %.0f, \"copies_per_second\": %.0f}\n", work.messages,
                failed.load(), seconds, rate, rate * static_cast<double>(work.recipients));
}
