#include "maild/smtp_client/capabilities.hpp"

#include "common/base/text.hpp"

#include <algorithm>

namespace mail::smtp_client {
namespace {

constexpr std::size_t most_mechanisms = 32;

void add_mechanisms(Capabilities& found, std::string_view words) {
    for (const std::string_view word : text::split(words, ' ')) {
        const std::string name = text::to_upper(word);
        if (!name.empty() && found.auth.size() < most_mechanisms &&
            std::find(found.auth.begin(), found.auth.end(), name) == found.auth.end())
            found.auth.push_back(name);
    }
}

void read_line(Capabilities& found, std::string_view line) {
    // Some old servers write "AUTH=LOGIN PLAIN"; it means the same.
    const std::size_t end = line.find_first_of(" =");
    const std::string keyword = text::to_upper(line.substr(0, end));
    const std::string_view rest = end == line.npos ? std::string_view{} : text::trim(line.substr(end + 1));
    if (keyword == "PIPELINING")
        found.pipelining = true;
    else if (keyword == "8BITMIME")
        found.eight_bit = true;
    else if (keyword == "SMTPUTF8")
        found.smtputf8 = true;
    else if (keyword == "CHUNKING")
        found.chunking = true;
    else if (keyword == "BINARYMIME")
        found.binary = true;
    else if (keyword == "DSN")
        found.dsn = true;
    else if (keyword == "STARTTLS")
        found.starttls = true;
    else if (keyword == "REQUIRETLS")
        found.require_tls = true;
    else if (keyword == "SIZE") {
        found.size = true;
        found.max_size = text::number(rest).value_or(0);
    } else if (keyword == "AUTH")
        add_mechanisms(found, rest);
}

} // namespace

Capabilities read_capabilities(const smtp::Reply& ehlo) {
    Capabilities found;
    found.extended = true;
    for (std::size_t i = 1; i < ehlo.lines.size(); ++i) // the first line is the server's greeting
        read_line(found, ehlo.lines[i]);
    return found;
}

} // namespace mail::smtp_client
