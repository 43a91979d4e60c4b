// An mbox file from anywhere, in pieces: the same messages as in one piece. And bytes from anywhere as a message: what is
// written reads back byte for byte.
#include "mailctl/transfer/mbox.hpp"

#include <cstdint>
#include <cstdlib>

using namespace mail::mailctl;

namespace {

std::vector<std::string> read(std::string_view file, std::size_t piece, MboxQuoting quoting) {
    MboxReader reader(quoting, 100000);
    for (std::size_t i = 0; i < file.size(); i += piece)
        reader.put(file.substr(i, piece));
    reader.finish();
    std::vector<std::string> out;
    while (auto message = reader.next())
        out.push_back(std::move(message->bytes));
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2)
        return 0;
    const std::size_t piece = std::size_t{data[0]} + 1;
    const auto quoting = data[1] % 2 == 0 ? MboxQuoting::mboxrd : MboxQuoting::mboxo;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    if (read(bytes, piece, quoting) != read(bytes, bytes.size() + 1, quoting))
        std::abort();
    if (bytes.empty() || bytes.find(std::string(500, '>')) != std::string_view::npos)
        return 0; // so deep a quotation is left alone
    MailItem item;
    item.bytes = bytes;
    const auto file = mbox_message(item);
    const auto again = read(file + file, piece, MboxQuoting::mboxrd);
    if (again.size() != 2 || again[0] != bytes || again[1] != bytes)
        std::abort();
    return 0;
}
