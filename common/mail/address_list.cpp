#include "common/mail/address_list.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/address.hpp"
#include "common/mail/encoded.hpp"
#include "common/mail/scanner.hpp"

#include <algorithm>

namespace mail {
namespace {

using Kind = ListedAddress::Kind;

/// Reads one list; every step moves the cursor forward.
class ListReader {
  public:
    explicit ListReader(std::string_view text) : scan_(text) {}

    std::vector<ListedAddress> read() {
        while (!scan_.done() && out_.size() < limit::header_addresses)
            read_item();
        close_group();
        return std::move(out_);
    }

  private:
    /// Words up to a special: `phrase_` joins them with blanks, `last_` is the run that may be a local part.
    void read_words() {
        phrase_.clear();
        last_.clear();
        before_last_ = 0;
        comment_.clear();
        for (;;) {
            const bool blank = scan_.skip_blanks(&comment_);
            // RFC 5322 §4.4: "john . doe" is one run.
            const bool glued = !blank || last_.ends_with('.') || scan_.peek() == '.';
            const char c = scan_.peek();
            if (scan_.done() || std::string_view(",;:<@").find(c) != std::string_view::npos)
                return;
            std::string word;
            if (c == '"')
                scan_.read_quoted(word);
            else if (const auto atom = scan_.read_until(",;:<@\"("); !atom.empty())
                word = atom;
            if (!glued) {
                before_last_ = phrase_.size();
                last_.clear();
            }
            if (blank && !phrase_.empty())
                phrase_ += ' ';
            phrase_ += word;
            last_ += word;
        }
    }

    /// The cursor stands after '@': a domain with its obsolete blanks, or a domain literal.
    std::string read_domain(std::string* comment) {
        std::string domain;
        for (;;) {
            const bool blank = scan_.skip_blanks(comment);
            const char c = scan_.peek();
            if (scan_.done() || (blank && !domain.empty() && domain.back() != '.' && c != '.'))
                return domain;
            if (c == '[') {
                read_literal(domain);
                continue;
            }
            const auto atom = scan_.read_until(",;:<>@\"([");
            if (atom.empty())
                return domain;
            domain += atom;
        }
    }

    void read_literal(std::string& domain) {
        for (; !scan_.done(); scan_.skip()) {
            const char c = scan_.peek();
            if (!Scanner::is_blank(c))
                domain += c;
            if (c == ']') {
                scan_.skip();
                return;
            }
        }
    }

    /// The cursor stands after '<' (RFC 5322 §3.4 angle-addr, §4.4 obs-route).
    void read_angle(std::string name) {
        ListedAddress address;
        address.name = std::move(name);
        scan_.skip_blanks();
        while (scan_.peek() == '@' || (!address.route.empty() && scan_.peek() == ',')) {
            const bool comma = scan_.take(',');
            scan_.skip_blanks();
            if (!scan_.take('@'))
                continue;
            if (!address.route.empty() && comma)
                address.route += ',';
            address.route += '@' + read_domain(nullptr);
        }
        if (!address.route.empty())
            static_cast<void>(scan_.take(':'));
        read_local(address.mailbox);
        if (scan_.take('@'))
            address.host = read_domain(nullptr);
        skip_past('>');
        if (!address.mailbox.empty() || !address.host.empty() || !address.name.empty())
            out_.push_back(std::move(address));
        skip_to_separator();
    }

    void read_local(std::string& local) {
        while (!scan_.done()) {
            scan_.skip_blanks();
            if (scan_.peek() == '"') {
                scan_.read_quoted(local);
                continue;
            }
            const auto atom = scan_.read_until("@>\"(,;<");
            if (atom.empty())
                return;
            local += atom;
        }
    }

    /// Moves past `c`, but not over a separator of the list.
    void skip_past(char c) {
        while (!scan_.done() && scan_.peek() != ',' && scan_.peek() != ';')
            if (scan_.take(c))
                return;
            else
                skip_one();
    }

    void skip_to_separator() {
        while (!scan_.done() && scan_.peek() != ',' && scan_.peek() != ';')
            skip_one();
    }

    void skip_one() {
        if (scan_.skip_blanks(&comment_))
            return;
        std::string ignored;
        if (scan_.peek() == '"')
            scan_.read_quoted(ignored);
        else
            scan_.skip();
    }

    void open_group() {
        close_group();
        ListedAddress start;
        start.kind = Kind::group_start;
        start.mailbox = phrase_;
        out_.push_back(std::move(start));
        in_group_ = true;
    }

    void close_group() {
        if (!in_group_)
            return;
        ListedAddress end;
        end.kind = Kind::group_end;
        out_.push_back(std::move(end));
        in_group_ = false;
    }

    void read_item() {
        read_words();
        if (scan_.take('<'))
            return read_angle(phrase_.empty() ? comment_ : phrase_);
        if (scan_.take('@'))
            return read_plain();
        if (scan_.take(':'))
            return open_group();
        if (!phrase_.empty()) {
            ListedAddress address;
            address.name = comment_;
            address.mailbox = phrase_;
            out_.push_back(std::move(address));
        }
        if (scan_.take(';'))
            close_group();
        else
            static_cast<void>(scan_.take(','));
    }

    /// addr-spec without angle brackets; a comment is its display name.
    void read_plain() {
        ListedAddress address;
        address.mailbox = last_;
        address.host = read_domain(&comment_);
        if (scan_.peek() == '<') {
            // "ann@example.org <ann@example.org>": common, and meant as a display name.
            scan_.skip();
            return read_angle(phrase_ + '@' + address.host);
        }
        skip_to_separator();
        address.name = before_last_ != 0 ? phrase_.substr(0, before_last_) : comment_;
        if (!address.mailbox.empty() || !address.host.empty())
            out_.push_back(std::move(address));
    }

    Scanner scan_;
    std::vector<ListedAddress> out_;
    std::string phrase_, last_, comment_;
    std::size_t before_last_ = 0;
    bool in_group_ = false;
};

} // namespace

std::string ListedAddress::address() const {
    if (kind != Kind::mailbox)
        return {};
    return Address{mailbox, host}.text();
}

std::vector<ListedAddress> parse_address_list(std::string_view raw_value) {
    return ListReader(raw_value).read();
}

std::vector<ListedAddress> parse_mailboxes(std::string_view raw_value) {
    auto list = parse_address_list(raw_value);
    std::erase_if(list, [](const ListedAddress& a) { return a.kind != Kind::mailbox; });
    return list;
}

std::string format_mailbox(std::string_view display_name, std::string_view address) {
    std::string name;
    for (char c : display_name)
        if (static_cast<unsigned char>(c) >= ' ' && c != 0x7F)
            name += c;
    if (name.empty())
        return '<' + std::string(address) + '>';
    std::string out;
    const bool plain =
        std::all_of(name.begin(), name.end(), [](char c) { return text::is_alnum(c) || c == ' '; });
    if (plain) {
        out = name;
    } else if (text::is_ascii(name) && name.find("=?") == std::string::npos) {
        out = '"';
        for (char c : name) {
            if (c == '"' || c == '\\')
                out += '\\';
            out += c;
        }
        out += '"';
    } else {
        out = encode_header(name);
    }
    return out + " <" + std::string(address) + '>';
}

std::vector<std::string> parse_message_ids(std::string_view raw_value, std::size_t max) {
    std::vector<std::string> out;
    Scanner scan(raw_value);
    std::string ignored;
    while (!scan.done()) {
        if (scan.skip_blanks())
            continue;
        if (scan.peek() == '"') {
            scan.read_quoted(ignored);
            ignored.clear();
            continue;
        }
        if (!scan.take('<')) {
            scan.skip();
            continue;
        }
        std::string id = "<";
        while (!scan.done() && scan.peek() != '>' && scan.peek() != '<') {
            // RFC 5256 §3: ids are compared by meaning, so quotes and blanks are not part of one.
            if (scan.peek() == '"') {
                scan.read_quoted(id);
                continue;
            }
            if (!Scanner::is_blank(scan.peek()))
                id += scan.peek();
            scan.skip();
        }
        if (!scan.take('>') || id.size() == 1)
            continue;
        out.push_back(id + '>');
        // Of too many, the last are the nearest ancestors.
        if (out.size() >= 2 * max)
            out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(max));
    }
    if (out.size() > max)
        out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(max));
    return out;
}

} // namespace mail
