// A URL of CATENATE names a message that can exist; written out again it names the same one.
#include "maild/imap/proto/imap_url.hpp"

#include <cstdint>
#include <cstdlib>

using namespace mail::imap;

namespace {

std::string escaped(const std::string& text) {
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        out += '%';
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto url = parse_imap_url({reinterpret_cast<const char*>(data), size});
    if (!url)
        return 0;
    if (url->uid == 0 || url->uid_validity == 0U || url->mailbox.find('\0') != std::string::npos)
        std::abort();
    for (const auto number : url->section.part)
        if (number == 0)
            std::abort();
    if (url->section.partial && url->section.partial->count == 0)
        std::abort();
    std::string text;
    if (!url->mailbox.empty())
        text = "/" + escaped(url->mailbox) + (url->uid_validity ? ";UIDVALIDITY=" + std::to_string(*url->uid_validity) : "") + "/";
    text += ";UID=" + std::to_string(url->uid);
    const auto again = parse_imap_url(text);
    if (!again || again->mailbox != url->mailbox || again->uid != url->uid || again->uid_validity != url->uid_validity)
        std::abort();
    return 0;
}
