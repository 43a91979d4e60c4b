#include "mailctl/transfer/names.hpp"

#include "common/base/text.hpp"
#include "common/mail/utf7.hpp"

#include <algorithm>
#include <array>

namespace mail::mailctl {
namespace {

constexpr std::string_view encoded_dot = "&AC4-";
constexpr std::string_view hex_digits = "0123456789ABCDEF";
/// Directories and files with a meaning of their own in what is exported.
constexpr std::array<std::string_view, 3> maildir_parts{"cur", "new", "tmp"};
constexpr std::array<std::string_view, 3> file_ends{".mbox", ".eml", ".ndjson"};

std::string replaced(std::string_view text, std::string_view what, std::string_view by) {
    std::string out;
    for (std::size_t at = 0;;) {
        const auto next = text.find(what, at);
        out += text.substr(at, next == std::string_view::npos ? next : next - at);
        if (next == std::string_view::npos)
            return out;
        out += by;
        at = next + what.size();
    }
}

bool is_level(std::string_view level) {
    return !level.empty() && level != "." && level != ".." && text::is_utf8(level) &&
           std::none_of(level.begin(), level.end(), [](char c) {
               return static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '*' || c == '%' || c == '/';
           });
}

} // namespace

std::string maildir_folder(std::string_view folder) {
    std::string out;
    for (const auto level : text::split(folder, '/'))
        out += "." + replaced(encode_utf7(level), ".", encoded_dot);
    return out;
}

std::optional<std::string> folder_of_maildir(std::string_view directory) {
    if (!directory.starts_with('.'))
        return std::nullopt;
    std::string out;
    for (const auto part : text::split(directory.substr(1), '.')) {
        // "&AC4-" is no strict modified UTF-7, which writes "." as itself; so it is taken care of first.
        std::string level;
        for (std::size_t at = 0; at <= part.size();) {
            const auto dot = part.find(encoded_dot, at);
            const auto piece = part.substr(at, dot == std::string_view::npos ? dot : dot - at);
            auto decoded = decode_utf7(piece);
            if (!decoded && text::is_utf8(piece) && piece.find('&') == std::string_view::npos)
                decoded = std::string(piece); // written by a server that keeps names in UTF-8
            if (!decoded)
                return std::nullopt;
            level += *decoded;
            if (dot == std::string_view::npos)
                break;
            level += '.';
            at = dot + encoded_dot.size();
        }
        if (!is_level(level) && level != "." && level != "..")
            return std::nullopt;
        out += (out.empty() ? "" : "/") + level;
    }
    return out;
}

std::string file_name_of(std::string_view level) {
    const bool is_part = std::find(maildir_parts.begin(), maildir_parts.end(), level) != maildir_parts.end();
    std::size_t odd_dot = std::string_view::npos; // of a name that ends like a file of ours
    for (const auto end : file_ends)
        if (level.ends_with(end))
            odd_dot = level.size() - end.size();
    std::string out;
    for (std::size_t i = 0; i < level.size(); ++i) {
        const auto byte = static_cast<unsigned char>(level[i]);
        const bool odd = byte < 0x20 || byte == 0x7F || byte == '%' || (i == 0 && (is_part || byte == '.')) || i == odd_dot;
        if (odd) {
            out += '%';
            out += hex_digits[byte >> 4];
            out += hex_digits[byte & 0xF];
        } else {
            out += level[i];
        }
    }
    return out;
}

std::optional<std::string> level_of(std::string_view file_name) {
    std::string out;
    for (std::size_t i = 0; i < file_name.size(); ++i) {
        const auto escaped = file_name[i] == '%' ? text::unhex(file_name.substr(i + 1, 2)) : std::nullopt;
        if (escaped && escaped->size() == 1) {
            out += *escaped;
            i += 2;
        } else {
            out += file_name[i];
        }
    }
    if (is_level(out) || out == "." || out == "..") {
        if (file_name == "." || file_name == "..")
            return std::nullopt;
        return out;
    }
    return std::nullopt;
}

std::string path_of_folder(std::string_view folder) {
    std::string out;
    for (const auto level : text::split(folder, '/'))
        out += (out.empty() ? "" : "/") + file_name_of(level);
    return out;
}

} // namespace mail::mailctl
