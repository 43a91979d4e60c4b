// What a FETCH asks for (RFC 9051 §6.4.5): a set of message attributes and a list of body sections.
#pragma once

#include "common/mail/mime.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace mail::imap {

/// Attributes that need no section; bits of FetchItems::attributes.
enum class FetchAttribute : std::uint16_t {
    flags = 1 << 0,
    uid = 1 << 1,
    internal_date = 1 << 2,
    size = 1 << 3,
    envelope = 1 << 4,
    body = 1 << 5,
    bodystructure = 1 << 6,
    modseq = 1 << 7,    ///< RFC 7162
    email_id = 1 << 8,  ///< RFC 8474
    thread_id = 1 << 9, ///< RFC 8474
    preview = 1 << 10,  ///< RFC 8970
    save_date = 1 << 11, ///< RFC 8514
};

/// "<offset.count>" of a section.
struct FetchPartial {
    std::uint64_t offset = 0;
    std::uint64_t count = 0; ///< not 0
};

/// BODY[...] and its relatives.
struct FetchSection {
    enum class Form : std::uint8_t { body, binary, binary_size, rfc822, rfc822_header, rfc822_text };
    Form form = Form::body;
    bool peek = false;                 ///< \Seen stays as it is
    std::vector<std::uint32_t> part;   ///< part numbers; empty: the message
    SectionText text = SectionText::whole;
    bool fields_only = false;          ///< HEADER.FIELDS
    bool fields_inverted = false;      ///< HEADER.FIELDS.NOT, with fields_only
    std::vector<std::string> fields;
    std::optional<FetchPartial> partial;
};

struct FetchItems {
    std::uint16_t attributes = 0;
    std::vector<FetchSection> sections;

    [[nodiscard]] bool has(FetchAttribute attribute) const noexcept {
        return (attributes & static_cast<std::uint16_t>(attribute)) != 0;
    }
    void add(FetchAttribute attribute) noexcept {
        attributes = static_cast<std::uint16_t>(attributes | static_cast<std::uint16_t>(attribute));
    }
    /// Some section without PEEK: the messages become \Seen.
    [[nodiscard]] bool sets_seen() const noexcept {
        for (const auto& section : sections)
            if (!section.peek)
                return true;
        return false;
    }
};

} // namespace mail::imap
