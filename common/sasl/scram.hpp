// Server side of SCRAM-SHA-256 (RFC 5802 §3 and §7, RFC 7677); see mechanism.hpp for the protocol of calls.
// The server's signature goes out as a challenge and the client answers it with an empty response (RFC 4422 §4),
// because SMTP, IMAP4rev1 and POP3 have no data with success.
#pragma once

#include "common/sasl/mechanism.hpp"

namespace mail::sasl {

class ScramServer final : public ServerMechanism {
  public:
    /// `plus`: the client chose the -PLUS name. A binding with data means that -PLUS is offered on this connection.
    ScramServer(std::string nonce, bool plus, ChannelBinding binding)
        : server_nonce_(std::move(nonce)), plus_(plus), binding_(std::move(binding)) {}
    [[nodiscard]] Step start(std::optional<std::string_view> initial) override;
    [[nodiscard]] Step step(std::string_view response) override;
    [[nodiscard]] Step verifier(const Verifier& verifier) override;

  private:
    enum class State : std::uint8_t { fresh, wait_first, wait_verifier, wait_final, wait_empty, ended };
    [[nodiscard]] Step take_first(std::string_view message);
    [[nodiscard]] Step take_final(std::string_view message);
    [[nodiscard]] Step give_up(std::string reason, bool malformed);

    State state_ = State::fresh;
    std::string server_nonce_;
    bool plus_;
    ChannelBinding binding_;
    std::string expected_binding_; ///< gs2 header and binding data: what c= must say
    std::string nonce_;            ///< the client's and ours
    std::string transcript_;       ///< AuthMessage so far
    std::string username_;
    std::string authzid_;
    Verifier verifier_;
};

} // namespace mail::sasl
