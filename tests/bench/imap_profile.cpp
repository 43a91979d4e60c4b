// imap_profile PORT [NAME=VALUE...]: many IMAP clients at once that each sign in, go through a list of commands with a probability
// for each, and sign out, over and over; every response is checked against what the client knows (imap_model.hpp). The commands,
// their order and their default probabilities are those that ImapTest documents for its stress test.
//   clients=10 secs=10 user=u%d@bench.test users=1 pass=pw box=INBOX copybox= msgs=30 seed=1 random=0 checkpoint=0
//   COMMAND=PERCENT[,PERCENT TO REPEAT], of: list status fetch fetch2 search sort thread copy store delete expunge append noop idle
// With checkpoint=N everyone stops after each N seconds, and at the end; then each client must know exactly the mailbox.
// Prints {"commands", "per_second", "sessions", "checkpoints", "errors", "first_errors", "by_command"}; status 1 with errors.
#include "tests/bench/imap_model.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <netinet/tcp.h>
#include <poll.h>
#include <random>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace mail::bench;
using SteadyClock = std::chrono::steady_clock;

enum class Kind : std::uint8_t {
    login, list, status, select, fetch, fetch2, search, sort, thread, copy, store, remove, expunge, append, noop, idle, logout, verify, count
};
struct Step {
    const char* name;
    unsigned percent;
    unsigned again; ///< percent: once more right away
    bool numbers;   ///< message numbers are in use while it is answered (RFC 9051 §7.5.1)
};
constexpr auto kinds = static_cast<std::size_t>(Kind::count);
std::array<Step, kinds> steps{{{"login", 100, 0, false}, {"list", 50, 0, false}, {"status", 50, 0, false}, {"select", 100, 0, false},
                               {"fetch", 100, 0, true}, {"fetch2", 100, 30, true}, {"search", 0, 0, true}, {"sort", 0, 0, true},
                               {"thread", 0, 0, true}, {"copy", 33, 5, false}, {"store", 50, 0, true}, {"delete", 100, 0, true},
                               {"expunge", 100, 0, false}, {"append", 100, 5, false}, {"noop", 0, 0, false}, {"idle", 0, 0, false},
                               {"logout", 100, 0, false}, {"verify", 0, 0, true}}};
std::map<std::string, std::string> options{{"clients", "10"}, {"secs", "10"}, {"user", "u%d@bench.test"}, {"users", "1"}, {"pass", "pw"},
                                           {"box", "INBOX"}, {"copybox", ""}, {"msgs", "30"}, {"seed", "1"}, {"random", "0"},
                                           {"checkpoint", "0"}};

unsigned option(const char* name) { return static_cast<unsigned>(std::stoul(options.at(name))); }

struct World {
    std::mt19937 random{1};
    std::map<unsigned, Mailbox> mailboxes; ///< by user
    unsigned next_message = 1;
    bool holding = false; ///< nobody begins anything new
    std::array<unsigned long, kinds> done{};
    unsigned long sessions = 0;
    unsigned long checkpoints = 0;
    unsigned long error_count = 0;
    std::vector<std::string> errors;

    unsigned below(unsigned end) { return end == 0 ? 0 : static_cast<unsigned>(random() % end); }
    bool chance(unsigned percent) { return below(100) < percent; }
    void error(const std::string& what) {
        if (++error_count <= 10)
            errors.push_back(what);
    }
};

class Client {
  public:
    Client(World& world, unsigned short port) : world_(world), port_(port) { connect(); }
    ~Client() { ::close(socket_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    [[nodiscard]] int socket() const { return socket_; }
    [[nodiscard]] bool quiet() const { return !busy_ && greeted_; }
    [[nodiscard]] bool selected() const { return selected_; }
    [[nodiscard]] unsigned user() const { return user_; }
    [[nodiscard]] const std::vector<ModelItem>& items() const { return model_->items(); }
    [[nodiscard]] const std::vector<ModelItem>& verified() const { return verified_; }
    void readable();
    void go_on(); ///< begins the next command when it is free to
    void begin(Kind kind);

  private:
    void connect();
    void fail(const std::string& what);
    void respond(std::string_view response);
    void tagged(std::string_view status);
    void finish_session();
    [[nodiscard]] Kind choose();
    [[nodiscard]] std::string command(Kind kind);
    [[nodiscard]] std::string range(unsigned most);
    [[nodiscard]] std::string fetch_items();
    [[nodiscard]] std::string store_command();
    [[nodiscard]] std::string search_keys();
    void send(const std::string& bytes);

    World& world_;
    unsigned short port_;
    int socket_ = -1;
    unsigned connection_ = 0;
    unsigned user_ = 0;
    std::string in_;
    std::string tag_;
    std::string said_; ///< the command under way, for error messages
    unsigned count_ = 0;
    unsigned appended_ = 0;
    Kind kind_ = Kind::logout; ///< of the command under way, or the last one
    Kind place_ = Kind::logout; ///< in the list of commands; checkpoints do not move it
    bool greeted_ = false, busy_ = false, selected_ = false;
    std::unique_ptr<ImapModel> model_;
    std::vector<ModelItem> verified_;
};

void Client::connect() {
    if (socket_ >= 0)
        ::close(socket_);
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int one = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("cannot connect");
    ++connection_;
    in_.clear();
    greeted_ = busy_ = selected_ = false;
    kind_ = place_ = Kind::logout;
    user_ = world_.below(option("users"));
    model_ = std::make_unique<ImapModel>(world_.mailboxes[user_]);
}

void Client::fail(const std::string& what) {
    world_.error(what + " [" + said_.substr(0, 120) + "]");
    connect();
}

void Client::send(const std::string& bytes) {
    for (std::size_t at = 0; at < bytes.size();) {
        const auto n = ::send(socket_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
        if (n <= 0)
            return; // the next read tells
        at += static_cast<std::size_t>(n);
    }
}

void Client::readable() {
    char piece[65536];
    const auto n = ::recv(socket_, piece, sizeof piece, MSG_DONTWAIT);
    if (n <= 0) {
        if (n == 0)
            fail("the server closed");
        return;
    }
    in_.append(piece, static_cast<std::size_t>(n));
    std::size_t at = 0, length = 0;
    try {
        const unsigned connection = connection_;
        while (connection_ == connection && take_response(std::string_view(in_).substr(at), length)) {
            const std::string response = in_.substr(at, length);
            at += length + 2;
            respond(response);
        }
        if (connection_ == connection)
            in_.erase(0, at);
    } catch (const std::exception& error) {
        fail(error.what());
    }
}

void Client::respond(std::string_view response) {
    if (!greeted_) {
        if (!response.starts_with("* OK"))
            throw std::runtime_error("no greeting");
        greeted_ = true;
        go_on();
    } else if (response.starts_with("+")) {
        if (kind_ == Kind::idle)
            send("DONE\r\n");
    } else if (response.starts_with("* ")) {
        response.remove_prefix(2);
        const bool other = response.starts_with("LIST ") || response.starts_with("STATUS ") || response.starts_with("SEARCH") ||
                           response.starts_with("SORT") || response.starts_with("THREAD") || response.starts_with("CAPABILITY");
        const bool last_words = kind_ == Kind::logout && response.starts_with("BYE");
        if (!other && !last_words)
            model_->take(response, !busy_ || steps[static_cast<std::size_t>(kind_)].numbers);
    } else if (busy_ && response.starts_with(tag_ + " ")) {
        tagged(response.substr(tag_.size() + 1));
    } else {
        throw std::runtime_error("an answer to nothing: " + std::string(response.substr(0, 80)));
    }
}

void Client::tagged(std::string_view status) {
    // RFC 5530 §3 EXPUNGEISSUED, RFC 2180 §4: some of the messages are gone, and this client will be told.
    const bool gone = status.starts_with("NO [EXPUNGEISSUED]");
    if (!status.starts_with("OK") && !gone)
        throw std::runtime_error("refused: " + std::string(status.substr(0, 100)));
    ++world_.done[static_cast<std::size_t>(kind_)];
    busy_ = false;
    model_->checkpoint = nullptr;
    if (kind_ == Kind::select)
        selected_ = true;
    if (kind_ == Kind::append) { // OK [APPENDUID validity uid]
        const auto at = status.find("APPENDUID ");
        if (at == std::string_view::npos)
            throw std::runtime_error("no APPENDUID");
        ReplyCursor in(status.substr(at + 10, status.find(']') - at - 10));
        const unsigned validity = in.number();
        const unsigned uid = in.number();
        Mailbox& mailbox = world_.mailboxes[user_];
        const auto [known, fresh] = mailbox.messages.try_emplace(uid, appended_);
        if ((mailbox.uid_validity != 0 && validity != mailbox.uid_validity) || (!fresh && known->second != appended_))
            throw std::runtime_error("APPENDUID names another message");
    }
    if (kind_ == Kind::logout) {
        ++world_.sessions;
        connect();
        return;
    }
    go_on();
}

void Client::go_on() {
    if (!world_.holding && greeted_ && !busy_)
        begin(place_ = choose());
}

void Client::begin(Kind kind) {
    kind_ = kind;
    busy_ = true;
    if (kind == Kind::select)
        model_->select();
    if (kind == Kind::verify) {
        verified_.clear();
        model_->checkpoint = &verified_;
    }
    tag_ = "a" + std::to_string(++count_);
    said_ = tag_ + " " + command(kind) + "\r\n";
    send(said_);
}

Kind Client::choose() {
    const bool is_random = option("random") != 0 && selected_;
    const auto possible = [&](Kind kind) {
        if (kind == Kind::copy && options.at("copybox").empty())
            return false;
        return selected_ || kind <= Kind::select || kind == Kind::logout;
    };
    if (place_ != Kind::logout && possible(place_) && world_.chance(steps[static_cast<std::size_t>(place_)].again))
        return place_;
    const auto first = static_cast<unsigned>(Kind::fetch), last = static_cast<unsigned>(Kind::logout);
    auto at = static_cast<unsigned>(place_);
    for (;;) {
        at = is_random ? first + world_.below(last - first + 1) : at >= last ? 0 : at + 1;
        const auto kind = static_cast<Kind>(at);
        const bool wanted = world_.chance(is_random && kind == Kind::logout ? 10 : steps[at].percent);
        if (possible(kind) && wanted)
            return kind;
    }
}

std::string Client::range(unsigned most) {
    const auto size = static_cast<unsigned>(model_->items().size());
    if (size == 0)
        return "1:*";
    const unsigned count = std::min(size, std::max(1U, most));
    const unsigned first = 1 + world_.below(size - count + 1);
    return std::to_string(first) + ":" + std::to_string(first + count - 1);
}

std::string Client::fetch_items() {
    static constexpr const char* fields[] = {"UID", "FLAGS", "ENVELOPE", "INTERNALDATE", "BODY", "BODYSTRUCTURE"};
    static constexpr const char* headers[] = {"From", "To", "Cc", "Subject", "Message-ID", "In-Reply-To", "References", "Delivered-To"};
    std::string out;
    for (const char* field : fields)
        if (world_.chance(50))
            out += std::string(out.empty() ? "" : " ") + field;
    if (world_.chance(50) || out.empty()) {
        out += std::string(out.empty() ? "" : " ") + "BODY.PEEK[HEADER.FIELDS (" + headers[world_.below(8)];
        for (const char* header : headers)
            out += world_.chance(30) ? std::string(" ") + header : "";
        out += ")]";
    }
    return out;
}

std::string Client::store_command() {
    static constexpr const char* flags[] = {"\\Answered", "\\Flagged", "\\Seen", "\\Draft", "$Label1", "$Label2", "$Label3", "$Label4", "$Label5"};
    std::string words;
    for (const char* flag : flags)
        if (world_.chance(25))
            words += std::string(words.empty() ? "" : " ") + flag;
    const auto size = static_cast<unsigned>(model_->items().size());
    return "STORE " + range(1 + world_.below(size)) + (world_.chance(50) ? " +FLAGS (" : " -FLAGS (") + words + ")";
}

std::string Client::search_keys() {
    static constexpr const char* keys[] = {"SMALLER 2000", "LARGER 3000", "BEFORE 1-Jan-2030", "ON 5-Feb-2024", "SINCE 1-Jan-2020", "SENTBEFORE 6-Feb-2024",
                                           "SENTON 5-Feb-2024", "SENTSINCE 1-Feb-2024", "SUBJECT num", "TEXT words", "BODY people"};
    const auto key = [&] { return std::string(keys[world_.below(std::size(keys))]); };
    return world_.chance(50) ? key() : world_.chance(50) ? "OR " + key() + " " + key() : "(" + key() + " NOT " + key() + ")";
}

std::string Client::command(Kind kind) {
    const std::string& box = options.at("box");
    const auto size = static_cast<unsigned>(model_->items().size());
    switch (kind) {
    case Kind::login: {
        std::string name = options.at("user");
        if (const auto at = name.find("%d"); at != std::string::npos)
            name.replace(at, 2, std::to_string(user_));
        return "LOGIN " + name + " " + options.at("pass");
    }
    case Kind::list: return "LIST \"\" *";
    case Kind::status: return "STATUS " + box + " (MESSAGES UNSEEN RECENT)";
    case Kind::select: return "SELECT " + box;
    case Kind::fetch: return "FETCH " + range(100) + " (" + fetch_items() + ")";
    case Kind::fetch2: return size == 0 ? "NOOP" : "FETCH " + range(1) + " (UID BODY.PEEK[])";
    case Kind::search: return "SEARCH " + search_keys();
    case Kind::sort: return world_.chance(50) ? "SORT (SUBJECT) US-ASCII ALL" : "SORT (SUBJECT) US-ASCII FLAGGED";
    case Kind::thread: return "THREAD REFERENCES US-ASCII ALL";
    case Kind::copy: return "COPY " + range(1 + world_.below(5)) + " " + options.at("copybox");
    case Kind::store: return store_command();
    case Kind::remove: { // what is too much, or one
        const unsigned wanted = option("msgs");
        return "STORE " + range(size > wanted ? size - wanted : 1) + " +FLAGS (\\Deleted)";
    }
    case Kind::expunge: return "EXPUNGE";
    case Kind::append: {
        appended_ = world_.next_message++;
        const std::string text = message_text(appended_);
        return "APPEND " + box + " {" + std::to_string(text.size()) + "+}\r\n" + text;
    }
    case Kind::idle: return "IDLE";
    case Kind::logout: return "LOGOUT";
    case Kind::verify: return "FETCH 1:* (UID FLAGS)";
    case Kind::noop:
    case Kind::count: break;
    }
    return "NOOP";
}

using Clients = std::vector<std::unique_ptr<Client>>;

void turn(Clients& clients) {
    std::vector<pollfd> fds;
    for (const auto& client : clients)
        fds.push_back({client->socket(), POLLIN, 0});
    ::poll(fds.data(), fds.size(), 50);
    for (std::size_t i = 0; i < fds.size(); ++i)
        if (fds[i].revents != 0 && clients[i]->socket() == fds[i].fd)
            clients[i]->readable();
}

/// False: not all of them were done in half a minute.
bool until_quiet(World& world, Clients& clients) {
    const auto end = SteadyClock::now() + std::chrono::seconds(30);
    const auto quiet = [&] { return std::all_of(clients.begin(), clients.end(), [](const auto& client) { return client->quiet(); }); };
    while (!quiet() && SteadyClock::now() < end)
        turn(clients);
    if (!quiet())
        world.error("a client got no answer for 30 s");
    return quiet();
}

bool ask_all(World& world, Clients& clients, Kind kind) {
    for (auto& client : clients)
        if (client->selected())
            client->begin(kind);
    return until_quiet(world, clients);
}

/// What a client knew and what there is: empty when that agrees.
std::string difference(const std::vector<ModelItem>& known, const std::vector<ModelItem>& now) {
    if (known.size() != now.size())
        return std::to_string(known.size()) + " messages, not " + std::to_string(now.size());
    for (std::size_t i = 0; i < now.size(); ++i) {
        const ModelItem &old = known[i], &item = now[i];
        if ((old.uid != 0 && old.uid != item.uid) || (old.flags && old.flags != item.flags))
            return "UID " + std::to_string(old.uid) + " (" + old.flags.value_or("?") + "), not " + std::to_string(item.uid) + " (" +
                   item.flags.value_or("?") + ")";
    }
    return {};
}

/// Everybody stops, catches up, and must know what is there.
void checkpoint(World& world, Clients& clients) {
    world.holding = true;
    if (until_quiet(world, clients) && ask_all(world, clients, Kind::noop)) {
        std::map<const Client*, std::vector<ModelItem>> known;
        for (auto& client : clients)
            if (client->selected())
                known[client.get()] = client->items();
        ask_all(world, clients, Kind::verify);
        std::map<unsigned, std::vector<ModelItem>> first;
        for (auto& client : clients) {
            const auto before = known.find(client.get());
            if (!client->selected() || before == known.end())
                continue;
            const auto& now = client->verified();
            if (const auto wrong = difference(before->second, now); !wrong.empty())
                world.error("a client at rest knew another mailbox than the server's: " + wrong);
            if (first.try_emplace(client->user(), now).first->second != now)
                world.error("two clients at rest see different mailboxes");
        }
        ++world.checkpoints;
    }
    world.holding = false;
    for (auto& client : clients)
        client->go_on();
}

int run(unsigned short port) {
    World world;
    world.random.seed(option("seed"));
    Clients clients;
    for (unsigned i = 0; i < option("clients"); ++i)
        clients.push_back(std::make_unique<Client>(world, port));
    const auto began = SteadyClock::now();
    const auto since = [began] { return std::chrono::duration<double>(SteadyClock::now() - began).count(); };
    const unsigned every = option("checkpoint");
    double stopped = 0;
    for (double next = every; since() < option("secs");) {
        turn(clients);
        if (every == 0 || since() < next)
            continue;
        const double from = since();
        checkpoint(world, clients);
        stopped += since() - from;
        next = since() + every;
    }
    const double seconds = since() - stopped;
    unsigned long commands = 0;
    std::string by_command;
    for (std::size_t i = 0; i < kinds; ++i) {
        commands += i == static_cast<std::size_t>(Kind::verify) ? 0 : world.done[i];
        by_command += (i == 0 ? "\"" : ", \"") + std::string(steps[i].name) + "\": " + std::to_string(world.done[i]);
    }
    if (every != 0)
        checkpoint(world, clients);
    std::string errors;
    for (const auto& error : world.errors) {
        errors += errors.empty() ? "\"" : ", \"";
        for (const char c : error)
            errors += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c >= ' ' && c < 127 ? c : '?');
        errors += '"';
    }
    std::printf("{\"commands\": %lu, \"per_second\": %.1f, \"sessions\": %lu, \"checkpoints\": %lu, \"errors\": %lu, \"first_errors\": [%s], "
                "\"by_command\": {%s}}\n",
                commands, static_cast<double>(commands) / seconds, world.sessions, world.checkpoints, world.error_count, errors.c_str(),
                by_command.c_str());
    return world.error_count == 0 ? 0 : 1;
}

void set_option(const std::string& argument) {
    const auto equals = argument.find('=');
    if (equals == std::string::npos)
        throw std::runtime_error("NAME=VALUE expected: " + argument);
    const std::string name = argument.substr(0, equals), value = argument.substr(equals + 1);
    if (const auto known = options.find(name); known != options.end()) {
        known->second = value;
        return;
    }
    for (Step& step : steps)
        if (name == step.name) {
            const auto comma = value.find(',');
            step.percent = static_cast<unsigned>(std::stoul(value));
            step.again = comma == std::string::npos ? 0 : static_cast<unsigned>(std::stoul(value.substr(comma + 1)));
            return;
        }
    throw std::runtime_error("unknown: " + name);
}

} // namespace

int main(int argc, char** argv) {
    try {
        if (argc < 2)
            throw std::runtime_error("imap_profile PORT [NAME=VALUE...]");
        for (int i = 2; i < argc; ++i)
            set_option(argv[i]);
        return run(static_cast<unsigned short>(std::stoi(argv[1])));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "imap_profile: %s\n", error.what());
        return 2;
    }
}
