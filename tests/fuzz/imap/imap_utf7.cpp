// Decoding and encoding again gives the same bytes, in both directions.
#include "common/base/text.hpp"
#include "common/mail/utf7.hpp"
#include "maild/imap/proto/list_pattern.hpp"

#include <cstdint>
#include <cstdlib>

using namespace mail;
using namespace mail::imap;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto utf8 = decode_utf7(bytes))
        if (!text::is_utf8(*utf8) || encode_utf7(*utf8) != bytes)
            std::abort();
    const auto encoded = encode_utf7(bytes);
    const auto decoded = decode_utf7(encoded);
    if (!decoded || (text::is_utf8(bytes) && *decoded != bytes))
        std::abort();
    (void)ListPattern(bytes).matches(encoded);
    return 0;
}
