// MTA-STS policies and the TXT records of MTA-STS and TLSRPT: what other domains publish.
#include "maild/queue/mta_sts.hpp"
#include "maild/queue/tls_report.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto policy = mail::queue::parse_sts_policy(text);
    if (policy) {
        (void)policy->allows("mx.example.org");
        // What was taken is kept as text and read again after a restart.
        if (!mail::queue::parse_sts_policy(policy->text))
            std::abort();
    }
    if (const auto id = mail::queue::sts_id({text, "v=spf1 -all"}); id && (id->empty() || id->size() > 32))
        std::abort();
    for (const std::string& target : mail::queue::tls_report_targets({text}))
        if (target.size() > size)
            std::abort();
    return 0;
}
