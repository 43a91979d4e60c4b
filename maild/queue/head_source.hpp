// A message whose header section is another one than in the store: what masquerading makes of it on the way out.
#pragma once

#include "maild/service/masquerade.hpp"
#include "maild/smtp_client/message.hpp"

#include <optional>
#include <string>

namespace mail::queue {

/// `inner` with its first `replaced` bytes being `head`. References inner.
class HeadSource final : public smtp_client::MessageSource {
  public:
    HeadSource(smtp_client::MessageSource& inner, std::string head, std::uint64_t replaced)
        : inner_(&inner), head_(std::move(head)), replaced_(replaced) {}
    [[nodiscard]] std::uint64_t size() const noexcept override { return inner_->size() - replaced_ + head_.size(); }
    [[nodiscard]] Task<Result<std::string>> read(std::uint64_t offset, std::uint64_t length) override;

  private:
    smtp_client::MessageSource* inner_;
    std::string head_;
    std::uint64_t replaced_;
};

/// The source to send instead of `inner`; nullopt: `inner` itself. A header section over limit::header_bytes stays as it is.
[[nodiscard]] Task<Result<std::optional<HeadSource>>> masqueraded(smtp_client::MessageSource& inner,
                                                                 const service::Masquerade& masquerade);

} // namespace mail::queue
