// Header sections: fields cover the section byte for byte, and what we write about them stays one field.
#include "common/mail/header.hpp"
#include "common/mail/message.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const mail::HeaderView view = mail::parse_header(input);
    std::string all;
    for (const mail::Field& field : view.fields) {
        all += field.whole;
        const std::string written = mail::make_field("X", field.value);
        const mail::HeaderView one = mail::parse_header(written);
        if (one.fields.size() != 1 || one.fields[0].name != "X")
            std::abort();
        if (mail::unfold(field.value).find_first_of("\r\n") != std::string::npos)
            std::abort();
    }
    if (all != view.section || view.body_offset != mail::header_size(input))
        std::abort();
    const std::vector<std::string> names{"from", "x"};
    const std::string with = mail::select_fields(input, names, false),
                      without = mail::select_fields(input, names, true);
    const std::size_t separators = view.has_separator ? 4 : 0;
    if (with.size() + without.size() != view.section.size() + separators)
        std::abort();
    if (mail::count_received(input) > view.fields.size())
        std::abort();
    const std::string_view stripped = mail::without_return_path(input);
    if (!input.ends_with(stripped))
        std::abort();
    return 0;
}
