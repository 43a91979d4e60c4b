// maild: the server and its offline jobs. See maild/README.md.
#include "common/base/log.hpp"
#include "maild/boot_config.hpp"
#include "maild/offline.hpp"
#include "maild/server.hpp"
#include "maild/usage.hpp"
#include "maild/version.hpp"

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

namespace {

int complain(const mail::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.message.c_str());
    if (!error.hint.empty())
        std::fprintf(stderr, "hint: %s\n", error.hint.c_str());
    return error.code == mail::ErrorCode::usage ? 2 : 78;
}

} // namespace

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const std::string verb = arguments.empty() ? "--help" : arguments[0];
    const auto asks = [](const std::string& word) { return word == "--help" || word == "-h"; };
    if (verb == "help" || arguments.empty() || std::any_of(arguments.begin(), arguments.end(), asks)) {
        std::fputs(mail::help_text().c_str(), stdout);
        return arguments.empty() ? 2 : 0;
    }
    if (verb == "__man") {
        std::fputs(mail::man_page().c_str(), stdout);
        return 0;
    }
    if (verb == "version" || verb == "--version") {
        std::printf("maild %s\n", std::string(mail::version).c_str());
        return 0;
    }
    const auto verbs = mail::verbs();
    if (std::none_of(verbs.begin(), verbs.end(), [&](const auto& row) { return row.word == verb; }))
        return complain({mail::ErrorCode::usage, "unknown command " + verb, "see: maild --help"});
    auto boot = mail::read_boot_config({arguments.begin() + 1, arguments.end()});
    if (!boot)
        return complain(boot.error());
    if (boot->repair && verb != "check")
        return complain({mail::ErrorCode::usage, "--repair belongs to maild check", "see: maild --help"});
    boot->rescue = verb == "rescue-admin";
    if (verb == "serve" || boot->rescue)
        return mail::serve(*boot);
    return verb == "check" ? mail::check(*boot) : mail::migrate(*boot);
}
