#include "maild/service/sending_book.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/crypto/hash.hpp"

#include <algorithm>

namespace mail::service {
namespace {

constexpr std::string_view counters_name = "sending";
constexpr std::string_view known_prefix = "sending/known/";
constexpr std::size_t mark_bytes = 5; ///< of one recipient in the store
constexpr std::int64_t hours_kept = 24;

std::int64_t hour_of(Time now) {
    return std::chrono::duration_cast<std::chrono::hours>(now.time_since_epoch()).count();
}

RecipientMark mark_at(std::string_view bytes) {
    RecipientMark mark = 0;
    for (std::size_t i = 0; i < mark_bytes; ++i)
        mark = (mark << 8U) | static_cast<unsigned char>(bytes[i]);
    return mark;
}

void append_mark(std::string& out, RecipientMark mark) {
    for (std::size_t i = mark_bytes; i > 0; --i)
        out += static_cast<char>(static_cast<unsigned char>(mark >> (8 * (i - 1))));
}

void add_to(SendingTotals& totals, const SendingTotals& more) {
    totals.messages = std::max<std::int64_t>(0, totals.messages + more.messages);
    totals.recipients = std::max<std::int64_t>(0, totals.recipients + more.recipients);
    totals.fresh = std::max<std::int64_t>(0, totals.fresh + more.fresh);
}

bool is_over(std::int64_t limit, std::int64_t used, std::int64_t more) { return limit != 0 && more > 0 && used + more > limit; }

} // namespace

RecipientMark recipient_mark(std::string_view address_key) { return mark_at(crypto::sha256(address_key)); }

SendingBook SendingBook::read(const std::vector<store::Attribute>& attributes) {
    SendingBook book;
    for (const auto& attribute : attributes) {
        if (attribute.name == counters_name)
            book.parse(attribute.value);
        if (!attribute.name.starts_with(known_prefix))
            continue;
        const auto number = text::number<std::size_t>(std::string_view(attribute.name).substr(known_prefix.size()));
        if (!number || *number >= buckets)
            continue;
        for (std::size_t at = 0; at + mark_bytes <= attribute.value.size(); at += mark_bytes)
            book.known_[*number].push_back(mark_at(std::string_view(attribute.value).substr(at)));
    }
    return book;
}

SendingTotals SendingBook::this_hour(Time now) const {
    return !hours_.empty() && hours_.back().number == hour_of(now) ? hours_.back().totals : SendingTotals{};
}

SendingTotals SendingBook::last_day(Time now) const {
    SendingTotals sum;
    for (const Hour& hour : hours_)
        if (hour.number > hour_of(now) - hours_kept)
            add_to(sum, hour.totals);
    return sum;
}

bool SendingBook::knows(RecipientMark mark) const {
    const auto& bucket = known_[mark % buckets];
    return std::find(bucket.begin(), bucket.end(), mark) != bucket.end();
}

std::string SendingBook::broken(const schema::SendingLimits& limits, const SendingTotals& more, Time now) const {
    const SendingTotals hour = this_hour(now), day = last_day(now);
    const auto words = [](std::int64_t limit, std::string_view what, std::string_view time) {
        return std::to_string(limit) + " " + std::string(what) + " in " + std::string(time);
    };
    if (is_over(limits.messages_per_hour, hour.messages, more.messages))
        return words(limits.messages_per_hour, "messages", "an hour");
    if (is_over(limits.messages_per_day, day.messages, more.messages))
        return words(limits.messages_per_day, "messages", "a day");
    if (is_over(limits.recipients_per_hour, hour.recipients, more.recipients))
        return words(limits.recipients_per_hour, "recipients", "an hour");
    if (is_over(limits.recipients_per_day, day.recipients, more.recipients))
        return words(limits.recipients_per_day, "recipients", "a day");
    return {};
}

void SendingBook::add(const SendingTotals& more, Time now) {
    const std::int64_t number = hour_of(now);
    while (!hours_.empty() && hours_.front().number <= number - hours_kept)
        hours_.pop_front();
    // A clock that was set back counts into the latest hour.
    if (hours_.empty() || hours_.back().number < number)
        hours_.push_back({number, {}});
    add_to(hours_.back().totals, more);
}

void SendingBook::forget_fresh() {
    for (Hour& hour : hours_)
        hour.totals.fresh = 0;
}

void SendingBook::learn(const std::vector<RecipientMark>& marks) {
    constexpr std::size_t bucket_size = static_cast<std::size_t>(limit::known_recipients) / buckets;
    for (const RecipientMark mark : marks) {
        if (knows(mark))
            continue;
        auto& bucket = known_[mark % buckets];
        if (bucket.size() >= bucket_size)
            bucket.erase(bucket.begin(), bucket.begin() + static_cast<std::ptrdiff_t>(bucket_size / 4));
        bucket.push_back(mark);
        touched_[mark % buckets] = true;
    }
}

void SendingBook::unlearn(const std::vector<RecipientMark>& marks) {
    for (const RecipientMark mark : marks)
        if (std::erase(known_[mark % buckets], mark) != 0)
            touched_[mark % buckets] = true;
}

std::vector<store::AttributeChange> SendingBook::take_changes() {
    std::vector<store::AttributeChange> out{{std::string(counters_name), text()}};
    for (std::size_t i = 0; i < buckets; ++i) {
        if (!touched_[i])
            continue;
        touched_[i] = false;
        std::string value;
        for (const RecipientMark mark : known_[i])
            append_mark(value, mark);
        out.push_back({std::string(known_prefix) + std::to_string(i), std::move(value)});
    }
    return out;
}

/// One line each: "hour NUMBER MESSAGES RECIPIENTS FRESH", "frozen MICROSECONDS REASON".
std::string SendingBook::text() const {
    std::string out;
    if (frozen_)
        out += "frozen " + std::to_string(frozen_->since.time_since_epoch().count()) + " " + text::escape(frozen_->reason, 500) + "\n";
    for (const Hour& hour : hours_)
        out += "hour " + std::to_string(hour.number) + " " + std::to_string(hour.totals.messages) + " " +
               std::to_string(hour.totals.recipients) + " " + std::to_string(hour.totals.fresh) + "\n";
    return out;
}

void SendingBook::parse(std::string_view text) {
    for (const auto line : text::split(text, '\n')) {
        const auto words = text::split(line, ' ');
        if (words.size() >= 3 && words[0] == "frozen") {
            const auto since = text::number<std::int64_t>(words[1]);
            const std::size_t reason = words[0].size() + words[1].size() + 2;
            if (since)
                frozen_ = SendingFreeze{Time(std::chrono::microseconds(*since)), std::string(line.substr(reason))};
        } else if (words.size() == 5 && words[0] == "hour") {
            const auto number = text::number<std::int64_t>(words[1]);
            const auto messages = text::number<std::int64_t>(words[2]), recipients = text::number<std::int64_t>(words[3]),
                       fresh = text::number<std::int64_t>(words[4]);
            const bool ascends = number && (hours_.empty() || hours_.back().number < *number);
            if (ascends && messages && recipients && fresh && hours_.size() < static_cast<std::size_t>(hours_kept))
                hours_.push_back({*number, {*messages, *recipients, *fresh}});
        }
    }
}

} // namespace mail::service
