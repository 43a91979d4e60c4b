// Server sides of PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login); see mechanism.hpp for the protocol of calls.
#pragma once

#include "common/sasl/mechanism.hpp"

namespace mail::sasl {

class PlainServer final : public ServerMechanism {
  public:
    [[nodiscard]] Step start(std::optional<std::string_view> initial) override;
    [[nodiscard]] Step step(std::string_view response) override;
    [[nodiscard]] Step outcome(bool accepted) override;

  private:
    enum class State : std::uint8_t { fresh, wait_message, wait_outcome, ended };
    State state_ = State::fresh;
    std::string authcid_;
    std::string authzid_;
};

class LoginServer final : public ServerMechanism {
  public:
    [[nodiscard]] Step start(std::optional<std::string_view> initial) override;
    [[nodiscard]] Step step(std::string_view response) override;
    [[nodiscard]] Step outcome(bool accepted) override;

  private:
    enum class State : std::uint8_t { fresh, wait_name, wait_password, wait_outcome, ended };
    [[nodiscard]] Step take_name(std::string_view name);
    State state_ = State::fresh;
    std::string name_;
};

} // namespace mail::sasl
