// What Mailboxes takes and gives: entries of access lists, folders held open, items to append. Plain values but for OpenFolder,
// which is any thread's to ask.
#pragma once

#include "maild/service/folder_snapshot.hpp"
#include "maild/service/rights.hpp"
#include "maild/store/accept_model.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mail::service {

/// One entry of an access list as people write it.
struct NamedAccess {
    std::string identifier; ///< an address, or "anyone"
    bool negative = false;
    RightSet rights = 0;
};
enum class AccessChange : std::uint8_t { replace, add, remove, forget };

/// A folder held open: its snapshot stays in memory and current while any handle lives.
class OpenFolder {
  public:
    virtual ~OpenFolder() = default;
    /// Newest snapshot; cheap. Never suspends, never null.
    [[nodiscard]] virtual SnapshotPtr current() = 0;
    [[nodiscard]] virtual store::FolderId id() const = 0;
    /// The folder was deleted: current() stays what it was.
    [[nodiscard]] virtual bool is_gone() const = 0;
};

/// A message to append.
struct NewItem {
    store::Content content;
    std::uint8_t flags = 0;
    std::vector<std::string> keywords;
    std::optional<Time> internal_date; ///< now when missing
};

} // namespace mail::service
