// Upload: messages into a mailbox of maild, in batches that are durable one by one. Nothing is added that is there already.
#pragma once

#include "mailctl/session.hpp"
#include "mailctl/transfer/item.hpp"

#include <boost/json/fwd.hpp>
#include <map>
#include <set>
#include <string>

namespace mail::mailctl {

/// "/v1/mailboxes/ann@example.org/mail" and what follows.
[[nodiscard]] std::string mail_path(const std::string& mailbox, const std::string& rest = {});

class Upload {
  public:
    Upload(Session& session, std::string mailbox) : session_(session), mailbox_(std::move(mailbox)) {}

    [[nodiscard]] Result<void> put(MailItem item);
    /// Sends what waits.
    [[nodiscard]] Result<void> flush();
    /// UIDs of what the last flush() sent, in order; empty in a dry run.
    [[nodiscard]] const std::vector<std::uint32_t>& uids() const noexcept { return uids_; }

    /// UIDVALIDITY of the folder it went to.
    [[nodiscard]] std::uint32_t uid_validity() const noexcept { return uid_validity_; }

    struct Totals {
        std::uint64_t added = 0;
        std::uint64_t present = 0; ///< was there already
        std::set<std::string> folders;
    };
    [[nodiscard]] const Totals& totals() const noexcept { return totals_; }

  private:
    Session& session_;
    std::string mailbox_;
    std::string folder_;
    std::string body_;
    std::size_t waiting_ = 0;
    std::map<std::string, std::uint32_t> copies_; ///< of each message of this folder, by its hash
    std::vector<std::uint32_t> uids_;
    std::uint32_t uid_validity_ = 0;
    Totals totals_;
};

} // namespace mail::mailctl
