// Files of a pickup folder: whatever is taken has addresses that read back, clean lines and no word of its envelope.
#include "maild/pickup/envelope.hpp"

#include "common/base/limits.hpp"
#include "common/mail/header.hpp"
#include "common/mail/message.hpp"

#include <cstdint>
#include <cstdlib>
#include <set>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace mail;
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto out = pickup::read_message(input);
    if (!out)
        return 0;
    std::set<std::string> keys;
    for (const Address& to : out->recipients)
        if (!parse_address(to.text()) || !keys.insert(address_key(to)).second)
            std::abort();
    if (out->recipients.empty() || out->recipients.size() > static_cast<std::size_t>(limit::smtp_recipients))
        std::abort();
    if (out->sender && !parse_address(out->sender->text()))
        std::abort();
    for (std::size_t i = 0; i < out->message.size(); ++i)
        if ((out->message[i] == '\n') != (i > 0 && out->message[i - 1] == '\r'))
            std::abort();
    const HeaderView header = parse_header(out->message);
    for (const char* name : {"X-Sender", "X-Receiver", "Bcc"})
        if (header.find(name) != nullptr)
            std::abort();
    return 0;
}
