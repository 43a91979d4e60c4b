#include "maild/imap/proto/sequence_set.hpp"

#include "common/base/text.hpp"

#include <algorithm>

namespace mail::imap {

namespace {

// nz-number or "*" (0); nullopt for anything else.
std::optional<std::uint32_t> parse_number(std::string_view& text) {
    if (!text.empty() && text[0] == '*') {
        text.remove_prefix(1);
        return 0;
    }
    std::size_t digits = 0;
    while (digits < text.size() && text::is_digit(text[digits]))
        ++digits;
    const auto number = text::number<std::uint32_t>(text.substr(0, digits));
    if (!number || *number == 0)
        return std::nullopt;
    text.remove_prefix(digits);
    return number;
}

} // namespace

std::optional<SequenceSet> SequenceSet::parse(std::string_view text) {
    if (text == "$")
        return saved();
    SequenceSet set;
    while (true) {
        const auto first = parse_number(text);
        if (!first)
            return std::nullopt;
        auto last = first;
        if (!text.empty() && text[0] == ':') {
            text.remove_prefix(1);
            last = parse_number(text);
            if (!last)
                return std::nullopt;
        }
        set.items_.push_back({*first, *last});
        if (text.empty())
            return set;
        if (text[0] != ',')
            return std::nullopt;
        text.remove_prefix(1);
    }
}

SequenceSet SequenceSet::saved() {
    SequenceSet set;
    set.saved_ = true;
    return set;
}

SequenceSet SequenceSet::of(std::vector<NumberRange> ranges) {
    SequenceSet set;
    for (const auto& range : ranges)
        set.items_.push_back({range.first, range.last});
    return set;
}

bool SequenceSet::is_everything() const noexcept {
    return items_.size() == 1 && std::min(items_[0].first, items_[0].last) == 0 &&
           std::max(items_[0].first, items_[0].last) == 1;
}

std::uint32_t SequenceSet::largest() const noexcept {
    std::uint32_t largest = 0;
    for (const auto& item : items_)
        largest = std::max({largest, item.first, item.last});
    return largest;
}

std::vector<NumberRange> SequenceSet::resolve(std::uint32_t star) const {
    std::vector<NumberRange> ranges;
    ranges.reserve(items_.size());
    for (const auto& item : items_) {
        auto first = item.first == 0 ? star : item.first;
        auto last = item.last == 0 ? star : item.last;
        if (first == 0 || last == 0)
            continue;
        // RFC 9051 §9 seq-range: 4:2 and 2:4 are the same; so "559:*" holds the last message even when it is smaller.
        if (first > last)
            std::swap(first, last);
        ranges.push_back({first, last});
    }
    std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::size_t kept = 0;
    for (std::size_t i = 1; i < ranges.size(); ++i) {
        if (ranges[kept].last == UINT32_MAX || ranges[i].first <= ranges[kept].last + 1)
            ranges[kept].last = std::max(ranges[kept].last, ranges[i].last);
        else
            ranges[++kept] = ranges[i];
    }
    if (!ranges.empty())
        ranges.resize(kept + 1);
    return ranges;
}

bool contains(std::span<const NumberRange> ranges, std::uint32_t number) noexcept {
    auto after = std::upper_bound(ranges.begin(), ranges.end(), number,
                                  [](std::uint32_t n, const NumberRange& range) { return n < range.first; });
    return after != ranges.begin() && number <= std::prev(after)->last;
}

void NumberList::add_range(std::uint32_t first, std::uint32_t last) {
    if (!ranges_.empty() && ranges_.back().last != UINT32_MAX && ranges_.back().last + 1 == first)
        ranges_.back().last = last;
    else
        ranges_.push_back({first, last});
}

void NumberList::append_to(std::string& out) const {
    bool first = true;
    for (const auto& range : ranges_) {
        if (!first)
            out += ',';
        first = false;
        out += std::to_string(range.first);
        if (range.last != range.first) {
            out += ':';
            out += std::to_string(range.last);
        }
    }
}

std::string NumberList::text() const {
    std::string out;
    append_to(out);
    return out;
}

} // namespace mail::imap
