// OutputTree: a directory that an export fills. It must be empty or not exist, so that nothing is overwritten or mixed. Files
// are only ever created, never followed or replaced.
#pragma once

#include "mailctl/transfer/tree.hpp"

#include <memory>
#include <optional>

namespace mail::mailctl {

class OutputTree {
  public:
    /// Errors: conflict (something is in it), denied, not_found (no parent).
    [[nodiscard]] static Result<OutputTree> create(const std::string& directory);
    /// With its parents; one that is there is no error.
    [[nodiscard]] Result<void> make_directory(const std::string& path);
    /// A new file with these bytes and this time of modification. Errors: conflict, no_space, denied.
    [[nodiscard]] Result<void> write(const std::string& path, std::string_view bytes, std::optional<Time> modified);
    /// A new file to append to.
    [[nodiscard]] Result<Descriptor> open(const std::string& path);
    [[nodiscard]] static Result<void> append(const Descriptor& file, std::string_view bytes);

  private:
    Descriptor root_;
};

class MailTarget;
/// Writes one mbox file per folder: "INBOX.mbox", "Work/2024.mbox".
[[nodiscard]] Result<std::unique_ptr<MailTarget>> open_mbox_target(const std::string& directory);
/// Writes one directory per folder with a file per message, and an index.ndjson of flags and dates.
[[nodiscard]] Result<std::unique_ptr<MailTarget>> open_eml_target(const std::string& directory);

} // namespace mail::mailctl
