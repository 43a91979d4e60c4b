// Replies of a remote server: bounded, never a crash, and what was understood is written the same way.
#include "maild/smtp/proto/reply.hpp"

#include <cstdlib>

using namespace mail::smtp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view input(reinterpret_cast<const char*>(data), size);
    ReplyParser parser;
    while (!input.empty()) {
        const std::size_t end = input.find('\n');
        std::string_view line = input.substr(0, end);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        auto reply = parser.feed(line);
        if (!reply)
            return 0;
        if (*reply) {
            std::string bytes;
            append(bytes, **reply);
            (void)(*reply)->text();
            if (bytes.find('\0') != bytes.npos || (*reply)->code < 200 || (*reply)->code > 559)
                std::abort();
        }
        if (end == input.npos)
            return 0;
        input.remove_prefix(end + 1);
    }
    return 0;
}
