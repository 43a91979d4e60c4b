#include "mailctl/transfer/progress.hpp"

#include "mailctl/output/style.hpp"

#include <algorithm>
#include <ostream>

namespace mail::mailctl {
namespace {

constexpr std::size_t bar_width = 20;
constexpr auto redraw = std::chrono::milliseconds(100);

std::string grouped(std::uint64_t number) {
    std::string out = std::to_string(number);
    for (auto at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > 0; at -= 3)
        out.insert(static_cast<std::size_t>(at), ",");
    return out;
}

} // namespace

std::string progress_line(std::uint64_t done, std::uint64_t total, std::uint64_t messages, double seconds, const std::string& what,
                          std::size_t width) {
    std::string out;
    if (total > 0) {
        const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
        const auto full = static_cast<std::size_t>(part * static_cast<double>(bar_width));
        out = "[" + std::string(full, '#') + std::string(bar_width - full, '-') + "] " +
              padded(std::to_string(static_cast<unsigned>(part * 100)), 3, true) + " %  ";
    }
    out += grouped(messages) + " messages";
    if (seconds > 0.5)
        out += "  " + grouped(static_cast<std::uint64_t>(static_cast<double>(messages) / seconds)) + "/s";
    return clipped(out + "  " + clean(what), width);
}

Progress::Progress(Session& session)
    : session_(session), on_(session.io.err_terminal.tty && !session.globals.quiet), begun_(std::chrono::steady_clock::now()) {}

void Progress::show(std::uint64_t done, std::uint64_t total, std::uint64_t messages, const std::string& what) {
    const auto now = std::chrono::steady_clock::now();
    if (!on_ || now - last_ < redraw)
        return;
    last_ = now;
    drawn_ = true;
    const double seconds = std::chrono::duration<double>(now - begun_).count();
    const auto width = std::max<std::size_t>(session_.io.err_terminal.width, 20) - 1;
    session_.io.err << '\r' << padded(progress_line(done, total, messages, seconds, what, width), width) << std::flush;
}

void Progress::finish() {
    if (drawn_)
        session_.io.err << '\r' << std::string(std::max<std::size_t>(session_.io.err_terminal.width, 20) - 1, ' ') << '\r' << std::flush;
    drawn_ = false;
}

} // namespace mail::mailctl
