#include "common/api/message_batch.hpp"

#include "common/base/limits.hpp"

#include <boost/json.hpp>

namespace mail::api {
namespace json = boost::json;
namespace {

constexpr std::size_t longest_head = 65536;
constexpr std::size_t system_flags = 5;

std::optional<std::uint64_t> whole_number(const json::value& value) {
    if (value.is_int64() && value.get_int64() >= 0)
        return static_cast<std::uint64_t>(value.get_int64());
    return value.is_uint64() ? std::optional(value.get_uint64()) : std::nullopt;
}

Result<void> read_flags(const json::value& value, std::vector<std::string>& out) {
    if (!value.is_array() || value.get_array().size() > static_cast<std::size_t>(limit::keywords_per_item) + system_flags)
        return fail(ErrorCode::invalid, "flags is no list, or too long");
    for (const auto& each : value.get_array()) {
        if (!each.is_string())
            return fail(ErrorCode::invalid, "a flag is no string");
        out.emplace_back(each.get_string());
    }
    return {};
}

Result<std::uint64_t> read_head(std::string_view line, BatchMessage& out) {
    json::error_code error;
    const auto parsed = json::parse(line, error);
    if (error || !parsed.is_object())
        return fail(ErrorCode::invalid, "its head is no JSON object");
    std::optional<std::uint64_t> size;
    for (const auto& [name, value] : parsed.get_object()) {
        const auto number = whole_number(value);
        if (name == "size" && number) {
            size = number;
        } else if ((name == "uid" || name == "copy") && number && *number <= UINT32_MAX) {
            (name == "uid" ? out.uid : out.copy) = static_cast<std::uint32_t>(*number);
        } else if (name == "date" && value.is_string()) {
            out.date = parse_rfc3339(value.get_string());
            if (!out.date)
                return fail(ErrorCode::invalid, "its date is none of RFC 3339");
        } else if (name == "flags") {
            MAIL_DO(read_flags(value, out.flags));
        } else {
            return fail(ErrorCode::invalid, "its head has a member that is unknown or of the wrong type");
        }
    }
    if (!size)
        return fail(ErrorCode::invalid, "its head names no size");
    return *size;
}

} // namespace

void append_message(std::string& out, const BatchMessage& message) {
    json::object head;
    head["size"] = message.bytes.size();
    if (message.date)
        head["date"] = format_rfc3339(*message.date);
    if (!message.flags.empty()) {
        json::array flags;
        for (const auto& flag : message.flags)
            flags.emplace_back(flag);
        head["flags"] = std::move(flags);
    }
    if (message.uid != 0)
        head["uid"] = message.uid;
    if (message.copy != 1)
        head["copy"] = message.copy;
    out += json::serialize(head);
    out += '\n';
    out += message.bytes;
}

Result<std::optional<BatchMessage>> BatchReader::next() {
    if (rest_.empty())
        return std::optional<BatchMessage>{};
    ++number_;
    const auto broken = [this](const std::string& why) {
        rest_ = {};
        return fail(ErrorCode::invalid, "message " + std::to_string(number_) + " of the batch: " + why);
    };
    const auto end = rest_.substr(0, longest_head).find('\n');
    if (end == std::string_view::npos)
        return broken("its head does not end");
    BatchMessage out;
    const auto size = read_head(rest_.substr(0, end), out);
    if (!size)
        return broken(size.error().message);
    rest_.remove_prefix(end + 1);
    if (*size > rest_.size())
        return broken("it is cut short");
    if (out.copy == 0)
        return broken("copies are counted from 1");
    out.bytes = rest_.substr(0, static_cast<std::size_t>(*size));
    rest_.remove_prefix(out.bytes.size());
    return std::optional(std::move(out));
}

} // namespace mail::api
