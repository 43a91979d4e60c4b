// PREVIEW (RFC 8970): the first words of a message for a list view, from bounded work on its first text part.
#include "common/mail/bodystructure.hpp"

#include "common/base/text.hpp"

#include <array>

namespace mail {
namespace {

constexpr std::size_t longest_characters = 200; // RFC 8970 §3.1
constexpr std::size_t plain_bytes = 4096;       // of encoded text that is looked at
constexpr std::size_t html_bytes = 65536;

/// Text parts of an attachment or of an embedded message say nothing about this message.
bool is_candidate(const MimeTree& tree, const Part& part, std::string_view subtype) {
    if (part.type != "text" || part.subtype != subtype || part.disposition.type == "attachment")
        return false;
    for (std::uint32_t up = part.parent; up < tree.parts.size(); up = tree.parts[up].parent)
        if (tree.parts[up].is_message())
            return false;
    return true;
}

const Part* find_text(const MimeTree& tree, std::string_view subtype) {
    for (const Part& part : tree.parts)
        if (is_candidate(tree, part, subtype) && part.body.size() != 0)
            return &part;
    return nullptr;
}

std::string first_text(std::string_view message, const Part& part, std::size_t bytes) {
    auto text = decode_transfer(part.body.of(message).substr(0, bytes), part.encoding);
    if (!text)
        return {};
    // The cut may go through a character; one broken character would make all of it look like another
    // charset.
    if (part.body.size() > bytes)
        for (int i = 0; i < 4 && !text->empty() && static_cast<unsigned char>(text->back()) >= 0x80; ++i)
            text->pop_back();
    return to_utf8_lenient(*text, part.parameter("charset"));
}

/// Collects characters, blanks joined to one, until there are enough.
class Line {
  public:
    /// Appends `utf8` (whole characters); false once the line is full.
    bool add(std::string_view utf8) {
        for (char c : utf8) {
            const auto byte = static_cast<unsigned char>(c);
            if (byte <= ' ' || byte == 0x7F) {
                blank_ = !text_.empty();
                continue;
            }
            if ((byte & 0xC0) != 0x80) {
                if (count_ + (blank_ ? 2U : 1U) > longest_characters)
                    return full_ = true, false;
                if (blank_) {
                    text_ += ' ';
                    ++count_;
                }
                blank_ = false;
                ++count_;
            }
            text_ += c;
        }
        return true;
    }
    void blank() { blank_ = !text_.empty(); }
    [[nodiscard]] bool full() const noexcept { return full_; }
    [[nodiscard]] std::string take() { return std::move(text_); }

  private:
    std::string text_;
    std::size_t count_ = 0;
    bool blank_ = false, full_ = false;
};

/// Quoted lines and the signature are left out.
std::string preview_plain(std::string_view text) {
    Line line;
    while (!text.empty() && !line.full()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view one = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (one.ends_with('\r'))
            one.remove_suffix(1);
        if (one == "-- ")
            break;
        if (one.starts_with('>'))
            continue;
        line.blank();
        line.add(one);
    }
    return line.take();
}

struct Entity {
    std::string_view name, text;
};
constexpr std::array entities{Entity{"amp", "&"},
                              Entity{"lt", "<"},
                              Entity{"gt", ">"},
                              Entity{"quot", "\""},
                              Entity{"apos", "'"},
                              Entity{"nbsp", " "},
                              Entity{"#39", "'"},
                              Entity{"zwnj", ""},
                              Entity{"#8217", "\xE2\x80\x99"},
                              Entity{"rsquo", "\xE2\x80\x99"}};

/// Text between tags; the content of head, style, script and title is not for people.
class HtmlText {
  public:
    explicit HtmlText(std::string_view html) : html_(html) {}

    std::string read() {
        while (at_ < html_.size() && !line_.full()) {
            const char c = html_[at_];
            if (c == '<') {
                read_tag();
            } else if (c == '&') {
                read_entity();
            } else {
                const std::size_t end = std::min(html_.find_first_of("<&", at_), html_.size());
                show(html_.substr(at_, end - at_));
                at_ = end;
            }
        }
        return line_.take();
    }

  private:
    void show(std::string_view text) {
        if (hidden_.empty())
            line_.add(text);
    }

    void read_tag() {
        if (html_.substr(at_).starts_with("<!--")) {
            const std::size_t end = html_.find("-->", at_ + 4);
            at_ = end == std::string_view::npos ? html_.size() : end + 3;
            return;
        }
        const std::size_t end = html_.find('>', at_);
        if (end == std::string_view::npos) {
            at_ = html_.size();
            return;
        }
        std::string_view name = html_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
        const bool closing = name.starts_with('/');
        if (closing)
            name.remove_prefix(1);
        name = name.substr(0, name.find_first_of(" \t\r\n/"));
        if (hidden_.empty() && !closing) {
            for (std::string_view hide : {"head", "style", "script", "title"})
                if (text::iequals(name, hide))
                    hidden_ = hide;
        } else if (closing && text::iequals(name, hidden_)) {
            hidden_ = {};
        }
        for (std::string_view inside : {"b", "i", "u", "em", "strong", "span", "font", "a", "sup", "sub"})
            if (text::iequals(name, inside))
                return;
        line_.blank();
    }

    void read_entity() {
        const std::string_view rest = html_.substr(at_ + 1, 12);
        const std::size_t end = rest.find(';');
        if (end != std::string_view::npos) {
            for (const Entity& entity : entities) {
                if (rest.substr(0, end) == entity.name) {
                    show(entity.text);
                    at_ += end + 2;
                    return;
                }
            }
        }
        show("&");
        ++at_;
    }

    std::string_view html_, hidden_;
    Line line_;
    std::size_t at_ = 0;
};

} // namespace

std::string make_preview(std::string_view message, const MimeTree& tree) {
    if (const Part* plain = find_text(tree, "plain"))
        if (std::string preview = preview_plain(first_text(message, *plain, plain_bytes)); !preview.empty())
            return preview;
    if (const Part* html = find_text(tree, "html"))
        return HtmlText(first_text(message, *html, html_bytes)).read();
    return {};
}

} // namespace mail
