// Entries of the history for what changes no resource: messages that came back, mail that is gone for good. Their operations
// look like those of a plan, so that whoever reads the history reads one kind of thing.
#pragma once

#include "maild/store/resource_model.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mail::service {

/// The actor of what the server does by itself, by ages and rules.
inline constexpr std::string_view own_actor = "maild";

struct Happening {
    std::string actor;
    std::string_view action; ///< "restore" or "purge"
    std::string mailbox;     ///< empty: not of one mailbox
    std::string summary;     ///< for people: "restored 3 messages of mailbox ann@example.org into Archive"
    std::vector<std::pair<std::string, std::string>> counts; ///< what it concerned, and how many
};

[[nodiscard]] store::HistoryEntry history_entry(const Happening& happening);
/// "1 message", "3 messages".
[[nodiscard]] std::string messages_text(std::size_t count);

} // namespace mail::service
