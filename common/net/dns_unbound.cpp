#include "common/async/signal.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/net/bind.hpp"
#include "common/net/dns.hpp"

#include <atomic>
#include <map>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <unbound.h>
#include <unistd.h>

namespace mail::net {
namespace asio = boost::asio;
namespace {

struct ContextDelete {
    void operator()(ub_ctx* context) const noexcept { ub_ctx_delete(context); }
};
using ContextPtr = std::unique_ptr<ub_ctx, ContextDelete>;

/// "address@port" as libunbound wants it; empty when `server` is malformed.
std::string forward_address(std::string_view server) {
    if (is_ipv4(server) || is_ipv6(server))
        return std::string(server) + "@53";
    const auto parsed = parse_bind(server);
    if (!parsed || parsed->size() != 1 || parsed->front().address.empty() || parsed->front().port == 0)
        return {};
    return parsed->front().address + "@" + std::to_string(parsed->front().port);
}

Result<DnsRecords> read_result(const std::string& name, const ub_result& result) {
    const std::string shown = text::escape(name, 300);
    if (result.bogus != 0)
        return fail(ErrorCode::temporary, "the DNS answer for " + shown + " fails DNSSEC validation" +
                                              (result.why_bogus != nullptr ? ": " + text::escape(result.why_bogus) : ""));
    if (result.nxdomain != 0)
        return fail(ErrorCode::not_found, "the name " + shown + " does not exist");
    if (result.rcode != 0)
        return fail(ErrorCode::temporary, "DNS has no answer for " + shown + " now (response code " +
                                              std::to_string(result.rcode) + ")");
    if (result.havedata == 0)
        return fail(ErrorCode::not_found, "the name " + shown + " has no such record");
    DnsRecords records;
    for (int i = 0; result.data[i] != nullptr; ++i)
        records.rdata.emplace_back(result.data[i], static_cast<std::size_t>(result.len[i]));
    records.secure = result.secure != 0;
    records.ttl = static_cast<std::uint32_t>(std::max(result.ttl, 0));
    const auto canonical = result.canonname != nullptr ? std::string_view(result.canonname) : std::string_view(name);
    records.canonical = text::to_lower(canonical.ends_with('.') ? canonical.substr(0, canonical.size() - 1) : canonical);
    return records;
}

bool is_queryable(std::string_view name) {
    if (name.empty() || name.size() > 253)
        return false;
    for (const char c : name)
        if (static_cast<unsigned char>(c) <= 32 || static_cast<unsigned char>(c) >= 127 || c == '\\')
            return false;
    return true;
}

Result<void> configure(ub_ctx* context, const ResolverOptions& options) {
    const auto set = [context](const char* option, const char* value) { (void)ub_ctx_set_option(context, option, value); };
    set("use-syslog:", "no");
    set("verbosity:", "0");
    set("msg-cache-size:", "4m");
    set("rrset-cache-size:", "8m");
    set("key-cache-size:", "1m");
    set("neg-cache-size:", "1m");
    if (options.lenient)
        set("val-permissive-mode:", "yes");
    set("infra-keep-probing:", "yes"); // a server that was away is found again soon
    if (ub_ctx_async(context, 1) != 0)
        return fail(ErrorCode::internal, "the resolver cannot run in the background");
    if (!options.trust_anchor_file.empty()) {
        // libunbound itself opens the file only at the first query, and then fails them all.
        const bool readable = ::access(options.trust_anchor_file.c_str(), R_OK) == 0;
        if (!readable || ub_ctx_add_ta_file(context, options.trust_anchor_file.c_str()) != 0)
            return fail(ErrorCode::invalid, "the trust anchor " + options.trust_anchor_file + " cannot be read");
    }
    if (options.servers.empty()) {
        if (const int error = ub_ctx_resolvconf(context, nullptr); error != 0)
            return fail(ErrorCode::unavailable, std::string("/etc/resolv.conf cannot be read: ") + ub_strerror(error));
        return {};
    }
    // The administrator's servers answer for every name, also where libunbound would not ask: on this machine, for
    // private addresses, and below the special-use names of RFC 6761.
    set("do-not-query-localhost:", "no");
    set("unblock-lan-zones:", "yes");
    set("insecure-lan-zones:", "yes");
    for (const auto& server : options.servers) {
        const std::string address = forward_address(server);
        if (address.empty() || ub_ctx_set_fwd(context, address.c_str()) != 0)
            return fail(ErrorCode::invalid, "\"" + text::escape(server, 100) + "\" is no DNS server address",
                        "use \"192.0.2.1\", \"192.0.2.1:53\" or \"[2001:db8::1]:53\"");
    }
    for (const char* zone : {"test.", "invalid.", "home.arpa."}) // last: this ends the configuration
        (void)ub_ctx_zone_remove(context, zone);
    return {};
}

} // namespace

/// Lives on `executor`; only start() and stop() are posted there from elsewhere.
struct UnboundResolver::State : std::enable_shared_from_this<State> {
    State(const async::Executor& where, ContextPtr made, Duration patience)
        : executor(where), context(std::move(made)), descriptor(where, ub_fd(context.get())), timeout(patience) {}
    ~State() {
        (void)descriptor.release(); // the descriptor is libunbound's
    }

    struct Pending {
        Pending(const async::Executor& where, State& owner, std::string asked, async::Completion<DnsRecords> completion)
            : state(owner), name(std::move(asked)), done(std::move(completion)), timer(where) {}
        State& state;
        std::string name;
        async::Completion<DnsRecords> done;
        asio::steady_timer timer;
        std::uint64_t number = 0;
        int id = 0; ///< libunbound's
    };

    void start(const std::string& name, DnsType type, const async::Completion<DnsRecords>& done);
    void listen();
    void expire(std::uint64_t number);
    void stop();
    void finish(std::uint64_t number, Result<DnsRecords> result);
    static void answered(void* data, int error, ub_result* result);

    async::Executor executor;
    ContextPtr context;
    asio::posix::stream_descriptor descriptor;
    Duration timeout;
    std::map<std::uint64_t, std::unique_ptr<Pending>> pending;
    std::uint64_t next_number = 1;
    bool listening = false;
    bool stopped = false;
};

void UnboundResolver::State::start(const std::string& name, DnsType type, const async::Completion<DnsRecords>& done) {
    if (stopped || pending.size() >= static_cast<std::size_t>(limit::dns_pending)) {
        done.set(fail(ErrorCode::temporary, stopped ? "the resolver was replaced" : "too many DNS queries are waiting"));
        return;
    }
    auto entry = std::make_unique<Pending>(executor, *this, name, done);
    Pending& query = *entry;
    query.number = next_number++;
    pending.emplace(query.number, std::move(entry));
    const int error = ub_resolve_async(context.get(), name.c_str(), static_cast<int>(type), 1, &query, answered, &query.id);
    if (error != 0) {
        finish(query.number, fail(ErrorCode::temporary, std::string("DNS cannot be asked: ") + ub_strerror(error)));
        return;
    }
    // libunbound has no time-out of its own for one query.
    query.timer.expires_after(timeout);
    query.timer.async_wait([weak = weak_from_this(), number = query.number](boost::system::error_code failed) {
        const auto self = weak.lock();
        if (self && !failed)
            self->expire(number);
    });
    listen();
}

void UnboundResolver::State::listen() {
    if (listening || stopped || pending.empty())
        return;
    listening = true;
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [weak = weak_from_this()](boost::system::error_code failed) {
                              const auto self = weak.lock();
                              if (!self)
                                  return;
                              self->listening = false;
                              if (failed || self->stopped)
                                  return;
                              (void)ub_process(self->context.get());
                              self->listen();
                          });
}

void UnboundResolver::State::answered(void* data, int error, ub_result* result) {
    auto& query = *static_cast<Pending*>(data);
    Result<DnsRecords> records = fail(ErrorCode::temporary, std::string("DNS failed: ") + ub_strerror(error));
    if (error == 0 && result != nullptr)
        records = read_result(query.name, *result);
    ub_resolve_free(result);
    query.state.finish(query.number, std::move(records));
}

void UnboundResolver::State::expire(std::uint64_t number) {
    const auto found = pending.find(number);
    if (found == pending.end())
        return;
    (void)ub_cancel(context.get(), found->second->id);
    finish(number, fail(ErrorCode::temporary, "no DNS answer for " + text::escape(found->second->name, 300) + " in time"));
}

void UnboundResolver::State::finish(std::uint64_t number, Result<DnsRecords> result) {
    auto node = pending.extract(number);
    if (!node.empty())
        node.mapped()->done.set(std::move(result));
}

void UnboundResolver::State::stop() {
    stopped = true;
    while (!pending.empty()) {
        (void)ub_cancel(context.get(), pending.begin()->second->id);
        finish(pending.begin()->first, fail(ErrorCode::temporary, "the resolver was replaced"));
    }
    descriptor.cancel();
}

UnboundResolver::UnboundResolver(std::shared_ptr<State> state) : state_(std::move(state)) {}

UnboundResolver::~UnboundResolver() {
    asio::post(state_->executor, [state = state_] { state->stop(); });
}

Result<std::unique_ptr<UnboundResolver>> UnboundResolver::create(const async::Executor& executor, ResolverOptions options) {
    ContextPtr context(ub_ctx_create());
    if (!context)
        return fail(ErrorCode::temporary, "the resolver cannot be made");
    MAIL_DO(configure(context.get(), options));
    auto state = std::make_shared<State>(executor, std::move(context), options.timeout);
    return std::unique_ptr<UnboundResolver>(new UnboundResolver(std::move(state)));
}

Task<Result<DnsRecords>> UnboundResolver::query(std::string name, DnsType type) {
    if (!is_queryable(name))
        co_return fail(ErrorCode::not_found, "\"" + text::escape(name, 100) + "\" is no domain name");
    async::Completion<DnsRecords> done;
    asio::post(state_->executor, [state = state_, name = std::move(name), type, done] { state->start(name, type, done); });
    co_return co_await done.get();
}

} // namespace mail::net
