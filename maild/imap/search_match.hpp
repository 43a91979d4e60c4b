// SearchPlan: a SEARCH program made ready for one mailbox view, and its evaluation with as little as possible of each
// message: first the folder snapshot alone, then the text index, then the derived envelope, then the bytes. Each stage answers yes, no, or
// unknown yet. Pure and thread-safe once made, so that the byte stage may run on the worker pool.
// Recursion is as deep as the program's nesting, at most limit::imap_nesting + 1.
#pragma once

#include "common/mail/header.hpp"
#include "common/mail/mime.hpp"
#include "maild/imap/envelope_text.hpp"
#include "maild/imap/mailbox_view.hpp"
#include "maild/imap/proto/search_key.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mail::imap {

enum class Verdict : std::uint8_t { no, yes, unknown };

struct SearchCandidate {
    std::uint32_t position = 0; ///< from 0
    service::FolderItem item;
    std::uint64_t absent = 0; ///< bit i: SearchPlan::texts()[i] is not in this message, as the text index knows
};

/// The text of one message as BODY and TEXT see it; decoded when first asked for, then kept.
class SearchText {
  public:
    explicit SearchText(std::string_view message) : message_(message) {}
    [[nodiscard]] bool header_holds(std::string_view name, std::string_view needle);
    [[nodiscard]] bool any_header_holds(std::string_view needle);
    [[nodiscard]] bool body_holds(std::string_view needle);

  private:
    [[nodiscard]] const HeaderView& header();
    [[nodiscard]] const MimeTree& tree();
    std::string_view message_;
    std::optional<HeaderView> header_;
    std::optional<MimeTree> tree_;
    std::optional<std::string> folded_header_;
    std::optional<std::vector<std::string>> folded_body_;
};

/// What is known of a message beyond its snapshot entry; null: not read.
struct SearchFacts {
    const EnvelopeText* envelope = nullptr;
    std::optional<Time> sent_day = {};
    SearchText* text = nullptr;
    std::optional<Time> saved = {};
    std::string_view email_id = {};
    std::uint64_t absent = 0; ///< see SearchCandidate
};

class SearchPlan {
  public:
    /// Text keys are converted from `charset` (empty: UTF-8). Errors: unsupported (charset), too_large (a key's text).
    [[nodiscard]] static Result<std::shared_ptr<const SearchPlan>>
    prepare(const SearchProgram& program, std::string_view charset, const MailboxView& view,
            std::span<const NumberRange> saved_uids, Time now);

    [[nodiscard]] Verdict evaluate(const service::FolderSnapshot& snapshot, std::uint32_t position,
                                   const service::FolderItem& item, const SearchFacts& facts) const;
    [[nodiscard]] bool needs_envelope() const noexcept { return fields_ != 0 || needs_sent_; }
    [[nodiscard]] std::uint8_t envelope_fields() const noexcept { return fields_; }
    /// What the text index can look up; at most 64.
    [[nodiscard]] const std::vector<std::string>& texts() const noexcept { return texts_; }

  private:
    struct Key {
        KeyKind kind = KeyKind::all;
        std::uint32_t span = 1;
        std::uint64_t number = 0;
        Time time{};
        std::string name;
        std::string text; ///< casemapped
        std::vector<NumberRange> ranges; ///< message numbers
        std::size_t text_number = 0;     ///< its place in texts_, from 1; 0: not there
    };
    struct Message {
        const service::FolderSnapshot& snapshot;
        std::uint32_t position;
        const service::FolderItem& item;
        const SearchFacts& facts;
    };
    [[nodiscard]] Verdict key(std::size_t index, const Message& message) const;
    [[nodiscard]] Verdict group(std::size_t index, const Message& message, Verdict decisive) const;
    [[nodiscard]] Verdict leaf(const Key& key, const Message& message) const;
    [[nodiscard]] Verdict by_envelope(const Key& key, const Message& message) const;
    [[nodiscard]] Verdict by_text(const Key& key, const Message& message) const;

    std::vector<Key> keys_;
    std::vector<std::string> texts_;
    Time now_{};
    std::uint8_t fields_ = 0;
    bool needs_sent_ = false;
};

using SearchPlanPtr = std::shared_ptr<const SearchPlan>;

} // namespace mail::imap
