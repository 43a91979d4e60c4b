// Srs: the Sender Rewriting Scheme (SRS0 and SRS1). Mail that is forwarded leaves with a sender of ours, so that SPF of the
// original sender's domain does not refuse it, and reports find their way back. Such an address proves by a keyed hash
// that it was made here, and by a time stamp that this is not long ago: nobody else can make this server send for them.
// Pure but for the key; thread-safe.
//   SRS0=hash=time=domain=local@ours              of local@domain
//   SRS1=hash=first==hash=time=domain=local@ours  of SRS0=hash=time=domain=local@first: the way back ends at `first`
#pragma once

#include "common/base/time.hpp"
#include "common/mail/address.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace mail::service {

class Srs {
  public:
    /// Without a key no address is made, and none is taken for ours.
    explicit Srs(std::string key = {}) : key_(std::move(key)) {}
    /// The sender to use at `domain`; nullopt when its local part would be longer than 64 bytes (RFC 5321 §4.5.3.1.1):
    /// the mail then leaves with the sender that it has.
    [[nodiscard]] std::optional<Address> forward(const Address& sender, std::string_view domain, Time now) const;
    /// Whether a local part looks like one of the scheme's.
    [[nodiscard]] static bool is_srs(std::string_view local) noexcept;
    /// The address that one of ours stands for. Errors: not_found (not of the scheme, or forged), denied (too old).
    [[nodiscard]] Result<Address> reverse(const Address& address, Time now) const;

  private:
    [[nodiscard]] std::string hash(std::string_view text) const;
    std::string key_;
};

} // namespace mail::service
