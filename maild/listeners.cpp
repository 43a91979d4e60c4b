#include "maild/listeners.hpp"

#include "common/base/id.hpp"
#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "common/base/text.hpp"

namespace mail {

struct Listeners::Running {
    std::atomic<std::shared_ptr<const ListenerSettings>> settings;
    std::vector<std::unique_ptr<net::Listener>> sockets;
    std::shared_ptr<net::ConnectionBudget> budget;
    std::shared_ptr<const SessionRunner> runner;
    std::shared_ptr<SessionEnds> ends;
    std::atomic<std::size_t> sessions{0};
    std::string problem;
};

namespace {

/// What the client reads when the server is full, in its protocol's words.
std::string refusal(const schema::Listener& spec, const std::string& hostname) {
    if (spec.tls == "implicit")
        return {};
    if (spec.protocol == "smtp" || spec.protocol == "submission" || spec.protocol == "lmtp")
        return "421 4.3.2 " + hostname + " too many connections, try again later\r\n";
    if (spec.protocol == "imap")
        return "* BYE [UNAVAILABLE] too many connections, try again later\r\n";
    if (spec.protocol == "pop3")
        return "-ERR [SYS/TEMP] too many connections, try again later\r\n";
    return {};
}

/// RFC 7301 names, checked when a client sends any.
std::vector<std::string> alpn_of(const std::string& protocol) {
    if (protocol == "imap" || protocol == "pop3" || protocol == "managesieve")
        return {protocol};
    if (protocol == "http")
        return {"http/1.1"};
    return {"smtp"};
}

} // namespace

Listeners::Listeners(async::Runtime& runtime, async::TaskGroup& sessions, Certificates& certificates,
                     const net::InheritedSockets& inherited, SessionRunner runner)
    : runtime_(runtime), sessions_(sessions), certificates_(certificates), inherited_(inherited),
      runner_(std::make_shared<const SessionRunner>(std::move(runner))),
      budget_(std::make_shared<net::ConnectionBudget>(std::size_t{limit::connections}, 0)) {}
Listeners::~Listeners() = default;

Task<void> Listeners::session(std::shared_ptr<Running> running, std::unique_ptr<net::Stream> stream) {
    const auto settings = running->settings.load();
    struct Counted {
        std::atomic<std::size_t>& count;
        explicit Counted(std::atomic<std::size_t>& c) : count(c) { ++count; }
        ~Counted() { --count; }
    } counted(running->sessions);
    const auto ending = running->ends->add(stream->ender());
    const std::string id = Id::make(system_clock().now()).text();
    log(Event::connection_opened, {{"sid", id}, {"listener", settings->spec.name}, {"peer", stream->peer().text()}});
    if (settings->spec.tls == "implicit") {
        if (!settings->tls)
            co_return;
        stream->set_timeout(std::chrono::seconds(limit::preauth_idle_seconds));
        stream->set_interruptible(true);
        const auto secured = co_await stream->start_tls(*settings->tls);
        stream->set_interruptible(false);
        if (!secured) {
            log(Event::tls_failed,
                {{"sid", id}, {"peer", stream->peer().address}, {"reason", secured.error().message}});
            co_return;
        }
    }
    co_await (*running->runner)(settings, std::move(stream), id);
    log(Event::connection_closed, {{"sid", id}});
}

Task<void> Listeners::accept(std::shared_ptr<Running> running, std::size_t socket, async::Runtime& runtime,
                             async::TaskGroup& sessions) {
    const auto settings = running->settings.load();
    net::AcceptOptions options;
    options.budget = running->budget;
    options.name = settings->spec.name;
    options.refusal = refusal(settings->spec, settings->hostname);
    net::SessionStarter start = [running](std::unique_ptr<net::Stream> stream) { return session(running, std::move(stream)); };
    co_await net::accept_loop(*running->sockets[socket], runtime, sessions, std::move(start), std::move(options));
}

void Listeners::open(const std::string& name, Running& running) {
    const auto settings = running.settings.load();
    auto addresses = net::parse_bind(settings->spec.bind);
    if (addresses)
        addresses = inherited_.choose(*addresses);
    if (!addresses) {
        running.problem = addresses.error().message;
        log(Event::listener_failed, {{"listener", name}, {"bind", settings->spec.bind}, {"reason", running.problem}});
        return;
    }
    for (const auto& address : *addresses) {
        net::ListenOptions options;
        options.inherited = &inherited_;
        options.unix_mode = 0666; // LMTP and the like: the folder of the socket decides who may reach it
        auto socket = net::Listener::open(runtime_.executor(0), address, std::move(options));
        if (!socket) {
            running.problem = socket.error().message;
            running.sockets.clear();
            log(Event::listener_failed, {{"listener", name}, {"bind", address.text()}, {"reason", running.problem}});
            return;
        }
        running.sockets.push_back(std::move(*socket));
    }
    running.problem.clear();
    log(Event::listener_opened,
        {{"listener", name}, {"protocol", settings->spec.protocol}, {"bind", settings->spec.bind},
         {"port", running.sockets.empty() ? 0 : running.sockets.front()->port()}});
}

void Listeners::reconcile(const service::ConfigSnapshot& config) {
    const std::lock_guard lock(mutex_);
    const auto close = [](const std::string& name, Running& running) {
        for (auto& socket : running.sockets)
            socket->close();
        log(Event::listener_closed, {{"listener", name}});
    };
    // Closing comes first: another listener may want the address.
    for (auto it = running_.begin(); it != running_.end();) {
        const auto wanted = config.listeners.find(it->first);
        const auto present = it->second->settings.load();
        const bool keep = wanted != config.listeners.end() && wanted->second.enabled &&
                          wanted->second.bind == present->spec.bind && !it->second->sockets.empty();
        if (!keep)
            close(it->first, *it->second);
        it = keep ? std::next(it) : running_.erase(it);
    }
    for (const auto& [name, spec] : config.listeners) {
        if (!spec.enabled)
            continue;
        auto settings = std::make_shared<ListenerSettings>();
        settings->spec = spec;
        settings->hostname = config.server.hostname;
        settings->message_size = spec.max_message_size != 0 ? spec.max_message_size.count : config.server.message_size.count;
        std::string tls_problem;
        if (spec.tls != "none") {
            if (const auto server = certificates_.server(spec.certificate))
                settings->tls = server->with_alpn(alpn_of(spec.protocol));
            else
                tls_problem = certificates_.problem(spec.certificate);
        }
        auto& running = running_[name];
        const bool is_new = !running;
        if (is_new) {
            running = std::make_shared<Running>();
            running->runner = runner_;
            running->ends = ends_;
            running->budget = spec.max_connections > 0
                                  ? std::make_shared<net::ConnectionBudget>(static_cast<std::size_t>(spec.max_connections), 0)
                                  : budget_;
        }
        running->settings.store(std::move(settings));
        if (is_new) {
            open(name, *running);
            for (std::size_t i = 0; i < running->sockets.size(); ++i)
                accepting_.spawn(runtime_.executor(0), accept(running, i, runtime_, sessions_));
        }
        if (running->problem.empty())
            running->problem = tls_problem;
    }
}

void Listeners::close() {
    const std::lock_guard lock(mutex_);
    for (auto& [name, running] : running_)
        for (auto& socket : running->sockets)
            socket->close();
    accepting_.close();
}

std::vector<Listeners::Status> Listeners::status() const {
    const std::lock_guard lock(mutex_);
    std::vector<Status> out;
    for (const auto& [name, running] : running_) {
        const auto settings = running->settings.load();
        out.push_back({name, settings->spec.protocol, settings->spec.bind, !running->sockets.empty(),
                       running->sockets.empty() ? std::uint16_t{0} : running->sockets.front()->port(),
                       running->sessions.load(), running->problem});
    }
    return out;
}

std::string Listeners::first_problem() const {
    for (const auto& listener : status())
        if (!listener.problem.empty())
            return "listener " + listener.name + ": " + listener.problem;
    return {};
}

} // namespace mail
