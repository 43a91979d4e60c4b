// Facts: the search and sort keys of an item, packed into store::Derived::facts. The format is versioned: facts of another
// version are taken as missing and computed again, so the format may change freely.
#pragma once

#include "common/base/time.hpp"
#include "maild/store/accept_model.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail {
struct Derived;
}

namespace mail::service {

struct Facts {
    std::optional<Time> date_sent;
    std::optional<Time> date_sent_day; ///< the day in the sender's zone
    bool is_reply = false;
    bool has_attachment = false;
    std::string base_subject, message_id, subject, from, to, cc, from_display, to_display, from_text, preview;
    std::vector<std::string> references;
};

[[nodiscard]] std::string pack_facts(const mail::Derived& derived);
/// nullopt: of another version or damaged.
[[nodiscard]] std::optional<Facts> unpack_facts(std::string_view packed);
/// Everything derived from the bytes of one blob.
[[nodiscard]] store::Derived derive_item(store::BlobId blob, std::string_view bytes);
/// What a message brings along when it is stored in somebody's folder: some ten microseconds now instead of a second when a
/// client first opens a large folder. Nothing for larger messages, whose turn comes with the Indexer.
[[nodiscard]] std::optional<store::Derived> derive_at_once(const store::AcceptPlan& plan);

} // namespace mail::service
