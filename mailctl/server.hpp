// The server as commands see it: calls in, replies out. The real one speaks HTTP on the admin socket; unit tests put
// a table of answers in its place. Blocking; one thread.
#pragma once

#include "common/api/client.hpp"

#include <functional>
#include <memory>
#include <string>

namespace mail::mailctl {

class Server {
  public:
    virtual ~Server() = default;
    [[nodiscard]] virtual Result<api::Reply> call(api::Call call) = 0;
    [[nodiscard]] virtual Result<void> watch(std::string_view path, std::function<bool(std::string_view)> line,
                                             Duration idle) = 0;
    /// Details of the last failed call; null when there was no response.
    [[nodiscard]] virtual const api::Problem* problem() const = 0;
};

/// A socket_path that begins with ssh:// is reached through ssh (context.hpp).
[[nodiscard]] std::unique_ptr<Server> connect_server(api::ClientOptions options);

} // namespace mail::mailctl
