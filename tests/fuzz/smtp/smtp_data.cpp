// DATA: the first byte is a piece size; whole input and pieces must give the same; what is stuffed comes back.
#include "maild/smtp/proto/framer.hpp"

#include <cstdlib>

using namespace mail::smtp;

namespace {

struct Taken {
    std::string message;
    std::size_t consumed = 0;
    bool done = false, bare = false, long_line = false;
    bool operator==(const Taken&) const = default;
};

Taken take(std::string_view input, std::size_t piece) {
    DataFramer framer(100);
    Taken taken;
    while (taken.consumed < input.size() && !framer.done())
        taken.consumed += framer.feed(input.substr(taken.consumed, piece), &taken.message);
    taken.done = framer.done();
    taken.bare = framer.has_bare_line_ending();
    taken.long_line = framer.has_long_line();
    if (framer.size() != taken.message.size())
        std::abort();
    return taken;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t piece = data[0] % 16 + 1u;
    const Taken whole = take(input, input.size() + 1);
    if (!(take(input, piece) == whole))
        std::abort();
    // Only the one true end mark ends a message, and nothing bare hides before it unnoticed.
    const std::string_view used = input.substr(0, whole.consumed);
    if (whole.done && !(used == ".\r\n" || used.ends_with("\r\n.\r\n")))
        std::abort();
    LineEndings endings;
    endings.feed(used);
    if (whole.done && endings.is_bare(true) != whole.bare)
        std::abort();

    const std::string stuffed = stuff_dots(input);
    std::string pieces;
    DotStuffer stuffer;
    for (std::size_t at = 0; at < input.size(); at += piece)
        stuffer.feed(input.substr(at, piece), pieces);
    stuffer.finish(pieces);
    const Taken back = take(stuffed, stuffed.size());
    if (pieces != stuffed || !back.done || back.bare || back.consumed != stuffed.size())
        std::abort();
    return 0;
}
