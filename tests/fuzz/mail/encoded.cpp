// Encodings: everything for people is valid UTF-8 on one line, and what we encode decodes to itself.
#include "common/mail/encoded.hpp"
#include "common/base/text.hpp"
#include "common/mail/mime.hpp"
#include "common/mail/subject.hpp"

#include <cstdint>
#include <cstdlib>

namespace {
void require(bool condition) {
    if (!condition)
        std::abort();
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mail;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::string decoded = decode_header(input);
    require(text::is_utf8(decoded) && decoded.find_first_of("\r\n") == std::string::npos);
    require(text::is_utf8(base_subject(input).text));
    const std::string clean = scrub_utf8(input);
    require(text::is_utf8(clean) && text::is_utf8(casemap(clean)) && text::is_utf8(to_nfc(clean)));
    require(casemap(clean).empty() == clean.empty() && to_nfc(to_nfc(clean)) == to_nfc(clean));
    const std::string encoded = encode_header(decoded);
    require(text::is_ascii(encoded));
    require(encoded == decoded || decode_header(encoded) == decoded);
    bool good = false;
    require(decode_base64(encode_base64_lines(input), &good) == input && good);
    const auto parameters = parse_parameterized(input).parameters;
    require(parameters.size() <= 100);
    for (const Parameter& parameter : decode_parameters(parameters))
        require(text::is_utf8(parameter.value));
    const std::size_t split = input.find('\n');
    if (split != std::string_view::npos) {
        const auto converted = to_utf8(input.substr(split + 1), input.substr(0, split));
        require(!converted || text::is_utf8(*converted));
        require(text::is_utf8(to_utf8_lenient(input.substr(split + 1), input.substr(0, split))));
    }
    static_cast<void>(decode_base64(input));
    static_cast<void>(decode_quoted_printable(input));
    return 0;
}
