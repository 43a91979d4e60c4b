// play_mailctl MAILD MAILCTL FILE...: plays tests/transcripts/mailctl against a real maild, each file with a fresh one.
// The format is described in tests/transcripts/mailctl/README.md. Ends with "N passed, N failed".
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

constexpr auto start_patience = std::chrono::seconds(60);

struct Step {
    std::size_t line = 0;
    std::string command;
    Lines out;
    Lines err;
    int code = 0;
};

std::string contents(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

Lines lines_of(const std::string& text) {
    Lines lines;
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        lines.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    while (!lines.empty() && lines.back().empty())
        lines.pop_back();
    return lines;
}

/// The word that ends the here-document a command line opens, or "".
std::string here_word(const std::string& command) {
    const std::size_t at = command.find("<<'");
    const std::size_t end = at == std::string::npos ? at : command.find('\'', at + 3);
    return end == std::string::npos ? "" : command.substr(at + 3, end - at - 3);
}

std::vector<Step> read_steps(const fs::path& file) {
    const Lines lines = lines_of(contents(file));
    std::vector<Step> steps;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const std::string& line = lines[i];
        if (line.starts_with("$ ")) {
            Step step;
            step.line = i + 1;
            step.command = line.substr(2);
            if (const std::string word = here_word(step.command); !word.empty())
                while (++i < lines.size()) {
                    step.command += "\n" + lines[i];
                    if (lines[i] == word)
                        break;
                }
            while (step.command.ends_with('\\') && i + 1 < lines.size())
                step.command += "\n" + lines[++i];
            steps.push_back(std::move(step));
        } else if (steps.empty() || line.starts_with("# ")) {
            continue;
        } else if (line.starts_with("! ")) {
            steps.back().err.push_back(line.substr(2));
        } else if (line.starts_with("? ")) {
            steps.back().code = std::atoi(line.c_str() + 2);
        } else {
            steps.back().out.push_back(line);
        }
    }
    for (Step& step : steps)
        while (!step.out.empty() && step.out.back().empty())
            step.out.pop_back();
    return steps;
}

/// `...` within a line stands for any text.
bool fits_line(std::string_view expected, std::string_view got) {
    const std::size_t dots = expected.find("...");
    if (dots == std::string_view::npos)
        return expected == got;
    if (!got.starts_with(expected.substr(0, dots)))
        return false;
    const std::string_view rest = expected.substr(dots + 3);
    for (std::size_t at = dots; at <= got.size(); ++at)
        if (fits_line(rest, got.substr(at)))
            return true;
    return false;
}

/// A line that is `...` alone stands for any number of lines.
bool fits(const Lines& expected, std::size_t i, const Lines& got, std::size_t j) {
    if (i == expected.size())
        return j == got.size();
    if (expected[i] == "...")
        return fits(expected, i + 1, got, j) || (j < got.size() && fits(expected, i, got, j + 1));
    return j < got.size() && fits_line(expected[i], got[j]) && fits(expected, i + 1, got, j + 1);
}

bool has_line(const Lines& got, const std::string& expected) {
    for (const std::string& line : got)
        if (fits_line(expected, line))
            return true;
    return false;
}

/// A maild of its own, stopped at the end.
class Maild {
  public:
    Maild(const std::string& program, const fs::path& folder) : folder_(folder) {
        fs::create_directory(folder_ / "data");
        fs::permissions(folder_ / "data", fs::perms::owner_all);
        const std::string data = folder_ / "data";
        const std::string log = folder_ / "maild.log";
        process_ = ::fork();
        if (process_ == 0) {
            if (std::freopen(log.c_str(), "w", stderr) != nullptr)
                ::execl(program.c_str(), "maild", "serve", "--data-dir", data.c_str(), nullptr);
            ::_exit(127);
        }
    }
    Maild(const Maild&) = delete;
    Maild& operator=(const Maild&) = delete;
    ~Maild() {
        if (process_ > 0) {
            ::kill(process_, SIGTERM);
            ::waitpid(process_, nullptr, 0);
        }
    }
    [[nodiscard]] fs::path socket() const { return folder_ / "data" / "admin.sock"; }
    /// The socket appears when everything else is ready.
    [[nodiscard]] bool is_ready() {
        const auto deadline = std::chrono::steady_clock::now() + start_patience;
        while (!fs::exists(socket())) {
            if (::waitpid(process_, nullptr, WNOHANG) == process_) {
                process_ = -1;
                return false;
            }
            if (std::chrono::steady_clock::now() > deadline)
                return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        return true;
    }

  private:
    fs::path folder_;
    pid_t process_ = -1;
};

void tell(const fs::path& file, const Step& step, const std::string& what, const Lines& got) {
    std::cout << file.string() << ":" << step.line << ": " << step.command << "\n  " << what << "\n";
    for (const std::string& line : got)
        std::cout << "    | " << line << "\n";
}

bool play_step(const fs::path& file, const Step& step, const fs::path& folder) {
    const fs::path out = folder / "out";
    const fs::path err = folder / "err";
    const fs::path script = folder / "script";
    std::ofstream(script) << "cd '" << (folder / "work").string() << "'\n" << step.command << "\n";
    const int status = std::system(("sh '" + script.string() + "' >'" + out.string() + "' 2>'" + err.string() + "'").c_str());
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    const Lines said = lines_of(contents(out));
    const Lines complained = lines_of(contents(err));
    if (code != step.code) {
        tell(file, step, "ended with " + std::to_string(code) + ", not " + std::to_string(step.code), complained);
        return false;
    }
    if (!fits(step.out, 0, said, 0)) {
        tell(file, step, "printed", said);
        return false;
    }
    for (const std::string& line : step.err)
        if (!has_line(complained, line)) {
            tell(file, step, "no \"" + line + "\" on stderr, but", complained);
            return false;
        }
    return true;
}

bool play(const fs::path& file, const std::string& maild) {
    std::string name = fs::temp_directory_path() / "mailctl-play-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr)
        return false;
    const fs::path folder = name;
    fs::create_directory(folder / "work");
    bool is_good = true;
    {
        Maild server(maild, folder);
        if (!server.is_ready()) {
            std::cout << file.string() << ": maild does not start\n" << contents(folder / "maild.log");
            is_good = false;
        }
        ::setenv("MAILD_SOCKET", server.socket().c_str(), 1);
        for (const Step& step : read_steps(file))
            is_good = is_good && play_step(file, step, folder);
    }
    fs::remove_all(folder);
    return is_good;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::cerr << "usage: play_mailctl MAILD MAILCTL FILE...\n";
        return 2;
    }
    const std::string path = fs::absolute(argv[2]).parent_path().string();
    const char* before = std::getenv("PATH");
    ::setenv("PATH", (path + ":" + (before != nullptr ? before : "/usr/bin:/bin")).c_str(), 1);
    int passed = 0;
    int failed = 0;
    for (int i = 3; i < argc; ++i)
        (play(fs::absolute(argv[i]), fs::absolute(argv[1]).string()) ? passed : failed)++;
    std::cout << passed << " passed, " << failed << " failed\n";
    return failed == 0 ? 0 : 1;
}
