#include "tests/harness/transcript.hpp"

#include "common/base/text.hpp"

namespace mail::harness {
namespace {

std::string_view next_word(std::string_view& rest) {
    rest = text::trim(rest);
    const auto end = rest.find(' ');
    const auto word = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : text::trim(rest.substr(end));
    return word;
}

} // namespace

Result<Transcript> parse_transcript(std::string_view input) {
    Transcript out;
    unsigned number = 0;
    for (auto line : text::split(input, '\n')) {
        ++number;
        if (!line.empty() && line.back() == '\r')
            line.remove_suffix(1);
        if (line.empty())
            continue;
        if (line[0] == '#') {
            if (out.rule.empty())
                out.rule = text::trim(line.substr(1));
        } else if (line.starts_with("C:") || line.starts_with("S:")) {
            auto said = line.substr(2);
            if (!said.empty() && said[0] == ' ')
                said.remove_prefix(1);
            out.steps.push_back({line[0] == 'C' ? Step::Kind::client : Step::Kind::server, std::string(said), number});
        } else if (line.starts_with("given") || line.starts_with("only")) {
            const bool only = line.starts_with("only");
            auto rest = line.substr(only ? 4 : 5);
            Given given;
            given.kind = next_word(rest);
            given.name = next_word(rest);
            given.rest = rest;
            given.line = number;
            if (only && given.kind == "plain")
                out.only_plain = true;
            else if (only && given.kind == "tls")
                out.only_tls = true;
            else if (only && given.kind == "sockets")
                out.only_sockets = true;
            else if (only && given.kind == "whole")
                out.only_whole = true;
            else if (given.kind == "plaintext")
                out.plaintext = true;
            else
                out.given.push_back(std::move(given));
        } else {
            return fail(ErrorCode::invalid, std::to_string(number) + ": not a line of a transcript: " + std::string(line));
        }
    }
    if (out.rule.empty())
        return fail(ErrorCode::invalid, "1: the first line must state the rule: # RFC ...");
    return out;
}

bool matches(std::string_view pattern, std::string_view line) {
    const auto first = pattern.find("...");
    if (first == std::string_view::npos)
        return pattern == line;
    if (!line.starts_with(pattern.substr(0, first)))
        return false;
    line.remove_prefix(first);
    pattern.remove_prefix(first + 3);
    // Each part between two wildcards is taken where it first fits: no backtracking is ever needed.
    for (auto next = pattern.find("..."); next != std::string_view::npos; next = pattern.find("...")) {
        const auto at = line.find(pattern.substr(0, next));
        if (at == std::string_view::npos)
            return false;
        line.remove_prefix(at + next);
        pattern.remove_prefix(next + 3);
    }
    return line.size() >= pattern.size() && line.ends_with(pattern);
}

bool is_multiline(std::string_view pattern) {
    return pattern.size() == 7 && pattern.ends_with("-...") && text::number<unsigned>(pattern.substr(0, 3));
}

} // namespace mail::harness
