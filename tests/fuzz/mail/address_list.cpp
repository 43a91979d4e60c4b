// Address lists: groups balance, limits hold, ids are well-formed, and ENVELOPE can be written.
#include "common/mail/address_list.hpp"
#include "common/base/limits.hpp"
#include "common/mail/envelope.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using Kind = mail::ListedAddress::Kind;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto list = mail::parse_address_list(input);
    if (list.size() > mail::limit::header_addresses + 2)
        std::abort();
    bool open = false;
    for (const auto& address : list) {
        if (address.kind != Kind::mailbox) {
            if (open == (address.kind == Kind::group_start))
                std::abort();
            open = !open;
        }
        for (const auto* text : {&address.name, &address.route, &address.mailbox, &address.host})
            if (text->find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
                std::abort();
    }
    if (open)
        std::abort();
    for (const auto& id : mail::parse_message_ids(input, 10))
        if (id.size() < 3 || id.front() != '<' || id.back() != '>' ||
            id.find_first_of("\r\n") != std::string::npos)
            std::abort();
    mail::Envelope envelope;
    envelope.from = list;
    std::string out;
    mail::append_envelope(out, envelope);
    return out.size() < 20 ? std::abort(), 0 : 0;
}
