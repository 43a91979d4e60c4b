// `mailctl mailbox quota`: how full a mailbox is, against the stages of its quota.
#include "mailctl/commands/commands.hpp"
#include "mailctl/commands/common.hpp"
#include "mailctl/commands/resource.hpp"
#include "mailctl/output/json.hpp"

#include "common/schema/kind.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <ostream>

namespace mail::mailctl {
namespace {

namespace json = boost::json;

constexpr std::int64_t bar_width = 40; // columns

/// "[########------------]" of used / all.
std::string bar(std::int64_t used, std::int64_t all) {
    const double part = static_cast<double>(used) / static_cast<double>(all);
    const auto full = std::clamp<std::int64_t>(static_cast<std::int64_t>(part * bar_width), 0, bar_width);
    return "[" + std::string(static_cast<std::size_t>(full), '#') + std::string(static_cast<std::size_t>(bar_width - full), '-') + "]";
}

std::string percent(std::int64_t used, std::int64_t all) {
    return std::to_string(static_cast<std::int64_t>(static_cast<double>(used) * 100 / static_cast<double>(all))) + " %";
}

/// "warned at  1.8 GiB   reached" for a stage that is set.
std::string stage_line(std::string_view words, std::int64_t at, std::int64_t used, bool colour) {
    std::string out = "  " + padded(words, 18) + padded(at == 0 ? "no limit" : human_bytes(at), 10, true);
    if (at != 0 && used >= at)
        out += "  " + toned("reached", Tone::warn, colour);
    return out + "\n";
}

std::string quota_text(const json::value& summary, bool colour) {
    const auto used = number_at(summary, "bytes"), quota = number_at(summary, "quota");
    std::string out = human_bytes(used) + " in " +
                      counted(static_cast<std::uint64_t>(number_at(summary, "messages")), "message", "messages");
    if (quota == 0)
        return out + ", no limit\n";
    const std::string stage = text_at(summary, "quota_stage");
    const Tone tone = stage == "fine" ? Tone::good : stage == "warned" ? Tone::warn : Tone::bad;
    out += ", " + percent(used, quota) + " of " + human_bytes(quota) + "\n" + toned(bar(used, quota), tone, colour) + "\n";
    out += stage_line("warned from", number_at(summary, "quota_warn"), used, colour);
    out += stage_line("sends up to", number_at(summary, "quota_send"), used, colour);
    return out + stage_line("receives up to", quota, used, colour);
}

int run_quota(Session& session, const schema::Kind& kind, const Invocation& given) {
    auto name = resource_name(kind, given.argument(0));
    const std::string subject = std::string(kind.name) + " " + (name ? *name : given.argument(0));
    auto summary = name ? session.get(resource_path(kind, *name) + "/mail") : Result<json::value>(fail(name.error()));
    if (!summary)
        return session.report(summary.error(), subject);
    json::object out;
    out["mailbox"] = *name;
    for (const char* member : {"bytes", "messages", "quota", "quota_warn", "quota_send", "quota_stage"})
        if (const json::value* value = at_path(*summary, member))
            out[member] = *value;
    if (session.format() == Format::ndjson)
        session.io.out << json_line(out);
    else if (session.is_json())
        session.io.out << json_text(out);
    else if (session.format() == Format::table || session.format() == Format::wide)
        session.io.out << quota_text(*summary, session.io.out_terminal.colour);
    else
        for (const auto& member : out)
            session.io.out << std::string(member.key()) << '\t' << clean(raw_text(&member.value())) << '\n';
    return exit_code::ok;
}

} // namespace

CommandSpec quota_command(const schema::Kind& kind) {
    const std::string sample(kind.key_field().sample);
    CommandSpec spec;
    spec.verb = "quota";
    spec.summary = "Show how full a mailbox is";
    spec.arguments = {{std::string(kind.key_field().name), true, false, Completes::names}};
    spec.examples = {"mailctl mailbox quota " + sample, "mailctl mailbox set " + sample + " --quota 2GiB --quota-warn 1800MiB --quota-send 1900MiB"};
    spec.details = "The owner is warned by mail at each stage that is reached: almost full, too full to send, full.";
    spec.related = "mailbox stats, explain mailbox.quota_warn, explain domain.default_quota";
    spec.run = [&kind](Session& session, const Invocation& given) { return run_quota(session, kind, given); };
    return spec;
}

} // namespace mail::mailctl
