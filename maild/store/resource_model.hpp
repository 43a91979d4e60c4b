// Resources (domains, mailboxes, routes ...) as the store keeps them: a name, a spec as JSON text, and index
// rows. What a spec means is the schema's business; the store only keeps it, numbers it and answers by name
// and by address.
#pragma once

#include "maild/store/recovery_model.hpp"

namespace mail::store {

struct Resource {
    std::string kind;
    std::string name;          ///< canonical key
    std::string spec;          ///< JSON object, secrets included (verifiers, never passwords)
    std::string set;           ///< which apply set owns it; empty: made by hand
    std::uint64_t version = 0; ///< revision of its last change
    Time created{};
    Time updated{};
};

/// An address key that leads to a resource. One key leads to one resource at most.
struct AddressEntry {
    std::string key; ///< address_key()
    std::string kind;
    std::string name;
};

struct ResourceWrite {
    enum class Action : std::uint8_t { put, remove };
    Action action = Action::put;
    std::string kind;
    std::string name;
    std::string spec;
    std::string set;
    std::vector<std::string> addresses; ///< keys this resource answers to; replaces the former ones
    bool has_account = false;           ///< keep an account with the default folders for it (kind mailbox)
    AccountKeeping keeping{};           ///< of that account
    AccountId reconnect = 0;            ///< this removed account instead of a new one. Errors: not_found, conflict
};

/// One transaction: all or nothing. `base_revision` not equal to the present revision: stale, nothing is
/// written.
struct ResourceBatch {
    std::optional<std::uint64_t> base_revision;
    std::vector<ResourceWrite> writes;
    std::string actor;        ///< "uid:0", "apply:/path"
    std::string summary;      ///< for the history
    std::string operations;   ///< JSON text of the plan, secrets redacted
    std::string applied_hash; ///< remembered under "applied" when not empty (maild serve --apply)
};

/// What somebody changed, or what happened to mail by somebody's word or by a rule.
struct HistoryEntry {
    std::uint64_t number = 0;   ///< ascends
    std::uint64_t revision = 0; ///< of the configuration it made; 0: no resource changed
    Time at{};
    std::string actor;
    std::string set;
    std::string summary;
    std::string operations;
};

struct ResourcePage {
    std::string kind;
    std::string after;     ///< names greater than this
    std::size_t limit = 0; ///< 0: all
    std::string domain;    ///< only names ending in @domain; empty: all
    std::string set;       ///< only this set; empty: all
};

} // namespace mail::store
