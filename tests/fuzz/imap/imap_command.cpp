// Any framed command parses or is refused; search programs keep their shape.
#include "maild/imap/proto/command.hpp"

#include <cstdint>
#include <cstdlib>

using namespace mail::imap;

namespace {

void check_program(const SearchProgram& program) {
    for (std::size_t i = 0; i < program.keys.size(); ++i)
        if (program.keys[i].span == 0 || i + program.keys[i].span > program.keys.size())
            std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view wire(reinterpret_cast<const char*>(data), size);
    auto limits = FramerLimits::after_sign_in();
    limits.stream_append = false;
    Framer framer(limits);
    while (!wire.empty()) {
        const auto event = framer.feed(wire);
        wire.remove_prefix(event.consumed);
        if (event.step == Framer::Step::error && event.fatal)
            break;
        if (event.step != Framer::Step::frame)
            continue;
        const auto outcome = parse(framer.frame());
        if (const auto* command = std::get_if<Command>(&outcome))
            if (const auto* search = std::get_if<SearchArguments>(&command->body))
                check_program(search->program);
    }
    return 0;
}
