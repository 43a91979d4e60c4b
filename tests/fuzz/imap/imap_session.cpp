// A whole session fed with bytes, in three starting states: greeted, signed in, INBOX selected. The first byte chooses the
// state and how the input is cut. Nothing may crash, hang or leave the store with more than was accepted.
#include "tests/unit/imap/world.hpp"

#include <cstdint>
#include <cstdlib>

using namespace mail::imap::test;

namespace {

std::unique_ptr<World> make_world() {
    auto world = std::make_unique<World>();
    mail::service::SignIn::set_failure_delay(mail::Duration(0));
    const std::string message = "From: a@b.test\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n"
                                "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ny\r\n--b--\r\n";
    static_cast<void>(world->as_ann(append("a", "INBOX", message) + append("b", "INBOX (\\Deleted)", "Subject: y\r\n\r\nz\r\n")));
    return world;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // OpenSSL first: it then cleans up after the world's threads have ended.
    static const bool ready = mail::sasl::make_verifier("x", 4096).has_value();
    static std::unique_ptr<World> world;
    static unsigned runs = 0;
    if (world == nullptr || ++runs % 500 == 0)
        world = make_world();
    if (!ready || !world->problem.empty())
        std::abort();
    if (size == 0)
        return 0;
    const unsigned mode = data[0];
    std::string input;
    if (mode % 3 > 0)
        input = "0 LOGIN ann@example.test sesam\r\n";
    if (mode % 3 == 2)
        input += "0 SELECT INBOX\r\n";
    input.append(reinterpret_cast<const char*>(data) + 1, size - 1);
    const std::size_t chunk = mode < 128 ? SIZE_MAX : 1 + mode % 32;
    const auto output = world->talk(std::move(input), true, [chunk] { return chunk; });
    if (!output.starts_with("* OK ") || !output.ends_with("\r\n"))
        std::abort();
    return 0;
}
