#include "maild/listeners.hpp"

#include "common/base/id.hpp"
#include "common/base/limits.hpp"
#include "common/base/log.hpp"
#include "common/base/text.hpp"
#include "common/net/proxy_header.hpp"

namespace mail {

struct Listeners::Running {
    std::atomic<std::shared_ptr<const ListenerSettings>> settings;
    std::vector<std::unique_ptr<net::Listener>> sockets;
    std::shared_ptr<net::ConnectionBudget> budget;    ///< of connections
    std::shared_ptr<net::ConnectionBudget> addresses; ///< of sessions by the address they are for
    std::shared_ptr<const SessionRunner> runner;
    std::shared_ptr<SessionEnds> ends;
    std::atomic<std::size_t> sessions{0};
    std::string problem;
};

namespace {

bool takes_mail(const schema::Listener& spec) {
    return spec.protocol == "smtp" || spec.protocol == "submission" || spec.protocol == "lmtp";
}

/// What a client that is turned away reads, in its protocol's words; `for_now`: it may come back.
std::string refusal(const ListenerSettings& settings, bool for_now) {
    if (settings.spec.tls == "implicit")
        return {};
    const std::string why = for_now ? "too many connections, try again later\r\n" : "you may not connect here\r\n";
    if (takes_mail(settings.spec)) // RFC 5321 §3.1, §3.8
        return (for_now ? "421 4.3.2 " : "554 5.7.1 ") + settings.hostname + " " + why;
    if (settings.spec.protocol == "imap")
        return (for_now ? "* BYE [UNAVAILABLE] " : "* BYE ") + why;
    if (settings.spec.protocol == "pop3") // RFC 3206
        return (for_now ? "-ERR [SYS/TEMP] " : "-ERR [SYS/PERM] ") + why;
    return {};
}

/// Says so and ends; nobody waits for a client that is not wanted.
Task<void> turn_away(const ListenerSettings& settings, net::Stream& stream, bool for_now) {
    constexpr auto patience = std::chrono::seconds(2);
    const std::string words = refusal(settings, for_now);
    stream.set_timeout(patience);
    const auto told = co_await stream.write(words);
    if (told)
        co_await stream.shutdown();
}

net::ConnectionLimits connection_limits(const schema::Listener& spec) {
    return {static_cast<std::size_t>(spec.max_connections), 0, false};
}
net::ConnectionLimits address_limits(const schema::Listener& spec) {
    const std::int64_t usual = takes_mail(spec) ? limit::connections_per_address : 0;
    const bool is_set = spec.max_per_address > 0;
    return {0, static_cast<std::size_t>(is_set ? spec.max_per_address : usual), is_set};
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
      budget_(std::make_shared<net::ConnectionBudget>("all listeners", net::ConnectionLimits{std::size_t{limit::connections}, 0, false})) {}
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
    if (contains(settings->proxy_from, stream->peer().address)) {
        const net::Peer proxy = stream->peer();
        stream->set_interruptible(true);
        const auto taken = co_await net::take_proxy_header(*stream);
        stream->set_interruptible(false);
        if (!taken) {
            log(Event::proxy_refused, {{"sid", id}, {"listener", settings->spec.name}, {"peer", proxy.text()},
                                       {"reason", taken.error().message}});
            co_return;
        }
    }
    const net::Peer& peer = stream->peer();
    log(Event::connection_opened, {{"sid", id}, {"listener", settings->spec.name}, {"peer", peer.text()}});
    // A Unix socket has no address: the rights of its file say who may connect.
    const bool allowed = settings->allow_from.empty() || peer.address.empty() || contains(settings->allow_from, peer.address);
    const auto place = running->addresses->take(peer);
    if (!allowed || !place) {
        running->addresses->note_refusal(settings->spec.name, peer, allowed ? "max_per_address" : "allow_from");
        co_await turn_away(*settings, *stream, allowed);
        co_return;
    }
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

Task<void> Listeners::accept(std::shared_ptr<Running> running, std::shared_ptr<net::ConnectionBudget> whole, std::size_t socket,
                             async::Runtime& runtime, async::TaskGroup& sessions) {
    const auto settings = running->settings.load();
    net::AcceptOptions options;
    options.budget = running->budget;
    options.whole = std::move(whole);
    options.name = settings->spec.name;
    options.refusal = refusal(*settings, true);
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

std::shared_ptr<ListenerSettings> Listeners::settings_of(const schema::Listener& spec, const service::ConfigSnapshot& config,
                                                         std::string& problem) const {
    auto settings = std::make_shared<ListenerSettings>();
    settings->spec = spec;
    settings->hostname = config.server.hostname;
    settings->message_size = spec.max_message_size != 0 ? spec.max_message_size.count : config.server.message_size.count;
    settings->allow_from = schema::parse_networks(spec.allow_from);
    settings->proxy_from = schema::parse_networks(spec.proxy_from);
    if (spec.tls == "none")
        return settings;
    const auto server = certificates_.server(spec.certificate);
    if (!server) {
        problem = certificates_.problem(spec.certificate);
        return settings;
    }
    settings->tls = server->with_alpn(alpn_of(spec.protocol));
    if (spec.relay_certificates.empty())
        return settings;
    // Without its authorities no certificate is believed by name; those known by fingerprint still are.
    const auto authorities = spec.client_ca_file.empty() ? Result<std::string>(std::string()) : read_pem_file(spec.client_ca_file);
    auto asking = settings->tls->with_client_check(authorities ? *authorities : std::string());
    if (authorities && asking) {
        settings->tls = std::move(*asking);
        return settings;
    }
    problem = authorities ? spec.client_ca_file + ": " + asking.error().message : authorities.error().message;
    log(Event::certificate_failed, {{"listener", spec.name}, {"reason", problem}});
    if (auto by_fingerprint = settings->tls->with_client_check({}))
        settings->tls = std::move(*by_fingerprint);
    return settings;
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
        std::string tls_problem;
        auto settings = settings_of(spec, config, tls_problem);
        auto& running = running_[name];
        const bool is_new = !running;
        if (is_new) {
            running = std::make_shared<Running>();
            running->runner = runner_;
            running->ends = ends_;
            running->budget = std::make_shared<net::ConnectionBudget>(name, connection_limits(spec));
            running->addresses = std::make_shared<net::ConnectionBudget>(name, address_limits(spec));
        }
        running->budget->set_limits(connection_limits(spec));
        running->addresses->set_limits(address_limits(spec));
        settings->is_overloaded = [own = running->budget, whole = budget_] { return own->is_overloaded() || whole->is_overloaded(); };
        running->settings.store(std::move(settings));
        if (is_new) {
            open(name, *running);
            for (std::size_t i = 0; i < running->sockets.size(); ++i)
                accepting_.spawn(runtime_.executor(0), accept(running, budget_, i, runtime_, sessions_));
        }
        if (!running->sockets.empty())
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
                       running->sessions.load(), settings->is_overloaded(), running->problem});
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
