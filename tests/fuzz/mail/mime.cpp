// MIME trees: ranges nest and add up to the message for any bytes, and every section lookup stays inside it.
#include "common/mail/mime.hpp"
#include "tests/unit/mail/mime_properties.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mail;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const MimeTree tree = parse_mime(input);
    const std::string broken = test::broken_property(input, tree);
    if (!broken.empty()) {
        std::fprintf(stderr, "%s\n", broken.c_str());
        std::abort();
    }
    for (std::uint32_t a = 1; a < 4; ++a) {
        for (std::uint32_t b = 0; b < 3; ++b) {
            const std::vector<std::uint32_t> path =
                b == 0 ? std::vector<std::uint32_t>{a} : std::vector<std::uint32_t>{a, b};
            for (auto text : {SectionText::whole, SectionText::header, SectionText::text, SectionText::mime})
                if (const auto range = find_section(tree, input, path, text))
                    if (range->begin > range->end || range->end > input.size())
                        std::abort();
            const auto whole = find_section(tree, input, path, SectionText::whole);
            const auto header = find_section(tree, input, path, SectionText::header);
            const auto body = find_section(tree, input, path, SectionText::text);
            if (header && std::string(header->of(input)) + std::string(body->of(input)) != whole->of(input))
                std::abort();
        }
    }
    for (const Part& part : tree.parts) {
        static_cast<void>(decoded_text(input, part));
        static_cast<void>(part.filename());
    }
    return 0;
}
