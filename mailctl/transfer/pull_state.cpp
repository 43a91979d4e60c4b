// The pure parts of ImapPull: what it remembers, and what folders are called.
#include "mailctl/transfer/imap_pull.hpp"

#include "common/base/text.hpp"
#include "common/mail/utf7.hpp"

#include <boost/json.hpp>

#include <algorithm>

namespace mail::mailctl {
namespace {
namespace json = boost::json;

template <class T> T number_of(const json::object& object, std::string_view name) {
    const auto* value = object.if_contains(name);
    if (value == nullptr)
        return 0;
    if (value->is_uint64())
        return static_cast<T>(value->get_uint64());
    return value->is_int64() && value->get_int64() >= 0 ? static_cast<T>(value->get_int64()) : T{0};
}

} // namespace

void PullState::add(std::uint32_t from, std::uint32_t to) {
    if (!runs.empty() && runs.back().from + runs.back().count == from && runs.back().to + runs.back().count == to)
        ++runs.back().count;
    else
        runs.push_back({from, to, 1});
}

std::uint32_t PullState::local(std::uint32_t uid) const {
    auto at = std::upper_bound(runs.begin(), runs.end(), uid, [](std::uint32_t wanted, const Run& run) { return wanted < run.from; });
    if (at == runs.begin())
        return 0;
    --at;
    return uid - at->from < at->count ? at->to + (uid - at->from) : 0;
}

std::string PullState::text() const {
    json::array list;
    for (const auto& run : runs)
        list.push_back(json::array{run.from, run.to, run.count});
    return json::serialize(json::object{{"uid_validity", uid_validity}, {"local_validity", local_validity}, {"modseq", modseq},
                                        {"flags_digest", flags_digest}, {"last", last}, {"runs", std::move(list)}});
}

PullState PullState::parse(std::string_view text) {
    json::error_code error;
    const auto value = json::parse(text, error);
    PullState out;
    if (error || !value.is_object())
        return out;
    const auto& object = value.get_object();
    out.uid_validity = number_of<std::uint32_t>(object, "uid_validity");
    out.local_validity = number_of<std::uint32_t>(object, "local_validity");
    out.modseq = number_of<std::uint64_t>(object, "modseq");
    out.last = number_of<std::uint32_t>(object, "last");
    if (const auto* digest = object.if_contains("flags_digest"); digest != nullptr && digest->is_string())
        out.flags_digest = digest->get_string();
    const auto* list = object.if_contains("runs");
    if (list == nullptr || !list->is_array())
        return PullState{};
    for (const auto& each : list->get_array()) {
        if (!each.is_array() || each.get_array().size() != 3)
            return PullState{};
        std::uint32_t numbers[3] = {};
        for (std::size_t i = 0; i < 3; ++i) {
            const auto& number = each.get_array()[i];
            if (!number.is_int64() || number.get_int64() <= 0 || number.get_int64() > UINT32_MAX)
                return PullState{};
            numbers[i] = static_cast<std::uint32_t>(number.get_int64());
        }
        if (!out.runs.empty() && numbers[0] < out.runs.back().from + out.runs.back().count)
            return PullState{};
        out.runs.push_back({numbers[0], numbers[1], numbers[2]});
    }
    return out;
}

std::optional<std::string> local_folder_name(std::string_view listed, char delimiter, std::string_view prefix, bool utf8) {
    if (text::iequals(listed, "INBOX"))
        return "INBOX";
    if (!prefix.empty() && listed.size() > prefix.size() && text::istarts_with(listed, prefix))
        listed.remove_prefix(prefix.size());
    auto name = utf8 ? std::optional<std::string>(listed) : decode_utf7(listed);
    if (!name && text::is_utf8(listed))
        name = std::string(listed); // many servers keep what clients sent, right or wrong
    if (!name)
        return std::nullopt;
    std::string out;
    for (const char c : *name) {
        if (c == delimiter && delimiter != '\0')
            out += '/';
        else if (c == '/' || c == '*' || c == '%' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
            out += '_'; // no folder here can have it in its name
        else
            out += c;
    }
    return out;
}

} // namespace mail::mailctl
