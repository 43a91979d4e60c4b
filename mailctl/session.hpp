// One run of mailctl: its streams, global options and the server, with the few things every command does: ask the
// server, print, report an error, ask the person. Data goes to out, everything else to err.
// Errors are told in at most three lines and decide the exit code (common/base/error.cpp).
#pragma once

#include "mailctl/output/plan_view.hpp"
#include "mailctl/output/printer.hpp"
#include "mailctl/server.hpp"

#include <boost/json/fwd.hpp>

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

namespace mail::mailctl {

/// The process around a command; tests make their own.
struct Io {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    bool in_tty = false;
    Terminal out_terminal{};
    Terminal err_terminal{};
    std::function<std::string(const std::string&)> environment{}; ///< "" when unset
    std::function<Time()> now{};
    std::function<std::unique_ptr<Server>(api::ClientOptions)> connect{};
};

struct Globals {
    std::optional<Format> format;   ///< as given by -o
    std::optional<bool> headers;
    std::vector<std::string> columns;
    std::string filter;
    std::string sort;
    std::optional<std::uint64_t> limit;
    std::string socket;
    Duration timeout = std::chrono::seconds(60);
    std::string request_id;
    bool watch = false;
    bool yes = false;
    bool dry_run = false;
    bool if_absent = false;
    bool if_present = false;
    bool verbose = false;
    bool quiet = false;
};

namespace exit_code {
inline constexpr int ok = 0;
inline constexpr int partly_done = 9;
inline constexpr int has_changes = 10;
} // namespace exit_code

class Session {
  public:
    Session(Io& streams, Globals given) : io(streams), globals(std::move(given)) {}

    Io& io;
    Globals globals;

    /// -o as given, else a table on a terminal and TSV in a pipe.
    [[nodiscard]] Format format() const;
    [[nodiscard]] bool is_json() const; ///< json or ndjson: errors are told as problem objects
    [[nodiscard]] PrintOptions print_options() const;

    [[nodiscard]] Result<api::Reply> call(api::Call call);
    /// A call whose answer is JSON.
    [[nodiscard]] Result<boost::json::value> ask(api::Call call);
    [[nodiscard]] Result<boost::json::value> get(const std::string& path);
    [[nodiscard]] Result<boost::json::value> post(const std::string& path, const boost::json::value& body);
    [[nodiscard]] Server& server();

    /// Writes to stdout; 0. An error instead is reported.
    int print(const Result<std::string>& text);
    /// A sentence for people about what was done (stdout; nothing with -q).
    void say(const std::string& line);
    /// A hint or progress line on stderr; nothing with -q.
    void note(const std::string& line);
    /// Tells an error on stderr and returns its exit code. `subject` goes before the message: "mailbox ann@example.org".
    int report(const Error& error, const std::string& subject = {});
    /// Asks on the terminal; with --yes true. Without a terminal an error that names the flag.
    [[nodiscard]] Result<bool> confirm(const std::string& question, const std::string& flag = "--yes");
    /// "no" was the answer: says so, exit code 1.
    int abandoned();

  private:
    std::unique_ptr<Server> server_;
};

/// The exit code for an error of any origin.
[[nodiscard]] int exit_code_of(const Error& error);
/// Tells `error` on `err`; three lines at most, or one JSON object. `problem` may be null.
void write_error(std::ostream& err, const Error& error, const std::string& subject, const api::Problem* problem,
                 bool as_json, bool colour);

} // namespace mail::mailctl
