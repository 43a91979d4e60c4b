// House: a whole maild in one process on the in-memory store, without its sockets: what a transcript is played against. The
// resources come through the same road as mailctl apply. One House per play; nothing is shared.
#pragma once

#include "maild/admin/resources.hpp"
#include "maild/service/delivery.hpp"
#include "maild/sessions.hpp"
#include "tests/harness/transcript.hpp"

#include <memory>

namespace mail::harness {

class House {
  public:
    House();
    ~House();

    /// A resource or message as a transcript's `given` line says it. Errors: what was wrong with it.
    [[nodiscard]] Result<void> add(const Given& given);
    /// Settings of a listener of `protocol` ("smtp", "submission", "lmtp", "imap", "pop3").
    [[nodiscard]] std::shared_ptr<const ListenerSettings> listener(const std::string& protocol, bool plaintext) const;
    [[nodiscard]] const SessionServices& services() const noexcept;
    [[nodiscard]] async::TaskGroup& companions() noexcept;

  private:
    [[nodiscard]] Result<void> add_resource(const Given& given);
    [[nodiscard]] Result<void> add_message(const Given& given);
    struct State;
    std::unique_ptr<State> state_;
};

/// Certificate and key of the tests' TLS servers, made once per process for localhost and 127.0.0.1.
[[nodiscard]] const net::TlsCertificate& test_certificate();

} // namespace mail::harness
