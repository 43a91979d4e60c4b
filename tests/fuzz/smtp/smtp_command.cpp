// Lines of any bytes: framing and parsing never crash, and a command that was understood says the same when it is
// written and read again.
#include "common/base/text.hpp"
#include "common/mail/xtext.hpp"
#include "maild/smtp/proto/command.hpp"
#include "maild/smtp/proto/framer.hpp"

#include <cstdlib>

using namespace mail::smtp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    LineFramer framer;
    while (true) {
        const auto frame = framer.next(input, 2048);
        input.remove_prefix(frame.consumed);
        if (frame.status == LineFramer::Status::need_more || frame.status == LineFramer::Status::flood)
            return 0;
        if (frame.status != LineFramer::Status::line)
            continue;
        const auto parsed = parse_command(frame.line);
        if (const auto* reply = std::get_if<Reply>(&parsed)) {
            if (!reply->is_permanent())
                std::abort();
            continue;
        }
        const Command& command = std::get<Command>(parsed);
        const auto* rcpt = std::get_if<Rcpt>(&command);
        if (rcpt != nullptr && rcpt->parameters.orcpt) { // RFC 6533 §3: what a report shows of it is UTF-8
            const std::string shown = mail::original_recipient(*rcpt->parameters.orcpt);
            if (mail::text::istarts_with(shown, "utf-8;") && !mail::text::is_utf8(shown))
                std::abort();
        }
        std::string line = serialize(command);
        line.resize(line.size() - 2);
        const auto again = parse_command(line);
        if (!std::holds_alternative<Command>(again) || !(std::get<Command>(again) == command))
            std::abort();
    }
}
