// SASL steps of both sides from hostile bytes: the first byte picks the side, lines are messages.
#include "common/sasl/client.hpp"
#include "common/sasl/mechanism.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

using namespace mail::sasl;

namespace {

const Verifier& verifier() {
    static const Verifier made = make_verifier_with_salt("pencil", "0123456789abcdef", 4096).value();
    return made;
}

void drive_server(ServerMechanism& server, std::string_view input) {
    bool first = true;
    while (true) {
        const std::size_t end = input.find('\n');
        const std::string_view message = input.substr(0, end);
        Step step = first ? server.start(message) : server.step(message);
        first = false;
        if (std::holds_alternative<NeedVerifier>(step))
            step = server.verifier(verifier());
        if (std::holds_alternative<CheckPlain>(step))
            step = server.outcome(true);
        else if (std::holds_alternative<Done>(step))
            std::abort(); // nobody proves a password of which the fuzzer knows no proof
        if (end == input.npos)
            return;
        input.remove_prefix(end + 1);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (static_cast<std::uint8_t>(data[0] - '0') % 5) {
    case 0:
        drive_server(*make_scram_server("nonce", false, {}), input);
        break;
    case 1:
        drive_server(*make_scram_server("nonce", true, {"tls-exporter", "binding"}), input);
        break;
    case 2:
        drive_server(*make_server_mechanism("PLAIN"), input);
        break;
    case 3:
        drive_server(*make_server_mechanism("LOGIN"), input);
        break;
    default: {
        auto client = make_client_mechanism("SCRAM-SHA-256", {"user", "pencil", ""}, "abc");
        (void)client->initial();
        const std::size_t end = input.find('\n');
        // More rounds than this would only measure PBKDF2.
        const bool slow = input.find("i=4096") == input.npos;
        if (!slow && client->step(input.substr(0, end)) && end != input.npos)
            (void)client->step(input.substr(end + 1));
    }
    }
    (void)parse_verifier(input);
    return 0;
}
