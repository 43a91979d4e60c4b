// ImapPull: the folders and messages of a mailbox on another IMAP server into one of maild, incrementally. What was fetched is
// remembered beside the mailbox, folder by folder: the other server's UIDVALIDITY, which of its UIDs became which of ours, and
// how far its changes of flags were seen. So a repeated pull fetches new messages and changed flags only, and one that was
// interrupted goes on. Nothing is deleted here or there.
#pragma once

#include "common/imap_client/session.hpp"
#include "mailctl/session.hpp"
#include "mailctl/transfer/progress.hpp"
#include "mailctl/transfer/upload.hpp"

#include <boost/json/fwd.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace mail::mailctl {

struct PullOptions {
    std::string host;
    std::uint16_t port = 993;
    imap_client::OpenOptions open;
    std::vector<std::string> folders; ///< their names there, UTF-8 with '/'; empty: all
};

/// What is remembered of one folder.
struct PullState {
    std::uint32_t uid_validity = 0; ///< there
    std::uint32_t local_validity = 0;
    std::uint64_t modseq = 0;  ///< flags were seen up to here; 0: the server has no CONDSTORE
    std::string flags_digest;  ///< without CONDSTORE: of all flags as they were seen last
    std::uint32_t last = 0;    ///< highest UID there that was looked at
    struct Run {
        std::uint32_t from = 0, to = 0, count = 0; ///< from.. there became to.. here
    };
    std::vector<Run> runs;

    void add(std::uint32_t from, std::uint32_t to);
    /// Our UID of one of theirs, or 0.
    [[nodiscard]] std::uint32_t local(std::uint32_t uid) const;
    [[nodiscard]] std::string text() const;
    /// What is no state reads as none: everything is looked at again, and nothing is added twice.
    [[nodiscard]] static PullState parse(std::string_view text);
};

/// A name as LIST gives it, as a folder here. `prefix`: of the personal namespace ("INBOX."), not part of it. Pure.
[[nodiscard]] std::optional<std::string> local_folder_name(std::string_view listed, char delimiter, std::string_view prefix, bool utf8);

class ImapPull {
  public:
    ImapPull(Session& session, std::string mailbox, PullOptions options)
        : session_(session), mailbox_(std::move(mailbox)), options_(std::move(options)), upload_(session, mailbox_), progress_(session) {}

    /// All of it, on the calling thread.
    [[nodiscard]] Result<void> run();
    [[nodiscard]] const Upload::Totals& totals() const noexcept { return upload_.totals(); }
    [[nodiscard]] std::uint64_t flags_changed() const noexcept { return flags_changed_; }
    [[nodiscard]] const std::vector<MailSource::Skipped>& skipped() const noexcept { return skipped_; }

  private:
    struct Folder {
        std::string listed; ///< as it is named on the wire
        std::string name;   ///< here
        std::uint64_t messages = 0;
    };
    struct Envelope {
        std::uint32_t uid = 0;
        std::uint64_t size = 0;
        std::vector<std::string> flags;
        Time date{};
    };
    [[nodiscard]] static std::string flags_digest(const std::vector<Envelope>& messages);
    Task<void> pull(Result<void>& outcome);
    [[nodiscard]] Task<Result<void>> pull_all();
    [[nodiscard]] Task<Result<std::vector<Folder>>> list();
    [[nodiscard]] Task<Result<std::string>> personal_prefix();
    [[nodiscard]] Task<Result<void>> pull_folder(Folder folder);
    [[nodiscard]] Task<Result<std::vector<Envelope>>> look_at(std::string uids, std::uint64_t changed_since);
    [[nodiscard]] Task<Result<void>> fetch_new(const Folder& folder, PullState& state);
    [[nodiscard]] Task<Result<void>> fetch_batch(const Folder& folder, std::vector<Envelope> batch, PullState& state);
    [[nodiscard]] Task<Result<void>> update_flags(const Folder& folder, PullState& state, std::uint64_t modseq);
    [[nodiscard]] Task<Result<void>> note_flags(PullState& state);
    [[nodiscard]] Result<void> send_flags(const Folder& folder, const std::vector<Envelope>& changed, const PullState& state);
    [[nodiscard]] Result<PullState> load(const std::string& folder);
    [[nodiscard]] Result<void> save(const std::string& folder, const PullState& state);
    [[nodiscard]] std::string local_name(const std::string& name, const std::vector<std::string>& attributes) const;

    Session& session_;
    std::string mailbox_;
    PullOptions options_;
    Upload upload_;
    Progress progress_;
    std::unique_ptr<imap_client::Session> server_;
    std::map<std::string, std::string> special_;            ///< "\Sent" -> our folder
    std::map<std::string, std::uint32_t> local_validities_; ///< of our folders as they were at the start
    std::vector<MailSource::Skipped> skipped_;
    std::uint64_t flags_changed_ = 0;
    std::uint64_t done_ = 0, total_ = 0;
};

} // namespace mail::mailctl
