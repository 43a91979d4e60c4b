// The properties that hold for the MIME tree of any bytes; shared by unit tests and, by the same rules, the
// fuzzer.
#pragma once

#include "common/mail/mime.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace mail::test {

/// Empty when all ranges nest, follow each other and add up; else what is wrong.
inline std::string broken_property(std::string_view message, const MimeTree& tree) {
    if (tree.parts.empty())
        return "no part";
    const Part& root = tree.root();
    if (root.header.begin != 0 || root.header.end != root.body.begin || root.body.end != message.size())
        return "header and body of the root are not the message";
    for (std::uint32_t i = 0; i < tree.parts.size(); ++i) {
        const Part& part = tree.parts[i];
        if (part.header.begin > part.header.end || part.header.end != part.body.begin ||
            part.body.begin > part.body.end || part.body.end > message.size())
            return "ranges of a part are not in order";
        const std::string_view body = part.body.of(message);
        if (part.lines != static_cast<std::size_t>(std::count(body.begin(), body.end(), '\n')))
            return "line count";
        if ((part.is_multipart() || part.is_message()) != (part.first_child != Part::none))
            return "a composite without child, or a leaf with one";
        std::size_t from = part.body.begin;
        std::size_t children = 0;
        for (std::uint32_t c = part.first_child; c != Part::none; c = tree.parts[c].next_sibling) {
            const Part& child = tree.parts[c];
            ++children;
            if (c <= i || child.parent != i || child.depth != part.depth + 1)
                return "links";
            if (child.header.begin < from || child.body.end > part.body.end)
                return "a child outside its parent or over its sibling";
            from = child.body.end;
            if (part.is_message() &&
                (child.header.begin != part.body.begin || child.body.end != part.body.end))
                return "an embedded message is not its parent's body";
        }
        if (part.is_message() && children != 1)
            return "message/rfc822 with other than one child";
    }
    return {};
}

} // namespace mail::test
