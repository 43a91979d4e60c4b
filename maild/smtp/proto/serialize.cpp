#include "maild/smtp/proto/command.hpp"

#include "common/base/text.hpp"

namespace mail::smtp {
namespace {

std::string with_argument(std::string_view verb, const std::string& argument) {
    return argument.empty() ? std::string(verb) : std::string(verb) + " " + argument;
}

struct Writer {
    std::string operator()(const Ehlo& c) const { return with_argument("EHLO", c.name); }
    std::string operator()(const Helo& c) const { return with_argument("HELO", c.name); }
    std::string operator()(const Lhlo& c) const { return with_argument("LHLO", c.name); }
    std::string operator()(const Mail& c) const {
        std::string out = "MAIL FROM:" + c.path.text();
        const MailParameters& p = c.parameters;
        if (p.size)
            out += " SIZE=" + std::to_string(*p.size);
        if (p.body)
            out += *p.body == Body::seven_bit ? " BODY=7BIT" : *p.body == Body::eight_bit ? " BODY=8BITMIME" : " BODY=BINARYMIME";
        if (p.smtputf8)
            out += " SMTPUTF8";
        if (p.auth)
            out += " AUTH=" + (p.auth->empty() ? "<>" : encode_xtext(*p.auth));
        if (p.ret)
            out += *p.ret == DsnReturn::full ? " RET=FULL" : " RET=HDRS";
        if (p.envid)
            out += " ENVID=" + *p.envid;
        if (p.require_tls)
            out += " REQUIRETLS";
        if (p.hold_seconds)
            out += " HOLDFOR=" + std::to_string(*p.hold_seconds);
        if (p.hold_until)
            out += " HOLDUNTIL=" + format_rfc3339(*p.hold_until);
        if (p.priority)
            out += " MT-PRIORITY=" + std::to_string(*p.priority);
        return out;
    }
    std::string operator()(const Rcpt& c) const {
        std::string out = "RCPT TO:" + c.path.text();
        if (c.parameters.notify != 0) {
            std::string words;
            const std::pair<std::uint8_t, std::string_view> names[] = {{notify::never, "NEVER"},
                                                                       {notify::success, "SUCCESS"},
                                                                       {notify::failure, "FAILURE"},
                                                                       {notify::delay, "DELAY"}};
            for (const auto& [bit, name] : names) {
                if ((c.parameters.notify & bit) != 0)
                    words += (words.empty() ? "" : ",") + std::string(name);
            }
            out += " NOTIFY=" + words;
        }
        if (c.parameters.orcpt)
            out += " ORCPT=" + *c.parameters.orcpt;
        return out;
    }
    std::string operator()(const Data&) const { return "DATA"; }
    std::string operator()(const Bdat& c) const { return "BDAT " + std::to_string(c.size) + (c.last ? " LAST" : ""); }
    std::string operator()(const Rset&) const { return "RSET"; }
    std::string operator()(const Noop&) const { return "NOOP"; }
    std::string operator()(const Quit&) const { return "QUIT"; }
    std::string operator()(const StartTls&) const { return "STARTTLS"; }
    std::string operator()(const Auth& c) const {
        std::string out = "AUTH " + c.mechanism;
        if (c.initial)
            out += " " + (c.initial->empty() ? "=" : *c.initial);
        return out;
    }
    std::string operator()(const Vrfy& c) const { return with_argument("VRFY", c.text); }
    std::string operator()(const Expn& c) const { return with_argument("EXPN", c.text); }
    std::string operator()(const Help& c) const { return with_argument("HELP", c.text); }
    std::string operator()(const Etrn& c) const { return with_argument("ETRN", c.text); }
    std::string operator()(const Xclient& c) const {
        std::string out = "XCLIENT";
        for (const auto& [name, value] : c.attributes)
            out += " " + name + "=" + (value.empty() ? "[UNAVAILABLE]" : encode_xtext(value));
        return out;
    }
    std::string operator()(const Foreign&) const { return "GET /"; }
};

} // namespace

std::string serialize(const Command& command) {
    std::string line = std::visit(Writer{}, command);
    // Nobody's words may end the line and start a command of their own.
    for (char& c : line) {
        if ((c >= 0 && c < ' ' && c != '\t') || c == 0x7f)
            c = ' ';
    }
    return line + "\r\n";
}

} // namespace mail::smtp
