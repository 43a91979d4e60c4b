#include "common/mail/mime.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/header.hpp"

#include <algorithm>
#include <cstring>

namespace mail {
namespace {

/// RFC 3282 §2: a list of tags; more than anybody needs are not read.
void read_languages(std::string_view value, std::vector<std::string>& out) {
    constexpr std::size_t most = 50, longest = 64;
    while (!value.empty() && out.size() < most) {
        const std::size_t comma = std::min(value.find(','), value.size());
        const std::string_view tag = text::trim(value.substr(0, comma));
        if (!tag.empty() && tag.size() <= longest)
            out.push_back(unfold(tag));
        value.remove_prefix(std::min(comma + 1, value.size()));
    }
}

void read_content_type(std::string_view value, Part& part) {
    ParameterizedValue content = parse_parameterized(value);
    const auto slash = content.value.find('/');
    // RFC 2045 §5.2: what cannot be read is text/plain.
    if (slash == std::string::npos || slash == 0 || slash + 1 == content.value.size())
        return;
    part.type = content.value.substr(0, slash);
    part.subtype = content.value.substr(slash + 1);
    part.parameters = std::move(content.parameters);
}

void read_encoding(std::string_view value, Part& part) {
    const std::string word = parse_parameterized(value).value;
    if (!word.empty())
        part.encoding = word;
}

/// Fills a part from its Content-* fields; the first of equal fields counts.
void read_fields(std::string_view header, Part& part) {
    enum Seen : unsigned {
        type = 1,
        encoding = 2,
        id = 4,
        description = 8,
        md5 = 16,
        disposition = 32,
        language = 64,
        location = 128
    };
    unsigned seen = 0;
    const auto first = [&](const Field& field, std::string_view name, Seen flag) {
        if ((seen & flag) != 0 || !text::iequals(field.name, name))
            return false;
        seen |= flag;
        return true;
    };
    for (const Field& field : parse_header(header).fields) {
        if (field.name.size() < 10 || text::lower(field.name[0]) != 'c' || field.name[7] != '-')
            continue;
        if (first(field, "Content-Type", type)) {
            read_content_type(field.value, part);
        } else if (first(field, "Content-Transfer-Encoding", encoding)) {
            read_encoding(field.value, part);
        } else if (first(field, "Content-ID", id)) {
            part.id = unfold(field.value);
        } else if (first(field, "Content-Description", description)) {
            part.description = unfold(field.value);
        } else if (first(field, "Content-MD5", md5)) {
            part.md5 = unfold(field.value);
        } else if (first(field, "Content-Disposition", disposition)) {
            ParameterizedValue value = parse_parameterized(field.value);
            part.disposition = {std::move(value.value), std::move(value.parameters)};
        } else if (first(field, "Content-Language", language)) {
            read_languages(field.value, part.languages);
        } else if (first(field, "Content-Location", location)) {
            part.location = unfold(field.value);
        }
    }
}

/// Line ends of `s`, eight bytes at a time: every message is counted once, some are 50 MB.
std::size_t count_line_ends(std::string_view s) noexcept {
    constexpr std::uint64_t low = 0x7F7F7F7F7F7F7F7FU, ones = 0x0101010101010101U;
    std::size_t n = 0;
    for (; s.size() >= sizeof low; s.remove_prefix(sizeof low)) {
        std::uint64_t eight = 0;
        std::memcpy(&eight, s.data(), sizeof eight);
        eight ^= ones * '\n';
        // The top bit of every byte that is now zero.
        const std::uint64_t zero = ~(((eight & low) + low) | eight | low);
        n += (zero >> 7) * ones >> 56;
    }
    return n + static_cast<std::size_t>(std::count(s.begin(), s.end(), '\n'));
}

void make_opaque(Part& part) {
    part.opaque = true;
    part.type = "application";
    part.subtype = "octet-stream";
    part.parameters.clear();
}

/// One pass over the lines; `open_` is the chain of parts that the current line belongs to.
class TreeBuilder {
  public:
    explicit TreeBuilder(std::string_view message) : message_(message) {}

    MimeTree build() {
        begin_part(Part::none, 0, false);
        while (at_ < message_.size() && !finished_)
            step();
        while (in_header_)
            end_header(message_.size(), message_.size());
        close_to(0, message_.size(), lines_ + count_lines(at_));
        return std::move(tree_);
    }

  private:
    struct Open {
        std::uint32_t part = 0;
        std::size_t lines_before = 0; ///< line ends before the body
        std::string delimiter;        ///< "--boundary", of multiparts that still expect parts
        std::uint32_t last_child = Part::none;
    };

    std::size_t count_lines(std::size_t from) const { return count_line_ends(message_.substr(from)); }

    /// One line: a header line, a delimiter, or content.
    void step() {
        const std::size_t begin = at_;
        const void* found = std::memchr(message_.data() + begin, '\n', message_.size() - begin);
        const bool ended = found != nullptr;
        const std::size_t end =
            ended ? static_cast<std::size_t>(static_cast<const char*>(found) - message_.data()) + 1
                  : message_.size();
        const std::string_view line = message_.substr(begin, end - begin);
        if (delimiters_ != 0 && line.starts_with("--") && take_delimiter(line, begin, end))
            return;
        at_ = end;
        lines_ += ended ? 1U : 0U;
        if (in_header_) {
            if (line == "\r\n" || line == "\n")
                end_header(end, end);
        } else if (delimiters_ == 0) {
            skip_rest();
        }
    }

    /// No boundary is open: what is left is the content of the innermost part.
    void skip_rest() {
        lines_ += count_lines(at_);
        at_ = message_.size();
    }

    void begin_part(std::uint32_t parent, std::size_t at, bool digest) {
        const auto index = static_cast<std::uint32_t>(tree_.parts.size());
        Part part;
        part.parent = parent;
        part.header = {at, at};
        if (digest) {
            // RFC 2046 §5.1.5: parts of a digest are messages unless they say otherwise.
            part.type = "message";
            part.subtype = "rfc822";
        }
        if (parent != Part::none) {
            part.depth = static_cast<std::uint16_t>(tree_.parts[parent].depth + 1);
            Open& above = open_.back();
            if (above.last_child == Part::none)
                tree_.parts[parent].first_child = index;
            else
                tree_.parts[above.last_child].next_sibling = index;
            above.last_child = index;
        }
        tree_.parts.push_back(std::move(part));
        open_.push_back({index, 0, {}, Part::none});
        in_header_ = true;
    }

    /// The header of the innermost part ends; its body starts at `body`.
    void end_header(std::size_t header_end, std::size_t body) {
        in_header_ = false;
        Open& open = open_.back();
        Part& part = tree_.parts[open.part];
        part.header.end = header_end;
        part.body = {body, body};
        open.lines_before = lines_;
        read_fields(part.header.of(message_), part);
        const bool multipart = part.type == "multipart";
        const bool message = part.is_message();
        if (!multipart && !message)
            return;
        const bool full = tree_.parts.size() >= limit::mime_parts || part.depth >= limit::mime_depth;
        // RFC 2046 §5.2.1: an embedded message has no other encoding; one that has is just bytes.
        const bool encoded = part.encoding == "base64" || part.encoding == "quoted-printable";
        if (full || (message && encoded)) {
            make_opaque(part);
        } else if (message) {
            const std::uint32_t parent = open.part;
            begin_part(parent, body, false);
        } else {
            open_multipart(open, part);
        }
    }

    void open_multipart(Open& open, const Part& part) {
        std::string_view boundary = part.parameter("boundary");
        while (!boundary.empty() && (boundary.back() == ' ' || boundary.back() == '\t'))
            boundary.remove_suffix(1);
        if (boundary.empty())
            return; // close_one gives it the one text part
        open.delimiter = "--" + std::string(boundary);
        ++delimiters_;
    }

    /// The line is a delimiter of an open multipart, the innermost first: an exact match, blanks after it
    /// aside, so that a boundary which starts another one is not mistaken for it.
    bool take_delimiter(std::string_view line, std::size_t begin, std::size_t end) {
        while (!line.empty() && is_blank(line.back()))
            line.remove_suffix(1);
        for (std::size_t level = open_.size(); level-- > 0;) {
            const std::string& delimiter = open_[level].delimiter;
            if (delimiter.empty() || !line.starts_with(delimiter))
                continue;
            const std::string_view rest = line.substr(delimiter.size());
            if (!rest.empty() && rest != "--")
                continue;
            take_boundary(level, begin, end, !rest.empty());
            return true;
        }
        return false;
    }

    static bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

    void take_boundary(std::size_t level, std::size_t begin, std::size_t end, bool last) {
        if (in_header_)
            end_header_at(begin);
        close_to(level + 1, begin, lines_);
        if (message_[end - 1] == '\n')
            ++lines_;
        at_ = end;
        if (last) {
            open_[level].delimiter.clear();
            --delimiters_;
            return;
        }
        const std::uint32_t parent = open_[level].part;
        begin_part(parent, end, tree_.parts[parent].subtype == "digest");
        if (tree_.parts.size() >= limit::mime_parts) {
            // The rest of the message is this one part.
            Open& open = open_.back();
            Part& part = tree_.parts[open.part];
            part.body = {end, end};
            open.lines_before = lines_;
            make_opaque(part);
            in_header_ = false;
            finished_ = true;
        }
    }

    /// A delimiter stands where a header still went on: the part has no body. Its line end stays with the
    /// header.
    void end_header_at(std::size_t at) {
        // An embedded message that starts here is empty, and so is its header: a second round ends it.
        while (in_header_)
            end_header(at, at);
    }

    /// Ends all parts from `level` of the chain on, at a delimiter line (or the end) that starts at `at`.
    void close_to(std::size_t level, std::size_t at, std::size_t lines) {
        const bool delimiter = level != 0;
        while (open_.size() > level) {
            close_one(open_.back(), at, lines, delimiter);
            if (!open_.back().delimiter.empty())
                --delimiters_;
            open_.pop_back();
        }
    }

    void close_one(const Open& open, std::size_t at, std::size_t lines, bool delimiter) {
        Part& part = tree_.parts[open.part];
        std::size_t end = at;
        // RFC 2046 §5.1.1: the line end before a delimiter belongs to the delimiter.
        if (delimiter && end > part.body.begin && message_[end - 1] == '\n') {
            --end;
            --lines;
            if (end > part.body.begin && message_[end - 1] == '\r')
                --end;
        }
        part.body.end = std::max(part.body.begin, end);
        part.lines = lines - open.lines_before;
        clip_after(open.part, part.body.end);
        if (part.is_multipart() && part.first_child == Part::none)
            add_lone_child(open.part);
    }

    /// An embedded header may have used the line end that its parent leaves to the delimiter: what stands
    /// inside a part never reaches past its end.
    void clip_after(std::uint32_t index, std::size_t end) {
        for (std::size_t i = tree_.parts.size(); i-- > index + 1U;) {
            Part& inner = tree_.parts[i];
            if (inner.header.end <= end && inner.body.end <= end)
                return;
            for (std::size_t* edge :
                 {&inner.header.begin, &inner.header.end, &inner.body.begin, &inner.body.end})
                *edge = std::min(*edge, end);
        }
    }

    /// A multipart without any part: its content is shown as one text, for BODYSTRUCTURE needs at least one.
    void add_lone_child(std::uint32_t parent) {
        Part child;
        const Part& above = tree_.parts[parent];
        child.parent = parent;
        child.depth = static_cast<std::uint16_t>(above.depth + 1);
        child.header = {above.body.begin, above.body.begin};
        child.body = above.body;
        child.lines = above.lines;
        tree_.parts[parent].first_child = static_cast<std::uint32_t>(tree_.parts.size());
        tree_.parts.push_back(std::move(child));
    }

    std::string_view message_;
    MimeTree tree_;
    std::vector<Open> open_;
    std::size_t at_ = 0;
    std::size_t lines_ = 0; ///< line ends before at_
    std::size_t delimiters_ = 0;
    bool in_header_ = false;
    bool finished_ = false;
};

} // namespace

std::string_view Part::parameter(std::string_view name) const noexcept {
    for (const Parameter& p : parameters)
        if (p.name == name)
            return p.value;
    return {};
}

std::string Part::filename() const {
    for (const Parameter& p : decode_parameters(disposition.parameters))
        if (p.name == "filename")
            return p.value;
    for (const Parameter& p : decode_parameters(parameters))
        if (p.name == "name")
            return p.value;
    return {};
}

MimeTree parse_mime(std::string_view message) {
    return TreeBuilder(message).build();
}

} // namespace mail
