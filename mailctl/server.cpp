#include "mailctl/server.hpp"

#include "mailctl/context.hpp"

namespace mail::mailctl {
namespace {

class SocketServer final : public Server {
  public:
    explicit SocketServer(api::ClientOptions options) : client_(std::move(options)) {}
    Result<api::Reply> call(api::Call call) override { return advised(client_.call(std::move(call))); }
    Result<void> watch(std::string_view path, std::function<bool(std::string_view)> line, Duration idle) override {
        return advised(client_.watch(path, std::move(line), idle));
    }
    const api::Problem* problem() const override { return client_.problem(); }

  private:
    /// Says what a person at this command line can do when there is no answer at all.
    template <class T> Result<T> advised(Result<T> result) const {
        if (!result && client_.problem() == nullptr && result.error().code == ErrorCode::unavailable)
            result.error().hint = "is maild running? see: systemctl status maild; for another socket use --socket or MAILD_SOCKET";
        return result;
    }

    api::Client client_;
};

/// A server that could not even be tried; says why at every call.
class Unreachable final : public Server {
  public:
    explicit Unreachable(Error why) : why_(std::move(why)) {}
    Result<api::Reply> call(api::Call) override { return fail(why_); }
    Result<void> watch(std::string_view, std::function<bool(std::string_view)>, Duration) override { return fail(why_); }
    const api::Problem* problem() const override { return nullptr; }

  private:
    Error why_;
};

/// The same behind an ssh tunnel, which lives as long.
class SshServer final : public Server {
  public:
    SshServer(std::unique_ptr<Tunnel> tunnel, api::ClientOptions options) : tunnel_(std::move(tunnel)), inner_(std::move(options)) {}
    Result<api::Reply> call(api::Call call) override { return inner_.call(std::move(call)); }
    Result<void> watch(std::string_view path, std::function<bool(std::string_view)> line, Duration idle) override {
        return inner_.watch(path, std::move(line), idle);
    }
    const api::Problem* problem() const override { return inner_.problem(); }

  private:
    std::unique_ptr<Tunnel> tunnel_;
    SocketServer inner_;
};

} // namespace

std::unique_ptr<Server> connect_server(api::ClientOptions options) {
    if (options.socket_path.starts_with("ssh://")) {
        const auto remote = parse_remote(options.socket_path);
        if (!remote)
            return std::make_unique<Unreachable>(remote.error());
        auto tunnel = std::make_unique<Tunnel>();
        auto local = tunnel->open(*remote, options.timeout);
        if (!local)
            return std::make_unique<Unreachable>(local.error());
        options.socket_path = *local;
        return std::make_unique<SshServer>(std::move(tunnel), std::move(options));
    }
    return std::make_unique<SocketServer>(std::move(options));
}

} // namespace mail::mailctl
