#include "common/mail/bodystructure.hpp"

#include "common/mail/envelope.hpp"

namespace mail {
namespace {

/// Writes the structure of one message. Recursion follows the tree, whose depth limit::mime_depth bounds.
class StructureWriter {
  public:
    StructureWriter(std::string& out, std::string_view message, const MimeTree& tree, bool extended)
        : out_(out), message_(message), tree_(tree), extended_(extended) {}

    void write(const Part& part) {
        out_ += '(';
        if (part.is_multipart())
            write_multipart(part);
        else
            write_single(part);
        out_ += ')';
    }

  private:
    void write_multipart(const Part& part) {
        for (std::uint32_t i = part.first_child; i < tree_.parts.size(); i = tree_.parts[i].next_sibling)
            write(tree_.parts[i]);
        out_ += ' ';
        append_string(out_, part.subtype);
        if (!extended_)
            return;
        out_ += ' ';
        write_parameters(part.parameters);
        write_extension(part);
    }

    void write_single(const Part& part) {
        static const std::vector<Parameter> plain_charset{{"charset", "us-ascii"}};
        append_string(out_, part.type);
        out_ += ' ';
        append_string(out_, part.subtype);
        out_ += ' ';
        // RFC 2045 §5.2: text without a word about its charset is us-ascii; RFC 9051 shows it so.
        const bool bare_text = part.parameters.empty() && part.type == "text" && part.subtype == "plain";
        write_parameters(bare_text ? plain_charset : part.parameters);
        out_ += ' ';
        write_nil_or(part.id);
        out_ += ' ';
        write_nil_or(part.description);
        out_ += ' ';
        append_string(out_, part.encoding);
        out_ += ' ';
        out_ += std::to_string(part.body.size());
        if (part.is_message() && part.first_child < tree_.parts.size()) {
            const Part& inner = tree_.parts[part.first_child];
            out_ += ' ';
            append_envelope(out_, make_envelope(parse_header(inner.header.of(message_))));
            out_ += ' ';
            write(inner);
            out_ += ' ';
            out_ += std::to_string(part.lines);
        } else if (part.is_text()) {
            out_ += ' ';
            out_ += std::to_string(part.lines);
        }
        if (!extended_)
            return;
        out_ += ' ';
        write_nil_or(part.md5);
        write_extension(part);
    }

    void write_extension(const Part& part) {
        out_ += ' ';
        if (part.disposition.type.empty()) {
            out_ += "NIL";
        } else {
            out_ += '(';
            append_string(out_, part.disposition.type);
            out_ += ' ';
            write_parameters(part.disposition.parameters);
            out_ += ')';
        }
        out_ += ' ';
        write_languages(part.languages);
        out_ += ' ';
        write_nil_or(part.location);
    }

    void write_languages(const std::vector<std::string>& languages) {
        if (languages.empty()) {
            out_ += "NIL";
            return;
        }
        char before = '(';
        for (const auto& language : languages) {
            out_ += before;
            append_string(out_, language);
            before = ' ';
        }
        out_ += ')';
    }

    void write_parameters(const std::vector<Parameter>& parameters) {
        if (parameters.empty()) {
            out_ += "NIL";
            return;
        }
        char before = '(';
        for (const auto& parameter : parameters) {
            out_ += before;
            append_string(out_, parameter.name);
            out_ += ' ';
            append_string(out_, parameter.value);
            before = ' ';
        }
        out_ += ')';
    }

    void write_nil_or(const std::string& value) {
        if (value.empty())
            out_ += "NIL";
        else
            append_string(out_, value);
    }

    std::string& out_;
    std::string_view message_;
    const MimeTree& tree_;
    bool extended_;
};

} // namespace

void append_body_structure(std::string& out, std::string_view message, const MimeTree& tree, bool extended) {
    StructureWriter(out, message, tree, extended).write(tree.root());
}

} // namespace mail
