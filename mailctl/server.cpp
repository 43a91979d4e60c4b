#include "mailctl/server.hpp"

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

} // namespace

std::unique_ptr<Server> connect_server(api::ClientOptions options) {
    return std::make_unique<SocketServer>(std::move(options));
}

} // namespace mail::mailctl
