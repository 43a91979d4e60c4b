#include "maild/boot_config.hpp"

#include "common/base/text.hpp"
#include "maild/usage.hpp"

#include <fstream>

namespace mail {

std::string BootConfig::socket_path() const {
    if (!socket.empty())
        return socket;
    return data_dir_given ? data_dir + "/admin.sock" : "/run/maild/admin.sock";
}

namespace {

Result<void> set(BootConfig& config, std::string_view key, std::string value) {
    if (key == "data_dir") {
        config.data_dir = std::move(value);
        config.data_dir_given = true;
    } else if (key == "socket") {
        config.socket = std::move(value);
    } else if (key == "user") {
        config.user = std::move(value);
    } else if (key == "store") {
        if (value != "embedded")
            return fail(ErrorCode::invalid, "store " + value + " is not available", "use: embedded");
        config.store = std::move(value);
    } else if (key == "segment_bytes") {
        const auto n = text::number<std::uint64_t>(value);
        if (!n || *n < (std::uint64_t{1} << 20) || *n > (std::uint64_t{4} << 30))
            return fail(ErrorCode::invalid, "segment_bytes must be a number from 1048576 to 4294967296");
        config.segment_bytes = *n;
    } else if (key == "threads") {
        const auto n = text::number<unsigned>(value);
        if (!n || *n < 1 || *n > 256)
            return fail(ErrorCode::invalid, "threads must be a number from 1 to 256");
        config.threads = *n;
    } else {
        std::vector<std::string> known;
        for (const auto& row : config_keys())
            known.emplace_back(row.word);
        const auto near = text::nearest(key, known);
        return fail(ErrorCode::invalid, "unknown key " + std::string(key), near.empty() ? "" : "did you mean " + near + "?");
    }
    return {};
}

} // namespace

Result<void> read_boot_file(const std::string& path, BootConfig& config) {
    std::ifstream in(path);
    if (!in)
        return fail(ErrorCode::invalid, path + ": cannot be read", "check the path and its permissions");
    std::string line;
    for (unsigned number = 1; std::getline(in, line); ++number) {
        const auto content = text::trim(std::string_view(line).substr(0, line.find('#')));
        if (content.empty() || content == "---")
            continue;
        const auto where = path + ":" + std::to_string(number) + ": ";
        const auto colon = content.find(':');
        if (colon == std::string_view::npos)
            return fail(ErrorCode::invalid, where + "expected key: value");
        auto value = text::trim(content.substr(colon + 1));
        if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
            value = value.substr(1, value.size() - 2);
        if (auto ok = set(config, text::trim(content.substr(0, colon)), std::string(value)); !ok)
            return fail(ok.error().code, where + ok.error().message, ok.error().hint);
    }
    return {};
}

Result<BootConfig> read_boot_config(const std::vector<std::string>& arguments) {
    BootConfig config;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        std::string_view flag = arguments[i];
        std::string value;
        if (flag == "--repair") {
            config.repair = true;
            continue;
        }
        if (const auto equals = flag.find('='); flag.starts_with("--") && equals != std::string_view::npos) {
            value = flag.substr(equals + 1);
            flag = flag.substr(0, equals);
        } else if (i + 1 < arguments.size()) {
            value = arguments[++i];
        } else {
            return fail(ErrorCode::usage, std::string(flag) + " needs a value", "see: maild --help");
        }
        if (flag == "--data-dir")
            { MAIL_DO(set(config, "data_dir", std::move(value))); }
        else if (flag == "--socket")
            { MAIL_DO(set(config, "socket", std::move(value))); }
        else if (flag == "--threads")
            { MAIL_DO(set(config, "threads", std::move(value))); }
        else if (flag == "--config")
            { MAIL_DO(read_boot_file(value, config)); }
        else if (flag == "--apply")
            config.apply.push_back(std::move(value));
        else
            return fail(ErrorCode::usage, "unknown flag " + std::string(flag), "see: maild --help");
    }
    return config;
}

} // namespace mail
