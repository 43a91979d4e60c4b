// `mailctl mailbox import` and `mailbox export`: messages from and to maildirs, mbox files and EML trees, and from other servers.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/commands/resource.hpp"

#include "common/api/message_batch.hpp"
#include "common/base/text.hpp"
#include "common/net/tls_context.hpp"
#include "mailctl/transfer/imap_pull.hpp"
#include "mailctl/transfer/maildir.hpp"
#include "mailctl/transfer/output.hpp"
#include "mailctl/transfer/progress.hpp"
#include "mailctl/transfer/upload.hpp"
#include "mailctl/transfer/walk.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <ostream>
#include <tuple>
#include <utility>

namespace mail::mailctl {
namespace {

namespace json = boost::json;
constexpr std::size_t most_told = 20; ///< of what was left out

/// Says what was left out, the first of it one by one.
class SkipReport {
  public:
    explicit SkipReport(Session& session) : session_(session) {}
    void take(MailSource& source, Progress& progress) {
        for (const auto& each : source.take_skipped()) {
            if (list_.size() < most_told)
                progress.finish();
            add(each);
        }
    }
    void add(const MailSource::Skipped& each) {
        if (list_.size() < most_told) {
            session_.note("left out " + clean(each.origin) + ": " + clean(each.why));
            list_.push_back(json::object{{"origin", each.origin}, {"why", each.why}});
        }
        ++count_;
    }
    [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
    [[nodiscard]] json::array list() && { return std::move(list_); }

  private:
    Session& session_;
    json::array list_;
    std::uint64_t count_ = 0;
};

int tell_import(Session& session, const Upload::Totals& totals, SkipReport& skipped, std::optional<std::uint64_t> flags_changed = {}) {
    const auto left_out = skipped.count();
    if (session.is_json()) {
        json::array folders;
        for (const auto& folder : totals.folders)
            folders.emplace_back(folder);
        json::object told{{"added", totals.added}, {"present", totals.present}, {"left_out", left_out},
                          {"folders", std::move(folders)}, {"examples", std::move(skipped).list()}};
        if (flags_changed)
            told["flags_changed"] = *flags_changed;
        session.io.out << json::serialize(told) << '\n';
    } else {
        session.say((session.globals.dry_run ? "would import " : "imported ") + counted(totals.added, "message", "messages") + " into " +
                    counted(totals.folders.size(), "folder", "folders") +
                    (totals.present > 0 ? ", " + std::to_string(totals.present) + " already there" : "") +
                    (flags_changed.value_or(0) > 0 ? ", flags of " + std::to_string(*flags_changed) + " changed" : "") +
                    (left_out > 0 ? ", " + std::to_string(left_out) + " left out" : ""));
    }
    return left_out > 0 ? exit_code::partly_done : exit_code::ok;
}

Result<std::string> mailbox_name(const Invocation& given) {
    return resource_name(*schema::find_kind("mailbox"), given.argument(0));
}

int import_files(Session& session, const std::string& mailbox, const Invocation& given) {
    WalkOptions options;
    if (given.has("format"))
        options.format = given.value("format");
    if (given.has("folder"))
        options.folder = given.value("folder");
    auto source = open_files(given.argument(1), options);
    if (!source)
        return session.report(source.error());
    Upload upload(session, mailbox);
    Progress progress(session);
    SkipReport skipped(session);
    std::uint64_t seen = 0;
    Result<void> done;
    for (;;) {
        auto item = (*source)->next();
        skipped.take(**source, progress);
        if (!item || !*item) {
            done = item ? upload.flush() : Result<void>(fail(item.error()));
            break;
        }
        progress.show((*source)->bytes_done(), (*source)->bytes_total(), ++seen, (*item)->folder);
        done = upload.put(std::move(**item));
        if (!done)
            break;
    }
    progress.finish();
    if (!done) {
        const auto& totals = upload.totals();
        if (totals.added > 0)
            session.note("imported " + counted(totals.added, "message", "messages") + " until then; the same command goes on from there");
        return session.report(done.error(), "mailbox " + mailbox);
    }
    if (seen == 0 && skipped.count() == 0)
        session.note("no messages found in " + clean(given.argument(1)));
    return tell_import(session, upload.totals(), skipped);
}

/// The password for the other server; never an argument, where others could see it.
Result<Secret> pull_password(Session& session, const Invocation& given) {
    const bool from_stdin = given.is_on("password-stdin");
    if (from_stdin == given.has("password-file"))
        return fail(ErrorCode::usage, "say where the password for the other server comes from: --password-file or --password-stdin");
    MAIL_TRY(auto text, read_input(session, from_stdin ? std::string("-") : given.value("password-file"), 4096));
    Secret out{std::string(text.substr(0, text.find_first_of("\r\n")))};
    wipe(text.data(), text.size());
    return out;
}

/// "host", "host:993" or "[2001:db8::1]:993"; port 0 where none is given.
Result<std::pair<std::string, std::uint16_t>> host_and_port(const std::string& text) {
    std::string host = text, port;
    if (const auto end = text.find(']'); text.starts_with('[') && end != std::string::npos) {
        host = text.substr(1, end - 1);
        port = text.substr(end + 1);
    } else if (const auto colon = text.find(':'); colon != std::string::npos && text.find(':', colon + 1) == std::string::npos) {
        host = text.substr(0, colon);
        port = text.substr(colon);
    }
    std::uint16_t number = 0;
    if (!port.empty())
        number = port.starts_with(':') ? text::number<std::uint16_t>(std::string_view(port).substr(1)).value_or(0) : std::uint16_t{0};
    if (host.empty() || (!port.empty() && number == 0))
        return fail(ErrorCode::usage, "--imap needs HOST or HOST:PORT, not " + clean(text));
    return std::pair(std::move(host), number);
}

Result<PullOptions> pull_options(Session& session, const Invocation& given, std::unique_ptr<net::TlsClient>& tls) {
    if (!given.argument(1).empty() || given.has("format") || given.has("folder"))
        return fail(ErrorCode::usage, "--imap takes no path, --format or --folder");
    if (given.value("user").empty())
        return fail(ErrorCode::usage, "--imap needs --user, the name to sign in with there");
    PullOptions out;
    MAIL_TRY(std::tie(out.host, out.port), host_and_port(given.value("imap")));
    using imap_client::TlsMode;
    const auto mode = given.has("tls") ? given.value("tls") : out.port == 143 ? std::string("starttls") : std::string("implicit");
    out.open.tls = mode == "none" ? TlsMode::none : mode == "starttls" ? TlsMode::starttls : TlsMode::implicit;
    if (out.port == 0)
        out.port = out.open.tls == TlsMode::implicit ? 993 : 143;
    out.open.host = out.host;
    out.open.verify = !given.is_on("insecure");
    out.open.user = given.value("user");
    out.open.timeout = session.globals.timeout;
    for (const auto& list : given.values("folders"))
        for (const auto name : text::split(list, ','))
            if (!text::trim(name).empty())
                out.folders.emplace_back(text::trim(name));
    MAIL_TRY(out.open.password, pull_password(session, given));
    net::TlsClientOptions trust;
    trust.ca_file = given.value("ca-file");
    MAIL_TRY(tls, net::TlsClient::create(std::move(trust)));
    out.open.client = tls.get();
    return out;
}

int import_imap(Session& session, const std::string& mailbox, const Invocation& given) {
    std::unique_ptr<net::TlsClient> tls;
    auto options = pull_options(session, given, tls);
    if (!options)
        return session.report(options.error());
    const std::string subject = "imap " + options->host;
    ImapPull pull(session, mailbox, std::move(*options));
    const auto done = pull.run();
    SkipReport skipped(session);
    for (const auto& each : pull.skipped())
        skipped.add(each);
    if (!done) {
        if (pull.totals().added > 0)
            session.note("imported " + counted(pull.totals().added, "message", "messages") + " until then; the same command goes on from there");
        return session.report(done.error(), subject);
    }
    return tell_import(session, pull.totals(), skipped, pull.flags_changed());
}

int run_import(Session& session, const Invocation& given) {
    const auto mailbox = mailbox_name(given);
    if (!mailbox)
        return session.report(mailbox.error(), "mailbox " + given.argument(0));
    // Nothing is read before it is known that there is somewhere to put it.
    if (const auto there = session.get(mail_path(*mailbox)); !there)
        return session.report(there.error(), "mailbox " + *mailbox);
    if (given.has("imap"))
        return import_imap(session, *mailbox, given);
    if (given.argument(1).empty())
        return session.report({ErrorCode::usage, "say what to import: a file, a directory, or --imap <host>"});
    return import_files(session, *mailbox, given);
}

Result<std::unique_ptr<MailTarget>> open_target(const std::string& format, const std::string& directory) {
    if (format == "mbox")
        return open_mbox_target(directory);
    return format == "eml" ? open_eml_target(directory) : open_maildir_target(directory);
}

/// All messages of one folder, batch by batch.
Result<std::uint64_t> export_folder(Session& session, const std::string& mailbox, const std::string& folder, MailTarget& target,
                                    const std::function<void(std::uint64_t bytes)>& written) {
    MAIL_DO(target.begin_folder(folder));
    std::uint64_t count = 0;
    for (std::uint32_t after = 0;;) {
        api::Call call;
        call.path = mail_path(mailbox, "/export" + query_text({{"folder", folder}, {"after", std::to_string(after)}}));
        MAIL_TRY(const auto reply, session.call(std::move(call)));
        if (reply.body.empty())
            break;
        api::BatchReader batch(reply.body);
        for (;;) {
            MAIL_TRY(auto message, batch.next());
            if (!message)
                break;
            if (message->uid <= after)
                return fail(ErrorCode::internal, "the server's answer goes backwards");
            after = message->uid;
            MailItem item{folder, std::move(message->flags), message->date.value_or(Time{}), std::string(message->bytes), {}};
            MAIL_DO(target.put(item));
            ++count;
            written(item.bytes.size());
        }
    }
    MAIL_DO(target.end_folder());
    return count;
}

int run_export(Session& session, const Invocation& given) {
    const auto mailbox = mailbox_name(given);
    if (!mailbox)
        return session.report(mailbox.error(), "mailbox " + given.argument(0));
    const std::string subject = "mailbox " + *mailbox;
    const auto summary = session.get(mail_path(*mailbox));
    if (!summary)
        return session.report(summary.error(), subject);
    const auto wanted = given.values("folder");
    std::vector<std::string> folders;
    std::uint64_t total = 0;
    for (const auto& item : at_path(*summary, "items")->as_array()) {
        const auto name = text_at(item, "name");
        if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end())
            continue;
        folders.push_back(name);
        total += static_cast<std::uint64_t>(number_at(item, "bytes"));
    }
    for (const auto& name : wanted)
        if (std::find(folders.begin(), folders.end(), name) == folders.end())
            return session.report({ErrorCode::not_found, "there is no folder " + clean(name), "see: mailctl mailbox stats " + *mailbox}, subject);
    if (session.globals.dry_run) {
        session.say("would export " + counted(folders.size(), "folder", "folders") + " to " + clean(given.argument(1)));
        return exit_code::ok;
    }
    auto target = open_target(given.value("format"), given.argument(1));
    if (!target)
        return session.report(target.error());
    Progress progress(session);
    std::uint64_t bytes = 0, messages = 0;
    for (const auto& folder : folders) {
        const auto note = [&](std::uint64_t size) {
            bytes += size;
            progress.show(bytes, total, ++messages, folder);
        };
        const auto count = export_folder(session, *mailbox, folder, **target, note);
        if (!count) {
            progress.finish();
            return session.report(count.error(), subject + ", folder " + clean(folder));
        }
    }
    progress.finish();
    if (session.is_json())
        session.io.out << json::serialize(json::object{{"messages", messages}, {"folders", folders.size()}, {"bytes", bytes}}) << '\n';
    else
        session.say("exported " + counted(messages, "message", "messages") + " of " + counted(folders.size(), "folder", "folders") + " to " +
                    clean(given.argument(1)));
    return exit_code::ok;
}

} // namespace

CommandSpec mailbox_import_command() {
    CommandSpec spec;
    spec.verb = "import";
    spec.summary = "Put messages into a mailbox, from files or another server";
    spec.arguments = {{"address", true, false, Completes::names}, {"path", false, false, Completes::files}};
    spec.options = {{"format", "format", "What the path holds; found out by itself", 0, false, {"auto", "maildir", "mbox", "mboxo", "eml"}, Completes::choices},
                    {"folder", "folder", "Folder for messages at the top of the path, and above its folders (INBOX)"},
                    {"imap", "host[:port]", "Fetch from this IMAP server instead"},
                    {"user", "name", "Who to sign in as there"},
                    {"password-file", "file", "Its first line is the password for there", 0, false, {}, Completes::files},
                    {"password-stdin", "", "Read the password for there from standard input"},
                    {"tls", "mode", "implicit (port 993), starttls (port 143) or none", 0, false, {"implicit", "starttls", "none"}, Completes::choices},
                    {"ca-file", "file", "Trust these certificates instead of the system's", 0, false, {}, Completes::files},
                    {"insecure", "", "Take any certificate"},
                    {"folders", "name,...", "Only these folders of the other server"}};
    spec.examples = {"mailctl mailbox import ann@example.org ~/Maildir", "mailctl mailbox import ann@example.org archive.mbox --folder Archive/2019",
                     "mailctl mailbox import ann@example.org --imap mail.example.net --user ann --password-file ann.pw"};
    spec.details = "Reads maildirs (Maildir++ or one directory per folder), mbox files and EML files with their flags, dates and folders, also mixed in "
                   "one tree. A message the folder already holds, equal in date and every byte, is not added again: an import that was interrupted is "
                   "simply repeated. Symbolic links are not followed. With --imap, a repeated import fetches new messages and changed flags only. "
                   "What cannot be taken is told and left out, with exit code 9.";
    spec.related = "mailbox export, mailbox stats";
    spec.run = run_import;
    return spec;
}

CommandSpec mailbox_export_command() {
    CommandSpec spec;
    spec.verb = "export";
    spec.summary = "Write the messages of a mailbox to files";
    spec.arguments = {{"address", true, false, Completes::names}, {"directory", true, false, Completes::files}};
    spec.options = {{"format", "format", "maildir (default), mbox or eml", 0, false, {"maildir", "mbox", "eml"}, Completes::choices},
                    {"folder", "folder", "Only this folder; may be given again"}};
    spec.examples = {"mailctl mailbox export ann@example.org /srv/ann --format maildir"};
    spec.details = "The directory must be empty or not exist. Importing what was exported gives the same messages, byte for byte, with their flags, dates and folders.";
    spec.related = "mailbox import, backup run";
    spec.run = run_export;
    return spec;
}

} // namespace mail::mailctl
