// What the client session sends: an envelope with recipients, and a source of the message's bytes. Plain values of their
// own, so that the client knows nothing of the store. Addresses are as in an envelope, without angle brackets.
#pragma once

#include "common/async/task.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mail::smtp_client {

struct Recipient {
    std::string address;
    std::string original;    ///< ORCPT, still xtext, or empty; passed on where the server has DSN (RFC 3461 §5.2.1)
    std::uint8_t notify = 0; ///< smtp::notify bits, 0 = not given
};

struct Message {
    std::string sender;      ///< empty for the null reverse-path
    std::string envelope_id; ///< ENVID, still xtext, or empty
    bool return_headers_only = false; ///< RET=HDRS
    bool return_full = false;         ///< RET=FULL
    bool smtputf8 = false;   ///< was taken in with SMTPUTF8
    bool eight_bit = false;  ///< the body has 8-bit bytes
    bool binary = false;     ///< was taken in with BODY=BINARYMIME
    bool require_tls = false;
    std::vector<Recipient> recipients; ///< at least one, at most most_recipients
};
/// RFC 5321 §4.5.3.1.8: every server takes a hundred.
inline constexpr std::size_t most_recipients = 100;

/// The bytes of one message; read in order, possibly twice. Lives as long as the send() it is given to.
class MessageSource {
  public:
    virtual ~MessageSource() = default;
    [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;
    /// `length` bytes from `offset`, fewer only at the end.
    [[nodiscard]] virtual Task<Result<std::string>> read(std::uint64_t offset, std::uint64_t length) = 0;
};

class StringSource final : public MessageSource {
  public:
    explicit StringSource(std::shared_ptr<const std::string> bytes) : bytes_(std::move(bytes)) {}
    [[nodiscard]] std::uint64_t size() const noexcept override { return bytes_->size(); }
    [[nodiscard]] Task<Result<std::string>> read(std::uint64_t offset, std::uint64_t length) override;

  private:
    std::shared_ptr<const std::string> bytes_;
};

} // namespace mail::smtp_client
