// What import and export carry: one message with its place, flags and date; where it comes from and where it goes to. Sources
// and targets are maildirs, mbox files, EML trees and other servers; none of them knows of maild.
#pragma once

#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mail::mailctl {

struct MailItem {
    std::string folder; ///< UTF-8 path with '/', "INBOX" for the inbox
    std::vector<std::string> flags; ///< system flags with their backslash, keywords without
    Time date{};        ///< INTERNALDATE
    std::string bytes;
    std::string origin; ///< where it came from, for people
};

/// Messages one after another. What cannot be taken is told through `skipped` and left out.
class MailSource {
  public:
    virtual ~MailSource() = default;
    /// nullopt at the end. Errors end the whole import.
    [[nodiscard]] virtual Result<std::optional<MailItem>> next() = 0;
    /// Of all bytes there are to read; for the progress bar.
    [[nodiscard]] virtual std::uint64_t bytes_done() const noexcept = 0;
    [[nodiscard]] virtual std::uint64_t bytes_total() const noexcept = 0;

    struct Skipped {
        std::string origin;
        std::string why;
    };
    /// What was left out since the last call.
    [[nodiscard]] std::vector<Skipped> take_skipped() { return std::exchange(skipped_, {}); }

  protected:
    void skip(std::string origin, std::string why) { skipped_.push_back({std::move(origin), std::move(why)}); }

  private:
    std::vector<Skipped> skipped_;
};

/// Where exported messages go. Folders come one after another, each with its messages.
class MailTarget {
  public:
    virtual ~MailTarget() = default;
    [[nodiscard]] virtual Result<void> begin_folder(const std::string& name) = 0;
    [[nodiscard]] virtual Result<void> put(const MailItem& item) = 0;
    [[nodiscard]] virtual Result<void> end_folder() = 0;
};

/// CR LF line ends for text that has none: files of mail on Unix end their lines with LF. Text with any CR is kept as it is.
[[nodiscard]] std::string with_crlf(std::string text);
/// The value of the Date field, if it can be read.
[[nodiscard]] std::optional<Time> date_of(std::string_view message);

} // namespace mail::mailctl
