// How long things stay, as the routes tell it: the ages that hold for one mailbox, and times that may be missing.
#pragma once

#include "maild/service/snapshot.hpp"
#include "maild/store/recovery_model.hpp"

#include <boost/json/value.hpp>

namespace mail::admin {

struct MailboxAges {
    Duration recoverable{};
    std::uint64_t recoverable_bytes = 0;
    Duration removed{};
};
/// The mailbox's own word first, then its domain's, then the policy's.
[[nodiscard]] MailboxAges ages_of(const service::ConfigSnapshot& config, std::string_view mailbox, const store::AccountKeeping& keeping);

[[nodiscard]] boost::json::value time_json(std::optional<Time> time);
/// When a hold ends; null: never by itself, or there is none.
[[nodiscard]] boost::json::value hold_end_json(const store::AccountKeeping& keeping);

} // namespace mail::admin
