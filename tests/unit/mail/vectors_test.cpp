// Real and malformed messages from the shared vectors; skipped with a word when they are not there.
#include "tests/catch.hpp"

#include "common/mail/bodystructure.hpp"
#include "common/mail/header.hpp"
#include "tests/unit/mail/mime_properties.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

using namespace mail;

TEST_CASE("every message of the vectors keeps its bytes") {
    const std::filesystem::path folder = std::filesystem::path(MAIL_VECTORS) / "mime";
    if (!std::filesystem::exists(folder)) {
        WARN("no vectors in " << folder.string() << ": skipped");
        return;
    }
    std::size_t messages = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file() || entry.path().extension() == ".json")
            continue;
        std::ifstream in(entry.path(), std::ios::binary);
        const std::string message{std::istreambuf_iterator<char>(in), {}};
        INFO(entry.path().string());
        const MimeTree tree = parse_mime(message);
        CHECK(test::broken_property(message, tree) == "");
        std::string all;
        const HeaderView header = parse_header(message);
        for (const Field& field : header.fields)
            all += field.whole;
        CHECK(all == header.section);
        const Derived derived = derive(message, tree);
        CHECK(derived.envelope.starts_with('('));
        CHECK(derived.bodystructure.starts_with('('));
        for (const Part& part : tree.parts)
            static_cast<void>(decoded_text(message, part));
        ++messages;
    }
    CHECK(messages > 50);
}
