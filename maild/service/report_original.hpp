// What a report gives back of the message it is about (RFC 6522 §3): all of it while that is small and the sender wants it,
// else the header section, for which only the beginning of the stored bytes is read. Used by delivery and by the queue.
#pragma once

#include "common/async/task.hpp"
#include "maild/store/store.hpp"

#include <string>

namespace mail::service {

struct ReportOriginal {
    std::string bytes;
    bool is_whole = false;
};

/// `whole`: all of it, unless it is larger than limit::report_message. A header section over limit::report_header ends with
/// the last whole line within. Empty when the bytes cannot be read: a report without them is better than none.
[[nodiscard]] Task<ReportOriginal> report_original(store::MailStore& mail, store::BlobRef blob, bool whole);

} // namespace mail::service
