#include "maild/pop3/proto/message_text.hpp"

namespace mail::pop3 {

void MessageText::end_line() {
    if (in_body_)
        ++lines_;
    else if (line_is_empty_)
        in_body_ = true;
    at_line_start_ = true;
    line_is_empty_ = true;
    enough_ = in_body_ && body_lines_ && lines_ >= *body_lines_;
}

void MessageText::put(std::string& out, std::string_view piece) {
    while (!piece.empty() && !enough_) {
        // Up to the line's end in one step: lines are many and long against what is done for each.
        const auto end = piece.find('\n');
        auto text = piece.substr(0, end);
        piece.remove_prefix(end == std::string_view::npos ? piece.size() : end + 1);
        if (pending_cr_ && !text.empty()) { // it was not half of a line end
            out += '\r';
            at_line_start_ = false;
            line_is_empty_ = false;
            pending_cr_ = false;
        }
        const bool ends_in_cr = !text.empty() && text.back() == '\r';
        if (ends_in_cr)
            text.remove_suffix(1);
        if (!text.empty()) {
            if (at_line_start_ && text.front() == '.')
                out += '.';
            at_line_start_ = false;
            line_is_empty_ = false;
            out += text;
        }
        if (end == std::string_view::npos) {
            pending_cr_ = ends_in_cr;
            break;
        }
        pending_cr_ = false;
        out += "\r\n";
        end_line();
    }
}

void MessageText::finish(std::string& out) {
    if (pending_cr_ || !at_line_start_) {
        out += "\r\n"; // a CR at the very end counts as half of the line end that is missing
        pending_cr_ = false;
        end_line();
    }
    out += ".\r\n";
}

} // namespace mail::pop3
