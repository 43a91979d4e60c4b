#include "maild/usage.hpp"

#include "common/base/text.hpp"
#include "maild/version.hpp"

namespace mail {
namespace {

constexpr UsageRow verb_rows[] = {
    {"serve", "[--config FILE] [--data-dir DIR] [--socket PATH] [--apply FILE]... [--threads N]",
     "Runs the server in the foreground and logs to stderr; SIGTERM stops it."},
    {"check", "[--data-dir DIR] [--repair]",
     "Proves that every row of the store has its bytes, every checksum holds and all counts agree. Offline."},
    {"migrate", "[--data-dir DIR]", "Brings the store to this version; serve does the same when it starts. Offline."},
    {"rescue-admin", "[--data-dir DIR] [--socket PATH] [--apply FILE]...",
     "For a server that does not start or cannot be administered: opens the admin socket and nothing else, so that mailctl "
     "can mend what is wrong; with --apply it applies the files and ends. Offline."},
    {"version", "", "Prints the version."},
};

constexpr UsageRow flag_rows[] = {
    {"--data-dir", "DIR", "Everything is kept under DIR. Default: /var/lib/maild."},
    {"--socket", "PATH", "The admin socket. Default: DIR/admin.sock with --data-dir or data_dir, otherwise /run/maild/admin.sock."},
    {"--config", "FILE", "Lines of \"key: value\" with what is needed before the store opens."},
    {"--apply", "FILE",
     "Applies YAML documents before listeners open, as mailctl apply --yes does. May be repeated. Skipped when they are the ones "
     "applied last time this way, so that a restart never undoes later changes."},
    {"--repair", "",
     "check puts right what it can without losing anything: counts are made anew, rows that belong to nothing go. Damaged "
     "message bytes stay reported."},
    {"--threads", "N", "I/O threads. Default: as many as cores."},
};

constexpr UsageRow key_rows[] = {
    {"data_dir", "DIR", "As --data-dir."},
    {"socket", "PATH", "As --socket."},
    {"user", "NAME",
     "The user to become when started as root. Default: the owner of the data directory. Either way CAP_NET_BIND_SERVICE is the "
     "only right that is kept."},
    {"store", "embedded", "The storage engine. Default, and so far the only one: embedded."},
    {"segment_bytes", "N", "Size of new files of message bytes. Default: 268435456."},
    {"threads", "N", "As --threads."},
};

constexpr UsageRow signal_rows[] = {
    {"SIGTERM, SIGINT", "",
     "Stops: listeners close, every session is told to come back later, messages under way are taken to their end; what is not "
     "done after some seconds is cut off."},
    {"SIGHUP", "", "Reads the configuration and the files of certificates again."},
};

constexpr UsageRow exit_rows[] = {
    {"0", "", "Stopped by a signal; an offline job is done."},
    {"1", "", "Something else went wrong; check found damage."},
    {"2", "", "The command line cannot be understood."},
    {"75", "", "The store failed: start maild again, it recovers from its log."},
    {"78", "", "The configuration is at fault; nothing was changed."},
};

constexpr UsageRow environment_rows[] = {
    {"LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES", "",
     "Sockets bound by the service manager. They serve the listener that names their address, number (fd:3) or name "
     "(fd:imap); one bound to the admin socket's path serves that."},
    {"NOTIFY_SOCKET, WATCHDOG_USEC", "", "Where the service manager is told READY, RELOADING, STOPPING and WATCHDOG."},
};

constexpr UsageRow file_rows[] = {
    {"/etc/maild/maild.yaml", "", "The --config file of the packaged service."},
    {"/var/lib/maild", "", "The store: maild.db, its search index text.db, segments of message bytes, keys of self-signed certificates."},
    {"/run/maild/admin.sock", "", "The admin socket. Root and the user that maild runs as may use it."},
};

/// Lines of at most `width` columns, each after `indent` blanks.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width = 100) {
    std::string out, line;
    for (const auto word : text::split(text, ' ')) {
        if (!line.empty() && indent + line.size() + 1 + word.size() > width) {
            out += std::string(indent, ' ') + line + "\n";
            line.clear();
        }
        line += (line.empty() ? "" : " ") + std::string(word);
    }
    return out + std::string(indent, ' ') + line + "\n";
}

std::string label(const UsageRow& row) { return std::string(row.word) + (row.value.empty() ? "" : " ") + std::string(row.value); }

std::string help_rows(std::span<const UsageRow> rows) {
    std::string out;
    for (const auto& row : rows)
        out += "  " + label(row) + "\n" + wrapped(row.doc, 6);
    return out;
}

std::string troff(std::string_view text) {
    std::string out;
    for (const char c : text)
        out += c == '-' ? "\\-" : c == '\\' ? "\\e" : std::string(1, c);
    return out;
}

std::string man_rows(std::string_view title, std::span<const UsageRow> rows) {
    std::string out = ".SH " + std::string(title) + "\n";
    for (const auto& row : rows) {
        out += ".TP\n.BR \"" + troff(row.word) + (row.value.empty() ? "" : "\" \" " + troff(row.value)) + "\"\n" +
               troff(row.doc) + "\n";
    }
    return out;
}

} // namespace

std::span<const UsageRow> verbs() { return verb_rows; }
std::span<const UsageRow> flags() { return flag_rows; }
std::span<const UsageRow> config_keys() { return key_rows; }

std::string help_text() {
    return "usage: maild <command> [flags]\n\nCommands:\n" + help_rows(verb_rows) + "\nFlags:\n" + help_rows(flag_rows) +
           "\nKeys of a --config file:\n" + help_rows(key_rows) +
           "\nEverything else is configured through the admin socket: see mailctl help.\n";
}

std::string man_page() {
    std::string out = ".TH MAILD 8 \"\" \"maild " + std::string(version) +
                      "\"\n.SH NAME\nmaild \\- mail server: SMTP, submission, LMTP, IMAP and POP3 over one durable store\n"
                      ".SH SYNOPSIS\n";
    for (const auto& row : verb_rows)
        out += ".B maild " + troff(row.word) + "\n" + troff(row.value) + (row.value.empty() ? "" : "\n") + ".br\n";
    out += ".SH DESCRIPTION\nmaild takes in, keeps, shows and sends mail. A message that was answered 250 is on disk. Only what is "
           "needed before\nthe store opens stands on the command line or in a file; everything else is a resource in the store, "
           "changed at run\ntime by\n.BR mailctl (1)\nthrough the admin socket. The fields of all resources are described in\n.BR maild\\-documents (5).\n";
    out += man_rows("COMMANDS", verb_rows) + man_rows("OPTIONS", flag_rows) + man_rows("CONFIGURATION FILE", key_rows) +
           man_rows("SIGNALS", signal_rows) + man_rows("EXIT STATUS", exit_rows) + man_rows("ENVIRONMENT", environment_rows) +
           man_rows("FILES", file_rows);
    return out + ".SH SEE ALSO\n.BR mailctl (1),\n.BR maild\\-documents (5)\n";
}

} // namespace mail
