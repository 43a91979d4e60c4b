// client_load MODE PORT CONNECTIONS COUNT [BYTES] [tls]: what mail clients do, timed. Mailboxes are u0@bench.test to u19 (password pw).
//   login   COUNT whole connections: greeting, (a full TLS handshake,) LOGIN, LOGOUT
//   append  COUNT messages of BYTES by APPEND, each connection to its own INBOX
//   fetch   FETCH 1:* BODY.PEEK[] of u0's folder "mid", COUNT times
//   retr    POP3: RETR of the first COUNT messages of u0, 32 commands on the way at once
// Prints {"done", "failed", "bytes", "seconds", "per_second"}. A thread per connection with blocking sockets, cheap beside the
// server. Standard library and OpenSSL only.
#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

std::atomic<long> next_one{0};
std::atomic<long> failed{0};
std::atomic<long long> received{0};
std::atomic<long> ready{0};
std::atomic<bool> go{false};

class Client {
  public:
    Client(unsigned short port, SSL_CTX* tls) : socket_(::socket(AF_INET, SOCK_STREAM, 0)), in_(std::size_t{1} << 18, '\0') {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int one = 1;
        ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        alive_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
        if (alive_ && tls != nullptr) {
            tls_ = SSL_new(tls);
            alive_ = SSL_set_fd(tls_, socket_) == 1 && SSL_connect(tls_) == 1;
        }
        alive_ = alive_ && !line().empty();
    }
    ~Client() {
        SSL_free(tls_);
        ::close(socket_);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    [[nodiscard]] bool alive() const { return alive_; }
    void send(const std::string& bytes) {
        for (std::size_t at = 0; alive_ && at < bytes.size();) {
            const auto n = tls_ != nullptr ? SSL_write(tls_, bytes.data() + at, static_cast<int>(bytes.size() - at))
                                           : static_cast<int>(::send(socket_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL));
            alive_ = n > 0;
            at += n > 0 ? static_cast<std::size_t>(n) : 0;
        }
    }
    /// The next line without its end; empty when the connection ended.
    std::string line() {
        std::string out;
        while (alive_) {
            const std::size_t end = in_.find('\n', begin_);
            if (end < end_) {
                out.append(in_, begin_, end - begin_);
                begin_ = end + 1;
                if (!out.empty() && out.back() == '\r')
                    out.pop_back();
                return out;
            }
            out.append(in_, begin_, end_ - begin_);
            fill();
        }
        return {};
    }
    /// Swallows so many bytes.
    void skip(std::size_t bytes) {
        while (alive_) {
            const std::size_t have = std::min(bytes, end_ - begin_);
            begin_ += have;
            bytes -= have;
            if (bytes == 0)
                return;
            fill();
        }
    }
    /// An IMAP command; literals in its answer are swallowed. True: OK.
    bool command(const std::string& text) {
        send("t " + text + "\r\n");
        for (std::string one = line(); alive_; one = line()) {
            if (one.starts_with("t "))
                return one.starts_with("t OK");
            if (const std::size_t brace = one.rfind('{'); brace != std::string::npos && one.back() == '}')
                skip(std::strtoul(one.c_str() + brace + 1, nullptr, 10));
        }
        return false;
    }
    /// A POP3 answer of several lines, to its end.
    bool dotted() {
        if (!line().starts_with("+OK"))
            return false;
        while (alive_)
            if (line() == ".")
                return true;
        return false;
    }

  private:
    void fill() {
        const auto n = tls_ != nullptr ? SSL_read(tls_, in_.data(), static_cast<int>(in_.size()))
                                       : static_cast<int>(::recv(socket_, in_.data(), in_.size(), 0));
        alive_ = n > 0;
        begin_ = 0;
        end_ = n > 0 ? static_cast<std::size_t>(n) : 0;
        received += n > 0 ? n : 0;
    }
    int socket_;
    SSL* tls_ = nullptr;
    std::string in_;
    std::size_t begin_ = 0, end_ = 0;
    bool alive_ = false;
};

struct Job {
    std::string mode;
    unsigned short port = 0;
    long connections = 1;
    long count = 0;
    std::size_t bytes = 4096;
    SSL_CTX* tls = nullptr;
};

std::string login(long mailbox) { return "LOGIN u" + std::to_string(mailbox) + "@bench.test pw"; }

void wait_for_start() {
    ++ready;
    go.wait(false);
}

void logins(const Job& job) {
    wait_for_start();
    for (long n; (n = next_one++) < job.count;) {
        Client client(job.port, job.tls);
        if (!client.command(login(n % 20)) || !client.command("LOGOUT"))
            ++failed;
    }
}

void appends(const Job& job, long number) {
    std::string message = "From: <s@remote.test>\r\nTo: <u@bench.test>\r\nSubject: appended\r\nMessage-ID: <" + std::to_string(number) + "@append.test>\r\n\r\n";
    while (message.size() < job.bytes)
        message += "Some text of a line that is about as long as those that people write.\r\n";
    const std::string command = "APPEND INBOX {" + std::to_string(message.size()) + "+}\r\n" + message;
    Client client(job.port, job.tls);
    const bool in = client.command(login(number));
    wait_for_start();
    if (!in)
        ++failed;
    while (in && next_one++ < job.count)
        if (!client.command(command))
            ++failed;
}

void fetches(const Job& job) {
    Client client(job.port, job.tls);
    const bool in = client.command(login(0)) && client.command("EXAMINE mid");
    wait_for_start();
    while (next_one++ < job.count)
        if (!in || !client.command("FETCH 1:* BODY.PEEK[]"))
            ++failed;
}

void retrieves(const Job& job) {
    Client client(job.port, job.tls);
    client.send("USER u0@bench.test\r\nPASS pw\r\n");
    const bool in = client.line().starts_with("+OK") && client.line().starts_with("+OK");
    wait_for_start();
    const long window = 32;
    std::string commands;
    for (long sent = 0, got = 0; in && got < job.count; ++got) {
        commands.clear();
        for (; sent < job.count && sent < got + window; ++sent)
            commands += "RETR " + std::to_string(sent + 1) + "\r\n";
        client.send(commands);
        if (!client.dotted())
            ++failed;
    }
    if (!in)
        ++failed;
}

void run(const Job& job, long number) {
    if (job.mode == "login")
        logins(job);
    else if (job.mode == "append")
        appends(job, number);
    else if (job.mode == "fetch")
        fetches(job);
    else
        retrieves(job);
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 5)
        return 2;
    Job job;
    job.mode = argv[1];
    job.port = static_cast<unsigned short>(std::strtol(argv[2], nullptr, 10));
    job.connections = std::strtol(argv[3], nullptr, 10);
    job.count = std::strtol(argv[4], nullptr, 10);
    for (int i = 5; i < argc; ++i)
        if (std::string(argv[i]) == "tls") {
            job.tls = SSL_CTX_new(TLS_client_method());
            SSL_CTX_set_session_cache_mode(job.tls, SSL_SESS_CACHE_OFF);
        } else {
            job.bytes = std::strtoul(argv[i], nullptr, 10);
        }
    std::vector<std::thread> threads;
    for (long i = 0; i < job.connections; ++i)
        threads.emplace_back([&job, i] { run(job, i); });
    while (ready < job.connections)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    received = 0;
    const auto began = std::chrono::steady_clock::now();
    go = true;
    go.notify_all();
    for (auto& thread : threads)
        thread.join();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    std::printf("{\"done\": %ld, \"failed\": %ld, \"bytes\": %lld, \"seconds\": %.4f, \"per_second\": %.0f}\n", job.count, failed.load(),
                received.load(), seconds, static_cast<double>(job.count - failed) / seconds);
}
