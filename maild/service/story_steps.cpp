#include "maild/service/story_steps.hpp"

#include "common/base/text.hpp"
#include "common/mail/encoded.hpp"

#include <charconv>

namespace mail::service {
namespace {

void append_number(std::string& out, std::int64_t value) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out.append(digits, end);
}

void append_name(std::string& out, std::string_view name) {
    out += ",\"";
    out += name;
    out += "\":";
}

bool is_plain(std::string_view text) noexcept {
    for (const char c : text)
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f || c == '"' || c == '\\')
            return false;
    return true;
}

} // namespace

void append_json_text(std::string& out, std::string_view text) {
    out += '"';
    if (is_plain(text)) { // nearly always
        out += text;
        out += '"';
        return;
    }
    constexpr std::string_view digits = "0123456789abcdef";
    const std::string valid = text::is_utf8(text) ? std::string(text) : scrub_utf8(text);
    for (const char c : valid) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            out += "\\u00";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        } else {
            out += c;
        }
    }
    out += '"';
}

StorySteps::Step::Step(StorySteps& steps, std::string_view name, Time at) : steps_(steps), begin_(steps.steps_.size()) {
    if (begin_ != 0)
        steps.steps_ += ',';
    steps.steps_ += "{\"step\":\"";
    steps.steps_ += name;
    steps.steps_ += '"';
    if (at - steps.told_ >= std::chrono::milliseconds(1)) {
        number("at", to_micros(at));
        steps.told_ = at;
    }
}

StorySteps::Step::~Step() {
    std::string& out = steps_.steps_;
    out += '}';
    if (out.size() <= steps_.most_)
        return;
    out.resize(begin_);
    steps_.told_ = Time{}; // the next one tells its time again
    ++steps_.left_out_;
}

StorySteps::Step& StorySteps::Step::text(std::string_view name, std::string_view value) {
    if (value.empty())
        return *this;
    append_name(steps_.steps_, name);
    append_json_text(steps_.steps_, value);
    return *this;
}

StorySteps::Step& StorySteps::Step::texts(std::string_view name, const std::vector<std::string>& values) {
    if (values.empty())
        return *this;
    append_name(steps_.steps_, name);
    char before = '[';
    for (const std::string& value : values) {
        steps_.steps_ += before;
        append_json_text(steps_.steps_, value);
        before = ',';
    }
    steps_.steps_ += ']';
    return *this;
}

StorySteps::Step& StorySteps::Step::number(std::string_view name, std::int64_t value) {
    append_name(steps_.steps_, name);
    append_number(steps_.steps_, value);
    return *this;
}

StorySteps::Step& StorySteps::Step::yes(std::string_view name, bool value) {
    append_name(steps_.steps_, name);
    steps_.steps_ += value ? "true" : "false";
    return *this;
}

void StorySteps::append(const StorySteps& earlier) {
    left_out_ += earlier.left_out_;
    if (earlier.steps_.empty())
        return;
    if (!steps_.empty())
        steps_ += ',';
    steps_ += earlier.steps_;
    told_ = earlier.told_;
}

std::string StorySteps::detail() const {
    std::string out;
    out.reserve(steps_.size() + 40);
    out += "{\"steps\":[";
    out += steps_;
    out += ']';
    if (left_out_ != 0) {
        append_name(out, "left_out");
        append_number(out, static_cast<std::int64_t>(left_out_));
    }
    out += '}';
    return out;
}

} // namespace mail::service
