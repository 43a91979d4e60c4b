// What a client knows of its selected mailbox from the server's untagged responses, and whether they make sense: numbers in
// range, UIDs ascending and never another message's, no EXPUNGE while numbers are in use, keywords told before they are used,
// bodies byte for byte those that were appended (RFC 9051 §5.2, §7.3.5, §7.5.1). Used by imap_profile.
#pragma once

#include "tests/bench/imap_reply.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mail::bench {

/// The messages of the load: number N is always the same bytes.
[[nodiscard]] std::string message_text(unsigned number);
[[nodiscard]] std::optional<unsigned> number_of_message(std::string_view header);

/// What is known of one mailbox by all connections together; shared.
struct Mailbox {
    unsigned uid_validity = 0;
    std::map<unsigned, unsigned> messages; ///< UID to the number of its message
};

struct ModelItem {
    unsigned uid = 0; ///< 0: not told yet
    std::optional<std::string> flags; ///< sorted, without \Recent
    [[nodiscard]] bool operator==(const ModelItem&) const = default;
};

class ImapModel {
  public:
    explicit ImapModel(Mailbox& mailbox) : mailbox_(&mailbox) {}
    [[nodiscard]] const std::vector<ModelItem>& items() const noexcept { return items_; }
    void select() { items_.clear(), keywords_.clear(); }
    /// An untagged response without "* ". `numbers_in_use`: the command under way forbids EXPUNGE. Throws std::runtime_error.
    void take(std::string_view response, bool numbers_in_use);
    /// Of FETCH (UID FLAGS) at a checkpoint: everything must be known already. Filled by take() while it is set.
    std::vector<ModelItem>* checkpoint = nullptr;

  private:
    void fetched(unsigned number, const Value& attributes, const std::string& whole);
    void learn_uid(std::size_t index, unsigned uid);
    void learn_flags(ModelItem& item, const Value& flags) const;
    void check_message(const ModelItem& item, unsigned number) const;
    Mailbox* mailbox_;
    std::vector<ModelItem> items_;
    std::set<std::string> keywords_;
};

} // namespace mail::bench
