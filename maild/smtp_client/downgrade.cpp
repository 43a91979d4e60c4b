#include "maild/smtp_client/downgrade.hpp"

#include "common/base/text.hpp"
#include "common/mail/header.hpp"
#include "common/mail/message.hpp"
#include "common/mail/mime.hpp"

#include <algorithm>
#include <vector>

namespace mail::smtp_client {
namespace {

struct Edit {
    std::size_t begin = 0;
    std::size_t end = 0; ///< equal to begin: an insertion
    std::string bytes;
};

bool needs_encoding(std::string_view bytes) noexcept {
    return std::any_of(bytes.begin(), bytes.end(), [](char c) { return c == '\0' || static_cast<unsigned char>(c) > 127; });
}

/// Says `encoding` in the header of `part`; fields that RFC 2045 wants beside it are added to the root.
void set_encoding(std::string_view message, const Part& part, std::string_view encoding, std::vector<Edit>& edits) {
    const HeaderView header = parse_header(part.header.of(message));
    std::string added;
    if (part.parent == Part::none && header.find("MIME-Version") == nullptr)
        added += "MIME-Version: 1.0\r\n";
    if (part.parent == Part::none && header.find("Content-Type") == nullptr)
        added += std::string("Content-Type: text/plain; charset=") +
                 (text::is_utf8(part.body.of(message)) ? "utf-8" : "unknown-8bit") + "\r\n";
    const std::string field = "Content-Transfer-Encoding: " + std::string(encoding) + "\r\n";
    const Field* present = header.find("Content-Transfer-Encoding");
    const std::size_t section_end = part.header.begin + header.section.size();
    if (present != nullptr) {
        const auto begin = part.header.begin + static_cast<std::size_t>(present->whole.data() - header.section.data());
        edits.push_back({begin, begin + present->whole.size(), field});
    } else {
        added += field;
    }
    if (!added.empty())
        edits.push_back({section_end, section_end, std::move(added)});
}

Result<void> convert_leaf(std::string_view message, const Part& part, std::vector<Edit>& edits) {
    const std::string_view body = part.body.of(message);
    if (!needs_encoding(body)) {
        if (part.encoding == "8bit" || part.encoding == "binary")
            set_encoding(message, part, "7bit", edits);
        return {};
    }
    if (part.opaque || part.encoding == "base64" || part.encoding == "quoted-printable")
        return fail(ErrorCode::unsupported, "a part has 8-bit bytes where none may be");
    const bool text = part.is_text();
    set_encoding(message, part, text ? "quoted-printable" : "base64", edits);
    edits.push_back({part.body.begin, part.body.end, text ? encode_quoted_printable(body) : encode_base64_lines(body)});
    return {};
}

std::string apply(std::string_view message, std::vector<Edit>& edits) {
    std::stable_sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) { return a.begin < b.begin; });
    std::string out;
    out.reserve(message.size() + message.size() / 4);
    std::size_t at = 0;
    for (const Edit& edit : edits) {
        out.append(message.substr(at, edit.begin - at));
        out.append(edit.bytes);
        at = edit.end;
    }
    out.append(message.substr(at));
    return out;
}

} // namespace

Result<std::string> downgrade(std::string_view message) {
    if (!needs_encoding(message.substr(std::min(header_size(message), message.size()))))
        return std::string(message);
    const MimeTree tree = parse_mime(message);
    std::vector<Edit> edits;
    for (const Part& part : tree.parts) {
        if (part.first_child == Part::none) {
            MAIL_DO(convert_leaf(message, part, edits));
        } else if (part.encoding == "8bit" || part.encoding == "binary") {
            // RFC 2045 §6.4: a composite part's encoding is that of what it holds.
            set_encoding(message, part, "7bit", edits);
        }
    }
    std::string seven = apply(message, edits);
    if (needs_encoding(std::string_view(seven).substr(std::min(header_size(seven), seven.size()))))
        return fail(ErrorCode::unsupported, "8-bit bytes stand outside of any part's body");
    return seven;
}

} // namespace mail::smtp_client
