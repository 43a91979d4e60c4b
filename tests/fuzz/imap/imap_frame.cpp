// The framer must report the same events however its input is cut, and keep no more than its limits allow.
#include "maild/imap/proto/framer.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace mail::imap;

namespace {

std::string trace(std::string_view wire, std::size_t chunk, FramerLimits limits) {
    Framer framer(limits);
    std::string out;
    while (!wire.empty()) {
        const auto event = framer.feed(wire.substr(0, chunk));
        wire.remove_prefix(event.consumed);
        if (event.step == Framer::Step::need_more)
            continue;
        out += static_cast<char>('0' + static_cast<int>(event.step));
        if (event.step == Framer::Step::frame) {
            if (framer.frame().text.size() > limits.command)
                std::abort();
            for (const auto& literal : framer.frame().literals)
                if (!literal.streamed && literal.data + literal.size > framer.frame().text.size())
                    std::abort();
            out += framer.frame().text;
        }
        if (event.step == Framer::Step::append_literal) {
            out += std::to_string(event.size);
            wire.remove_prefix(static_cast<std::size_t>(std::min<std::uint64_t>(event.size, wire.size())));
            framer.append_literal_done();
        }
        if (event.step == Framer::Step::error) {
            out += event.tag;
            out += event.reason;
            if (event.fatal)
                break;
        }
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view wire(reinterpret_cast<const char*>(data), size);
    auto small = FramerLimits::after_sign_in();
    small.line = 60;
    small.command = 200;
    small.literal = small.nonsync = 50;
    for (const auto& limits : {FramerLimits::before_sign_in(), FramerLimits::after_sign_in(), small}) {
        const auto whole = trace(wire, size + 1, limits);
        for (std::size_t chunk : {1U, 2U, 7U, 13U})
            if (trace(wire, chunk, limits) != whole)
                std::abort();
    }
    return 0;
}
