// A batch from anywhere: bounded messages within the body, or an error; and what is read and written again reads the same.
#include "common/api/message_batch.hpp"

#include <cstdint>
#include <cstdlib>

using namespace mail::api;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    BatchReader reader(body);
    std::string again;
    std::vector<BatchMessage> messages;
    for (;;) {
        auto message = reader.next();
        if (!message || !*message)
            break;
        const auto& bytes = (*message)->bytes;
        if (bytes.data() < body.data() || bytes.data() + bytes.size() > body.data() + body.size() || (*message)->copy == 0)
            std::abort();
        append_message(again, **message);
        messages.push_back(**message);
    }
    BatchReader second(again);
    for (const auto& message : messages) {
        const auto read = second.next();
        if (!read || !*read || (*read)->bytes != message.bytes || (*read)->flags != message.flags || (*read)->uid != message.uid ||
            (*read)->copy != message.copy || (*read)->date.has_value() != message.date.has_value())
            std::abort();
    }
    const auto end = second.next();
    if (!end || *end)
        std::abort();
    return 0;
}
