#include "maild/admin/admin_server.hpp"

#include "common/base/limits.hpp"

#include <unistd.h>

namespace mail::admin {

AdminServer::AdminServer(async::Runtime& runtime, Services services) : runtime_(runtime), services_(std::move(services)) {}
AdminServer::~AdminServer() = default;

Task<void> AdminServer::serve(AdminServer* self, std::unique_ptr<net::Stream> stream) {
    Caller caller;
    const auto who = net::peer_credentials(*stream);
    caller.actor = who ? "uid:" + std::to_string(who->uid) : "unknown";
    caller.allowed = who && (who->uid == 0 || who->uid == ::geteuid());
    Api api(self->services_, std::move(caller));
    co_await net::serve_http(*stream, api);
}

Result<void> AdminServer::open(const std::string& path, const net::InheritedSockets* inherited) {
    net::BindAddress address;
    address.kind = net::BindKind::unix_socket;
    address.address = path;
    net::ListenOptions how;
    how.inherited = inherited;
    if (inherited != nullptr) {
        MAIL_TRY(const auto chosen, inherited->choose({address}));
        address = chosen.front();
    }
    MAIL_TRY(listener_, net::Listener::open(runtime_.executor(0), address, how));
    net::AcceptOptions options;
    options.name = "admin";
    options.budget = std::make_shared<net::ConnectionBudget>(std::size_t{limit::admin_connections}, 0);
    net::SessionStarter start = [this](std::unique_ptr<net::Stream> stream) { return serve(this, std::move(stream)); };
    accepting_.spawn(runtime_.executor(0),
                     net::accept_loop(*listener_, runtime_, connections_, std::move(start), std::move(options)));
    return {};
}

void AdminServer::close() {
    if (!listener_)
        return;
    listener_->close();
    accepting_.close();
    connections_.close();
    connections_.cancel();
    accepting_.cancel();
    connections_.wait(std::chrono::seconds(2));
    accepting_.wait(std::chrono::seconds(2));
}

} // namespace mail::admin
