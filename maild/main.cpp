// maild: the server and its offline jobs. See maild/README.md.
#include "common/base/log.hpp"
#include "maild/boot_config.hpp"
#include "maild/offline.hpp"
#include "maild/server.hpp"
#include "maild/version.hpp"

#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr std::string_view usage =
    "usage: maild serve [--data-dir DIR] [--socket PATH] [--config FILE] [--apply FILE]... [--threads N]\n"
    "       maild check [--data-dir DIR]     prove that every row has its bytes and every checksum holds\n"
    "       maild migrate [--data-dir DIR]   bring the store to this version\n"
    "       maild rescue-admin [--data-dir DIR] [--socket PATH] [--apply FILE]...\n"
    "                                        for a server that does not start or cannot be administered: opens the\n"
    "                                        admin socket and nothing else, or applies the files and ends\n"
    "       maild version\n"
    "\n"
    "serve runs in the foreground and logs to stderr; SIGTERM stops it. Without --data-dir everything is kept under\n"
    "/var/lib/maild and the admin socket is /run/maild/admin.sock; with it the socket is DIR/admin.sock.\n"
    "Everything else is configured through the admin socket: see mailctl help.\n";

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
    if (verb == "--help" || verb == "-h" || verb == "help") {
        std::fwrite(usage.data(), 1, usage.size(), stdout);
        return arguments.empty() ? 2 : 0;
    }
    if (verb == "version" || verb == "--version") {
        std::printf("maild %s\n", std::string(mail::version).c_str());
        return 0;
    }
    auto boot = mail::read_boot_config({arguments.begin() + 1, arguments.end()});
    if (!boot)
        return complain(boot.error());
    boot->rescue = verb == "rescue-admin";
    if (verb == "serve" || boot->rescue)
        return mail::serve(*boot);
    if (verb == "check")
        return mail::check(*boot);
    if (verb == "migrate")
        return mail::migrate(*boot);
    return complain({mail::ErrorCode::usage, "unknown command " + verb, "see: maild --help"});
}
