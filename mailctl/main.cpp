// mailctl: the command line of maild. Ties the process's streams and environment to run().
#include "mailctl/app.hpp"

#include "common/base/text.hpp"

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <sys/ioctl.h>
#include <unistd.h>

namespace {

using mail::mailctl::Terminal;

std::string environment(const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::string{} : std::string(value);
}

/// --color as given, else colour on a terminal that has not asked for none.
bool wants_colour(const std::vector<std::string>& args, bool tty) {
    for (std::size_t i = 0; i < args.size(); ++i) {
        std::string when = args[i].starts_with("--color=") ? args[i].substr(8) : "";
        if (args[i] == "--color" && i + 1 < args.size())
            when = args[i + 1];
        if (when == "always" || when == "never")
            return when == "always";
    }
    return tty && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
}

Terminal terminal_of(int fd, const std::vector<std::string>& args) {
    Terminal terminal;
    terminal.tty = ::isatty(fd) == 1;
    terminal.colour = wants_colour(args, terminal.tty);
    winsize size{};
    if (terminal.tty && ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        terminal.width = size.ws_col;
    else if (const auto columns = mail::text::number(environment("COLUMNS")); columns && *columns > 0 && *columns < 10000)
        terminal.width = *columns;
    return terminal;
}

} // namespace

int main(int argc, char** argv) {
    // A reader that goes away (`| head`) ends the program quietly, as with every other tool.
    std::signal(SIGPIPE, SIG_DFL);
    std::ios::sync_with_stdio(false);
    std::cin.tie(nullptr);
    const std::vector<std::string> args(argv + 1, argv + argc);
    mail::mailctl::Io io{std::cin, std::cout, std::cerr};
    io.in_tty = ::isatty(STDIN_FILENO) == 1;
    io.out_terminal = terminal_of(STDOUT_FILENO, args);
    io.err_terminal = terminal_of(STDERR_FILENO, args);
    io.environment = environment;
    io.now = [] { return mail::system_clock().now(); };
    io.connect = mail::mailctl::connect_server;
    const int code = mail::mailctl::run(args, io);
    std::cout.flush();
    if (!std::cout) {
        std::cerr << "error: cannot write to standard output\n";
        return code == 0 ? 1 : code;
    }
    return code;
}
