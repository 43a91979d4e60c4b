// Validation beyond one spec. check_object asks whether one object fits into a whole that already shows it;
// check_removal whether others still need what is gone; validate_documents does what needs no server (mailctl
// validate). Field rules and a kind's own check run earlier, in json.hpp's decode. Looks at the objects
// touched and at what they refer to, not at all.
#pragma once

#include "common/schema/document.hpp"
#include "common/schema/view.hpp"

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace mail::schema {

/// References exist (the nearest name is proposed), addresses have one owner and a domain, aliases make no
/// loop within limit::alias_depth steps, and the kind's own check_whole. `whole` already holds the object.
void check_object(const Kind& kind, const Current& object, const OverlayView& whole, Issues& issues,
                  Kinds kinds = all_kinds());

/// What a plan takes away.
struct Removals {
    std::set<std::pair<std::string, std::string>> objects; ///< (kind, name)
    std::set<std::string> addresses;                       ///< keys nobody answers to any more
};
/// Objects of `whole` that still need what is gone. By name or domain: an error (conflict) naming the
/// referrer. By address (a group's member): a warning, mail to it is refused from then on. Referrers that the
/// plan changes are left to check_object.
void check_removals(const Removals& removed, const OverlayView& whole, Issues& issues,
                    Kinds kinds = all_kinds());

/// Offline: duplicates, and everything check_object finds among the documents themselves; references to
/// objects that are in no document are not faults, because the server may have them.
void validate_documents(std::span<const Document> documents, Issues& issues, Kinds kinds = all_kinds());

/// The name of `kind` nearest to `name` in the view, or empty.
[[nodiscard]] std::string nearest_name(const ResourceView& view, std::string_view kind,
                                       std::string_view name);

} // namespace mail::schema
