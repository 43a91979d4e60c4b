// Drop: delivery into a folder: each message becomes a file NAME.eml with "X-Sender:" and one "X-Receiver:" per recipient
// above its header, as the SMTP service of IIS writes it. A file appears whole and synced or not at all.
#pragma once

#include "maild/queue/outbound.hpp"

namespace mail::queue {

/// A file of a drop folder while it is written, under a name that begins with a dot. Blocking calls: for the worker pool.
class DropFile {
  public:
    /// Errors: unavailable. The folder is made when it is not there.
    [[nodiscard]] static Result<std::shared_ptr<DropFile>> create(const std::string& directory, const std::string& name);
    ~DropFile(); ///< what was not finished is removed
    DropFile(const DropFile&) = delete;
    DropFile& operator=(const DropFile&) = delete;
    [[nodiscard]] Result<void> append(std::string_view bytes);
    /// Synced and under its own name, replacing what a former attempt that nobody heard of had left.
    [[nodiscard]] Result<void> finish();

  private:
    DropFile(std::string directory, std::string name, int fd) : directory_(std::move(directory)), name_(std::move(name)), fd_(fd) {}
    [[nodiscard]] std::string path(bool final) const;
    std::string directory_;
    std::string name_;
    int fd_ = -1;
};

/// The first lines of a dropped file.
[[nodiscard]] std::string drop_head(const Job& job);
/// Writes one message; how that ended counts for all recipients of the job.
[[nodiscard]] Task<smtp_client::Outcome> drop(Outbound& outbound, const Job& job, std::string directory);

} // namespace mail::queue
