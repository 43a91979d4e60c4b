// FETCH sections over a MimeTree: RFC 9051 §6.4.5.1, and bodies with their encoding undone.
#include "common/mail/mime.hpp"

#include "common/base/text.hpp"

namespace mail {
namespace {

const Part* at_index(const MimeTree& tree, std::uint32_t index) {
    return index < tree.parts.size() ? &tree.parts[index] : nullptr;
}

/// The part that `number` names inside `entity`, a message or a multipart.
const Part* nth(const MimeTree& tree, const Part& entity, std::uint32_t number) {
    if (!entity.is_multipart())
        return number == 1 ? &entity
                           : nullptr; // RFC 9051 §6.4.5.1: part 1 of a message that is not multipart
    const Part* child = at_index(tree, entity.first_child);
    for (std::uint32_t i = 1; child != nullptr && i < number; ++i)
        child = at_index(tree, child->next_sibling);
    return number == 0 ? nullptr : child;
}

} // namespace

const Part* find_part(const MimeTree& tree, std::span<const std::uint32_t> path) {
    const Part* part = &tree.root();
    bool first = true;
    for (const std::uint32_t number : path) {
        const Part* entity = part;
        if (!first) {
            // Numbers after the first go into a multipart, or into the message inside message/rfc822.
            if (part->is_message())
                entity = at_index(tree, part->first_child);
            else if (!part->is_multipart())
                return nullptr;
        }
        first = false;
        part = entity == nullptr ? nullptr : nth(tree, *entity, number);
        if (part == nullptr)
            return nullptr;
    }
    return part;
}

std::optional<Range> find_section(const MimeTree& tree, std::string_view message,
                                  std::span<const std::uint32_t> path, SectionText text) {
    if (path.empty()) {
        switch (text) {
        case SectionText::whole:
            return Range{0, message.size()};
        case SectionText::header:
            return tree.root().header;
        case SectionText::text:
            return tree.root().body;
        case SectionText::mime:
            return std::nullopt;
        }
    }
    const Part* part = find_part(tree, path);
    if (part == nullptr)
        return std::nullopt;
    if (text == SectionText::whole)
        return part->body;
    if (text == SectionText::mime)
        return part->header;
    // HEADER and TEXT of a part are those of the message inside it.
    const Part* inner = part->is_message() ? at_index(tree, part->first_child) : nullptr;
    if (inner == nullptr)
        return std::nullopt;
    return text == SectionText::header ? inner->header : inner->body;
}

Result<std::string> decoded_body(std::string_view message, const Part& part) {
    const std::string_view body = part.body.of(message);
    if (part.is_multipart() || part.is_message())
        return std::string(body);
    return decode_transfer(body, part.encoding);
}

std::string decoded_text(std::string_view message, const Part& part) {
    if (!part.is_text())
        return {};
    auto bytes = decoded_body(message, part);
    if (!bytes)
        return {};
    return to_utf8_lenient(*bytes, part.parameter("charset"));
}

} // namespace mail
