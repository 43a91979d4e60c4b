#include "mailctl/session.hpp"

#include "common/base/text.hpp"
#include "mailctl/output/json.hpp"

#include <boost/json.hpp>

#include <istream>
#include <ostream>

namespace mail::mailctl {

namespace json = boost::json;

namespace {

Result<json::value> parse_reply(const api::Reply& reply) {
    if (reply.body.empty())
        return json::value(json::object());
    boost::system::error_code error;
    json::value value = json::parse(reply.body, error);
    if (error)
        return fail(ErrorCode::internal, "the server's answer is not JSON", "is this maild? check --socket");
    return value;
}

/// "quota: too large; protocols: unknown service" of all faults in one line.
std::string faults_of(const api::Problem& problem) {
    std::string out;
    std::size_t shown = 0;
    for (const api::ProblemItem& item : problem.errors) {
        if (++shown > 5)
            return out + "; and " + std::to_string(problem.errors.size() - 5) + " more";
        std::string_view path = item.path;
        if (path.starts_with("spec."))
            path.remove_prefix(5);
        out += out.empty() ? "" : "; ";
        if (!path.empty() && path != "spec")
            out += std::string(path) + ": ";
        out += item.message;
    }
    return out;
}

} // namespace

int exit_code_of(const Error& error) { return face_of(error.code).exit_code; }

void write_error(std::ostream& err, const Error& error, const std::string& subject, const api::Problem* problem,
                 bool as_json, bool colour) {
    if (as_json) {
        const api::Problem told = problem != nullptr ? *problem : api::problem_of(error);
        err << api::to_json(told) << '\n';
        return;
    }
    std::string message = clean(error.message);
    if (!subject.empty() && message.find(subject) == std::string::npos)
        message = clean(subject) + ": " + message;
    err << toned("error:", Tone::bad, colour) << ' ' << message << '\n';
    std::string hint = error.hint;
    if (problem != nullptr && !problem->errors.empty()) {
        const std::string faults = faults_of(*problem);
        if (!faults.empty() && error.message.find(problem->errors.front().message) == std::string::npos)
            err << "  " << clean(faults) << '\n';
        if (hint.empty())
            hint = problem->errors.front().hint;
    }
    if (!hint.empty())
        err << toned("hint:", Tone::title, colour) << ' ' << clean(hint) << '\n';
}

Format Session::format() const { return globals.format.value_or(io.out_terminal.tty ? Format::table : Format::tsv); }

bool Session::is_json() const {
    return globals.format && (*globals.format == Format::json || *globals.format == Format::ndjson);
}

PrintOptions Session::print_options() const {
    PrintOptions options;
    options.format = format();
    options.headers = globals.headers;
    options.columns = globals.columns;
    options.sort = globals.sort;
    options.terminal = io.out_terminal;
    options.now = io.now();
    return options;
}

Server& Session::server() {
    if (!server_) {
        api::ClientOptions options;
        options.socket_path = globals.socket;
        options.timeout = globals.timeout;
        options.request_id = globals.request_id;
        if (globals.verbose)
            options.verbose = [this](const std::string& line) { io.err << clean(line) << '\n'; };
        server_ = io.connect(std::move(options));
    }
    return *server_;
}

Result<api::Reply> Session::call(api::Call call) { return server().call(std::move(call)); }

Result<json::value> Session::ask(api::Call one) {
    MAIL_TRY(const api::Reply reply, call(std::move(one)));
    return parse_reply(reply);
}

Result<json::value> Session::get(const std::string& path) {
    api::Call one;
    one.path = path;
    return ask(std::move(one));
}

Result<json::value> Session::post(const std::string& path, const json::value& body) {
    api::Call one;
    one.method = "POST";
    one.path = path;
    one.body = json::serialize(body);
    return ask(std::move(one));
}

int Session::print(const Result<std::string>& text) {
    if (!text)
        return report(text.error());
    io.out << *text;
    return exit_code::ok;
}

void Session::say(const std::string& line) {
    if (!globals.quiet)
        io.out << line << '\n';
}

void Session::note(const std::string& line) {
    if (!globals.quiet)
        io.err << line << '\n';
}

int Session::report(const Error& error, const std::string& subject) {
    const api::Problem* problem = server_ ? server_->problem() : nullptr;
    if (problem != nullptr && problem->detail != error.message)
        problem = nullptr; // of an earlier call
    io.out.flush();
    write_error(io.err, error, subject, problem, is_json(), io.err_terminal.colour);
    return exit_code_of(error);
}

Result<bool> Session::confirm(const std::string& question, const std::string& flag) {
    if (globals.yes)
        return true;
    if (!io.in_tty || !io.err_terminal.tty)
        return fail(ErrorCode::usage, question.substr(0, question.find('?')) + ": needs a confirmation",
                    "there is no terminal to ask on; add " + flag + " to go ahead, or --dry-run to look first");
    io.out.flush();
    io.err << clean(question) << " [y/N] " << std::flush;
    std::string answer;
    std::getline(io.in, answer);
    answer = text::to_lower(text::trim(answer));
    return answer == "y" || answer == "yes";
}

int Session::abandoned() {
    note("nothing changed");
    return 1;
}

} // namespace mail::mailctl
