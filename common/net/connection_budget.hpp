// ConnectionBudget: how many connections may be open, in all and from one address; and whether so many are open that
// sessions should be short with their clients. Overload begins when limit::overload_percent of the total are taken and ends
// when limit::overload_end_percent are, so that it does not flicker; both are logged. Thread-safe; shared by its tokens.
#pragma once

#include "common/net/stream.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mail::net {

struct ConnectionLimits {
    std::size_t total = 0;       ///< 0: no limit
    std::size_t per_address = 0; ///< 0: no limit
    bool count_loopback = false; ///< loopback peers have a limit per address too
};

class ConnectionBudget : public std::enable_shared_from_this<ConnectionBudget> {
  public:
    class Token {
      public:
        Token(std::shared_ptr<ConnectionBudget> budget, std::string address);
        Token(Token&&) noexcept = default;
        Token& operator=(Token&&) = delete;
        ~Token();

      private:
        std::shared_ptr<ConnectionBudget> budget_;
        std::string address_;
    };

    ConnectionBudget(std::size_t total, std::size_t per_address);
    /// `name` is what the log says of it: a listener, or the whole server.
    ConnectionBudget(std::string name, ConnectionLimits limits);
    ~ConnectionBudget();

    /// Null when a limit is reached.
    [[nodiscard]] std::optional<Token> take(const Peer& peer);
    /// Holds for connections to come; open ones stay.
    void set_limits(ConnectionLimits limits);
    [[nodiscard]] std::size_t open() const;
    [[nodiscard]] bool is_overloaded() const noexcept;
    /// Logs that `peer` was turned away because of `limit`; a flood of them makes one line a second.
    void note_refusal(std::string_view listener, const Peer& peer, std::string_view limit);

  private:
    void give_back(const std::string& address) noexcept;
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace mail::net
