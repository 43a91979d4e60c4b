#include "maild/store/story_rules.hpp"

#include "common/base/text.hpp"
#include "maild/store/rules.hpp"

#include <algorithm>

namespace mail::store {
namespace {

/// What a key is about, so that a sender is not found as a recipient.
enum class KeyKind : char {
    sender = 's',
    sender_domain = 'S',
    recipient = 'r',
    recipient_domain = 'R',
    message_id = 'm',
    word = 'w',
    end = 'e'
};

constexpr unsigned probes = 7; ///< best for ten bits a key
constexpr std::size_t row_overhead = 80;

/// FNV-1a over the lower-case text, then mixed (the finalizer of MurmurHash3), since a filter uses all of its bits.
StoryKey key(KeyKind kind, std::string_view text) noexcept {
    std::uint64_t hash = (0xcbf29ce484222325ULL ^ static_cast<unsigned char>(kind)) * 0x100000001b3ULL;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(text::lower(c))) * 0x100000001b3ULL;
    hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdULL;
    hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    return hash ^ (hash >> 33);
}

std::string_view domain_of(std::string_view address) noexcept {
    const auto at = address.rfind('@');
    return at == address.npos ? std::string_view() : address.substr(at + 1);
}

/// Calls `visit` with every word: what stands between blanks and ASCII punctuation.
template <class Visit> void each_word(std::string_view text, const Visit& visit) {
    std::size_t begin = 0;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        const bool part = i < text.size() && (text::is_alnum(text[i]) || static_cast<unsigned char>(text[i]) >= 128 || text[i] == '*');
        if (part)
            continue;
        if (i > begin)
            visit(text.substr(begin, i - begin));
        begin = i + 1;
    }
}

template <class Visit> void each_address(std::string_view list, const Visit& visit) {
    while (!list.empty()) {
        const auto end = list.find(' ');
        if (const auto one = list.substr(0, end); !one.empty())
            visit(one);
        list = end == list.npos ? std::string_view() : list.substr(end + 1);
    }
}

bool is_pattern(std::string_view text) noexcept { return text.find('*') != text.npos; }

/// "ann@example.org" is one address; "example.org" and "*@example.org" are patterns, a leading "@" too.
bool is_address(std::string_view text) noexcept {
    const auto at = text.find('@');
    return at != text.npos && at != 0 && !is_pattern(text);
}

bool fits(std::string_view address, std::string_view wanted) {
    if (is_address(wanted))
        return text::iequals(address, wanted);
    if (wanted.starts_with('@'))
        return address.size() >= wanted.size() && text::iequals(address.substr(address.size() - wanted.size()), wanted);
    return matches_pattern(address, wanted);
}

bool has_words(std::string_view subject, std::string_view wanted) {
    bool all = true;
    each_word(wanted, [&](std::string_view word) {
        bool found = false;
        each_word(subject, [&](std::string_view has) {
            found = found || (is_pattern(word) ? matches_pattern(has, word) : text::iequals(has, word));
        });
        all = all && found;
    });
    return all;
}

/// Keys that a condition on an address rules blocks out by.
void add_address_key(std::vector<StoryKey>& keys, std::string_view wanted, KeyKind whole, KeyKind domain) {
    if (is_address(wanted))
        keys.push_back(key(whole, wanted));
    else if (const auto tail = domain_of(wanted); (wanted.starts_with("*@") || wanted.starts_with('@')) && !is_pattern(tail))
        keys.push_back(key(domain, tail));
}

} // namespace

void add_keys(std::vector<StoryKey>& keys, const Story& story) {
    keys.push_back(key(KeyKind::sender, story.sender));
    keys.push_back(key(KeyKind::sender_domain, domain_of(story.sender)));
    each_address(story.recipients, [&](std::string_view address) {
        keys.push_back(key(KeyKind::recipient, address));
        keys.push_back(key(KeyKind::recipient_domain, domain_of(address)));
    });
    if (!story.message_id.empty())
        keys.push_back(key(KeyKind::message_id, story.message_id));
    each_word(story.subject, [&](std::string_view word) { keys.push_back(key(KeyKind::word, word)); });
    keys.push_back(key(KeyKind::end, std::string(1, static_cast<char>(story.end))));
}

std::vector<StoryKey> keys_of(const StoryFilter& filter) {
    std::vector<StoryKey> keys;
    if (filter.sender && filter.sender->empty())
        keys.push_back(key(KeyKind::sender, ""));
    else if (filter.sender)
        add_address_key(keys, *filter.sender, KeyKind::sender, KeyKind::sender_domain);
    add_address_key(keys, filter.recipient, KeyKind::recipient, KeyKind::recipient_domain);
    if (!filter.message_id.empty())
        keys.push_back(key(KeyKind::message_id, filter.message_id));
    each_word(filter.subject, [&](std::string_view word) {
        if (!is_pattern(word))
            keys.push_back(key(KeyKind::word, word));
    });
    if (filter.end)
        keys.push_back(key(KeyKind::end, std::string(1, static_cast<char>(*filter.end))));
    return keys;
}

std::string make_bloom(std::vector<StoryKey> keys) {
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    std::string bits(std::max<std::size_t>(8, keys.size() * story_key_bits / 8), '\0');
    const std::uint64_t size = bits.size() * 8;
    for (const StoryKey one : keys)
        for (std::uint64_t i = 0, at = one; i < probes; ++i, at += (one >> 32) | 1)
            bits[(at % size) / 8] = static_cast<char>(bits[(at % size) / 8] | (1 << (at % size % 8)));
    return bits;
}

bool may_hold(std::string_view bloom, std::span<const StoryKey> keys) noexcept {
    const std::uint64_t size = bloom.size() * 8;
    if (size == 0)
        return true;
    for (const StoryKey one : keys)
        for (std::uint64_t i = 0, at = one; i < probes; ++i, at += (one >> 32) | 1)
            if ((bloom[(at % size) / 8] & (1 << (at % size % 8))) == 0)
                return false;
    return true;
}

bool wants(const StoryFilter& filter, Time at, const StoryView& story) {
    if ((filter.since && at < *filter.since) || (filter.until && at > *filter.until))
        return false;
    if (filter.end && story.end != *filter.end)
        return false;
    if (filter.sender && (filter.sender->empty() ? !story.sender.empty() : !fits(story.sender, *filter.sender)))
        return false;
    if (!filter.message_id.empty() && !text::iequals(story.message_id, filter.message_id))
        return false;
    if (!filter.recipient.empty()) {
        bool any = false;
        each_address(story.recipients, [&](std::string_view address) { any = any || fits(address, filter.recipient); });
        if (!any)
            return false;
    }
    return filter.subject.empty() || has_words(story.subject, filter.subject);
}

std::size_t bytes_of(const Story& story) noexcept {
    return row_overhead + story.sender.size() + story.recipients.size() + story.message_id.size() + story.peer.size() +
           story.detail.size() + story.subject.size();
}

std::size_t bytes_of(const StoryEvent& event) noexcept {
    return row_overhead + event.detail.size() + (event.transcript ? event.transcript->size() : 0);
}

} // namespace mail::store
