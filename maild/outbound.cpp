#include "maild/outbound.hpp"

#include "common/base/log.hpp"
#include "common/net/dns.hpp"
#include "common/net/tls_context.hpp"
#include "maild/queue/outbound_config.hpp"
#include "maild/queue/scheduler.hpp"
#include "maild/service/delivery.hpp"

#include <sys/stat.h>
#include <unistd.h>

namespace mail {
namespace {
constexpr auto stop_time = std::chrono::seconds(3);
constexpr const char* root_key = "/usr/share/dns/root.key"; // package dns-root-data
constexpr const char* system_list = "/etc/resolv.conf";
constexpr auto look_again = std::chrono::seconds(2); ///< at the system's list

/// Tells versions of a file apart; empty: there is none.
std::string stamp_of(const char* path) {
    struct stat info {};
    if (::stat(path, &info) != 0)
        return {};
    return std::to_string(info.st_ino) + "/" + std::to_string(info.st_size) + "/" + std::to_string(info.st_mtim.tv_sec) + "." +
           std::to_string(info.st_mtim.tv_nsec);
}
} // namespace

Outbound::Outbound(store::Store& store, service::Delivery& delivery, service::ChangeBus& bus,
                   async::Runtime& runtime, async::WorkerPool& pool, const Clock& clock, std::string data_dir)
    : store_(store), delivery_(delivery), bus_(bus), runtime_(runtime), pool_(pool), clock_(clock),
      data_dir_(std::move(data_dir)) {}
Outbound::~Outbound() = default;

void Outbound::reconcile(const std::shared_ptr<const service::ConfigSnapshot>& snapshot) {
    auto config = queue::make_outbound_config(*snapshot);
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
    const auto& spec = snapshot->resolver;
    if (resolver_spec_ && resolver_spec_->servers == spec.servers && resolver_spec_->trust_anchor_file == spec.trust_anchor_file)
        return;
    renew_resolver(spec);
}

void Outbound::renew_resolver(const schema::Resolver& spec) {
    resolver_stamp_ = stamp_of(system_list);
    net::ResolverOptions options;
    options.servers = spec.servers;
    options.trust_anchor_file = spec.trust_anchor_file;
    // The packaged root key, unless private name servers are named: they may know nothing of the root.
    if (spec.trust_anchor_file.empty() && spec.servers.empty() && ::access(root_key, R_OK) == 0) {
        options.trust_anchor_file = root_key;
        options.lenient = true;
    }
    auto resolver = net::UnboundResolver::create(runtime_.executor(0), std::move(options));
    if (!resolver) {
        log(Event::server_failed, {{"reason", "resolver: " + resolver.error().message}});
        return; // the former one stays
    }
    resolver_ = std::move(*resolver);
    resolver_spec_ = spec;
}

std::shared_ptr<net::Resolver> Outbound::resolver() {
    const std::lock_guard lock(mutex_);
    const SteadyTime now = clock_.steady();
    if (resolver_spec_ && resolver_spec_->servers.empty() && now - looked_ >= look_again) {
        looked_ = now;
        const std::string stamp = stamp_of(system_list);
        if (!stamp.empty() && stamp != resolver_stamp_) {
            const schema::Resolver spec = *resolver_spec_;
            renew_resolver(spec);
        }
    }
    return resolver_;
}

Result<void> Outbound::start() {
    MAIL_TRY(tls_, net::TlsClient::create());
    queue::SchedulerServices services{store_, clock_, {}, {}, {}, runtime_.executor(0), {}, tls_.get(), &pool_, {}, {}, {}, {}, nullptr};
    services.config = [this] {
        const std::lock_guard lock(mutex_);
        return config_;
    };
    services.resolver = [this] { return resolver(); };
    services.plan_report = [this](const Address& sender, std::string message) {
        return delivery_.plan_report(sender, std::move(message));
    };
    services.is_here = [this](const store::QueueItem& item) { return delivery_.is_here(item); };
    services.plan_here = [this](const store::QueueItem& item, std::string message) {
        return delivery_.plan_released(item, std::move(message));
    };
    services.executor = [this] { return runtime_.next(); };
    services.journal = data_dir_ + "/in-work";
    queue::StsFetchOptions sts;
    sts.tls = tls_.get();
    services.sts_file = data_dir_ + "/mta-sts";
    services.fetch_sts = queue::make_sts_fetch(sts);
    services.observer = observer_;
    scheduler_ = std::make_unique<queue::Scheduler>(std::move(services));
    token_ = bus_.watch_all([this](const store::Changes& changes) {
        if (changes.queue)
            scheduler_->wake();
    });
    scheduler_->start();
    return {};
}

Task<Result<queue::Way>> Outbound::way(std::string sender, std::string recipient) {
    if (!scheduler_)
        co_return fail(ErrorCode::unavailable, "the server does not deliver yet");
    co_return co_await scheduler_->way(std::move(sender), std::move(recipient));
}

Task<Result<void>> Outbound::probe(std::string sender, std::string recipient, queue::StageWatcher& watcher) {
    if (!scheduler_)
        co_return fail(ErrorCode::unavailable, "the server does not deliver yet");
    co_return co_await scheduler_->probe(std::move(sender), std::move(recipient), watcher);
}

void Outbound::stop() {
    token_.reset();
    if (scheduler_ && !scheduler_->stop(stop_time))
        log(Event::server_stopping, {{"reason", "some deliveries were cut short; they are tried again"}});
}

} // namespace mail
