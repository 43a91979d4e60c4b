#include "maild/service/derived.hpp"

#include "common/base/limits.hpp"
#include "common/mail/bodystructure.hpp"

#include <cstring>

namespace mail::service {
namespace {

constexpr char version = 1;
constexpr std::int64_t no_date = INT64_MIN;

void put(std::string& out, std::string_view text) {
    const auto size = static_cast<std::uint32_t>(text.size());
    char raw[4];
    std::memcpy(raw, &size, 4);
    out.append(raw, 4);
    out += text;
}

void put(std::string& out, const std::optional<Time>& date) {
    const std::int64_t us = date ? to_micros(*date) : no_date;
    char raw[8];
    std::memcpy(raw, &us, 8);
    out.append(raw, 8);
}

/// Reads what put() wrote; `ok` turns false at the first field that does not fit.
struct Unpacker {
    std::string_view rest;
    bool ok = true;

    std::string_view take(std::size_t size) {
        ok = ok && size <= rest.size();
        if (!ok)
            return {};
        const auto out = rest.substr(0, size);
        rest.remove_prefix(size);
        return out;
    }
    std::uint32_t number() {
        std::uint32_t value = 0;
        if (const auto raw = take(4); ok)
            std::memcpy(&value, raw.data(), 4);
        return value;
    }
    std::string text() { return std::string(take(number())); }
    std::optional<Time> date() {
        std::int64_t us = no_date;
        if (const auto raw = take(8); ok)
            std::memcpy(&us, raw.data(), 8);
        return us == no_date ? std::nullopt : std::optional(from_micros(us));
    }
};

} // namespace

std::string pack_facts(const mail::Derived& d) {
    std::string out{version, static_cast<char>(d.is_reply), static_cast<char>(d.has_attachment)};
    put(out, d.date_sent);
    put(out, d.date_sent_day);
    for (const auto* text : {&d.base_subject, &d.message_id, &d.subject, &d.from, &d.to, &d.cc, &d.from_display,
                             &d.to_display, &d.from_text, &d.preview})
        put(out, *text);
    for (const auto& reference : d.references)
        put(out, reference);
    return out;
}

std::optional<Facts> unpack_facts(std::string_view packed) {
    Unpacker in{packed};
    const auto head = in.take(3);
    if (!in.ok || head[0] != version)
        return std::nullopt;
    Facts out;
    out.is_reply = head[1] != 0;
    out.has_attachment = head[2] != 0;
    out.date_sent = in.date();
    out.date_sent_day = in.date();
    for (auto* text : {&out.base_subject, &out.message_id, &out.subject, &out.from, &out.to, &out.cc, &out.from_display,
                       &out.to_display, &out.from_text, &out.preview})
        *text = in.text();
    while (in.ok && !in.rest.empty())
        out.references.push_back(in.text());
    return in.ok ? std::optional(std::move(out)) : std::nullopt;
}

store::Derived derive_item(store::BlobId blob, std::string_view bytes) {
    auto d = mail::derive(bytes);
    store::Derived out;
    out.blob = blob;
    out.facts = pack_facts(d);
    out.envelope = std::move(d.envelope);
    out.body = std::move(d.body);
    out.bodystructure = std::move(d.bodystructure);
    return out;
}

std::optional<store::Derived> derive_at_once(const store::AcceptPlan& plan) {
    const auto& bytes = plan.content.memory;
    if (plan.local.empty() || !bytes || bytes->size() > static_cast<std::size_t>(limit::derive_at_once_bytes))
        return std::nullopt;
    return derive_item(0, *bytes);
}

} // namespace mail::service
