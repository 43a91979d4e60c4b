// What a server says, whole and byte by byte: the same ends, bounds kept, and what a literal announced is what is read.
#include "common/imap_client/response.hpp"

#include <cstdint>
#include <cstdlib>

using namespace mail::imap_client;

namespace {

void walk(const Value& value, std::size_t& bytes, std::size_t depth) {
    if (depth > 40)
        std::abort();
    bytes += value.text.size();
    for (const auto& item : value.items)
        walk(item, bytes, depth + 1);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    ResponseLimits limits;
    limits.line = 4096;
    limits.literal = 4096;
    while (!rest.empty()) {
        ResponseFramer framer(limits);
        const auto end = framer.find_end(rest);
        if (!end || !*end)
            break;
        if (**end == 0 || **end > rest.size() || rest[**end - 1] != '\n')
            std::abort();
        const auto bytes = rest.substr(0, **end);
        ResponseFramer slow(limits);
        for (std::size_t have = 1; have < bytes.size(); ++have)
            if (const auto early = slow.find_end(bytes.substr(0, have)); !early || *early)
                std::abort();
        if (const auto last = slow.find_end(bytes); !last || *last != bytes.size())
            std::abort();
        if (const auto response = parse_response(bytes)) {
            std::size_t kept = 0;
            for (const auto& value : response->values)
                walk(value, kept, 0);
            if (kept > bytes.size()) // nothing is made up
                std::abort();
            if (const auto* body = response->fetched("BODY[]"); body != nullptr && body->text.size() > limits.literal)
                std::abort();
        }
        rest.remove_prefix(bytes.size());
    }
    return 0;
}
