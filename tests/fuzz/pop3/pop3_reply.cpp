// A message in pieces becomes the same reply as by the plain rules of RFC 1939 §3 and §7, applied line by line.
#include "maild/pop3/proto/message_text.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

std::string by_the_rules(std::string_view message, std::optional<std::uint32_t> body_lines) {
    std::string out;
    bool in_body = false;
    std::uint32_t lines = 0;
    while (!message.empty()) {
        if (in_body && body_lines && lines++ >= *body_lines)
            break;
        const auto end = message.find('\n');
        auto line = message.substr(0, end);
        message.remove_prefix(end == std::string_view::npos ? message.size() : end + 1);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        in_body = in_body || line.empty();
        if (line.starts_with('.'))
            out += '.';
        out += line;
        out += "\r\n";
    }
    return out + ".\r\n";
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2)
        return 0;
    const std::size_t piece = data[0] == 0 ? size : data[0];
    const auto lines = data[1] % 8 == 7 ? std::nullopt : std::optional<std::uint32_t>(data[1] % 8);
    const std::string_view message(reinterpret_cast<const char*>(data) + 2, size - 2);
    std::string out;
    mail::pop3::MessageText text(lines);
    for (std::size_t at = 0; at < message.size() && !text.is_enough(); at += piece)
        text.put(out, message.substr(at, piece));
    text.finish(out);
    if (out != by_the_rules(message, lines))
        std::abort();
    return 0;
}
