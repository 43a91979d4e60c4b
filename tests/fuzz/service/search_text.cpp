// KEY, NUL, PREFIX, NUL, BLOB: whatever a search finds in the message (prefix and blob read as one) the text index names as
// well, from the blob alone, the trigrams of the key and a look at the prefix. A KEY of two bytes, which is too short to be
// one, is a place in the header and a length: what stands there is the key, so that most inputs search for what is there.
#include "maild/service/search_text.hpp"

#include "common/base/text.hpp"
#include "common/mail/encoded.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace mail;

namespace {

bool holds(std::string_view text, std::string_view key) { return text.find(key) != std::string_view::npos; }

bool found_by_search(const std::string& message, std::string_view key) {
    const auto tree = parse_mime(message);
    const auto bodies = service::body_search_texts(message, tree);
    return holds(service::header_search_text(message, tree), key) ||
           std::any_of(bodies.begin(), bodies.end(), [&](const std::string& body) { return holds(body, key); });
}

/// What stands in the header at a place; empty where that is no key.
std::string key_at(const std::string& message, unsigned char place, unsigned char length) {
    const auto text = service::header_search_text(message, parse_mime(message));
    if (text.empty())
        return {};
    const auto key = text.substr(place % text.size(), 3U + length % 16U);
    return text::is_utf8(key) ? key : std::string();
}

bool named_by_index(const store::IndexedText& text, std::string_view key) {
    const auto parts = store::trigrams(key, 24);
    return !text.complete || std::all_of(parts.begin(), parts.end(), [&](std::string_view part) { return holds(text.text, part); });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto first = input.find('\0');
    const auto second = first == std::string_view::npos ? first : input.find('\0', first + 1);
    if (second == std::string_view::npos)
        return 0;
    const std::string prefix(input.substr(first + 1, second - first - 1));
    const std::string message = prefix + std::string(input.substr(second + 1));
    const auto key = first == 2 ? key_at(message, data[0], data[1]) : casemap(*to_utf8(input.substr(0, first), "UTF-8"));
    if (!store::can_find(key))
        return 0;
    const auto text = service::index_text(1, input.substr(second + 1));
    // The tokenizer takes characters, so there must be nothing else.
    if (!text::is_utf8(text.text) || holds(text.text, std::string_view("\0", 1)))
        std::abort();
    const bool by_prefix = (service::prefix_may_hold(prefix, {key}) & 1U) != 0;
    if (found_by_search(message, key) && !named_by_index(text, key) && !by_prefix)
        std::abort();
    return 0;
}
