#include "mailctl/commands/fields.hpp"

#include "common/base/limits.hpp"
#include "common/base/secret.hpp"
#include "common/base/text.hpp"
#include "common/schema/describe.hpp"
#include "common/schema/json.hpp"
#include "mailctl/commands/common.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <istream>
#include <ostream>
#include <sys/random.h>
#include <termios.h>
#include <unistd.h>

namespace mail::mailctl {

namespace json = boost::json;
using schema::Field;
using schema::FieldType;

namespace {

std::string dashed(std::string_view name) {
    std::string out(name);
    std::replace(out.begin(), out.end(), '_', '-');
    return out;
}

std::string placeholder_of(const Field& field) {
    switch (field.type) {
    case FieldType::size: return "size";
    case FieldType::duration: return "duration";
    case FieldType::integer: return "number";
    case FieldType::object: return "json";
    case FieldType::text_list:
    case FieldType::integer_list:
    case FieldType::duration_list: return (field.format != nullptr ? std::string(field.format->name) : "value") + ",...";
    default: return field.format != nullptr ? std::string(field.format->name) : "text";
    }
}

void add_options(std::vector<OptionSpec>& out, std::span<const Field> fields, const std::string& prefix) {
    for (const Field& field : fields) {
        if (field.is_key)
            continue;
        if (field.type == FieldType::secret) {
            for (OptionSpec& option : secret_options(field)) {
                option.name = prefix + option.name;
                out.push_back(std::move(option));
            }
            continue;
        }
        OptionSpec option;
        option.name = prefix + dashed(field.name);
        option.doc = std::string(field.doc);
        option.switchable = field.type == FieldType::boolean;
        option.value = option.switchable ? "" : placeholder_of(field);
        for (const std::string_view choice : field.choices)
            option.choices.emplace_back(choice);
        if (!option.choices.empty())
            option.completes = Completes::choices;
        else if (field.format == &schema::path_format)
            option.completes = Completes::files;
        out.push_back(std::move(option));
        if (field.type == FieldType::object)
            add_options(out, field.fields(), prefix + dashed(field.name) + ".");
    }
}

std::string without_line_end(std::string text) {
    if (text.ends_with('\n'))
        text.pop_back();
    if (text.ends_with('\r'))
        text.pop_back();
    return text;
}

std::string without_prefix(const std::string& text, const std::string& prefix) {
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

Result<json::value> value_of(const Field& field, const std::string& option, const std::vector<std::string>& texts) {
    if (field.is_list()) {
        const std::string all = text::join(texts, ",");
        if (all.empty())
            return json::value(json::array());
        MAIL_TRY(json::value list, schema::value_from_text(field, all));
        return list;
    }
    if (field.type == FieldType::object) {
        boost::system::error_code error;
        json::value object = json::parse(texts.back(), error);
        if (error || !object.is_object())
            return fail(ErrorCode::usage, "--" + option + " is no JSON object",
                        "for example --" + option + " '{\"name\": \"value\"}', or --" + option + ".name value");
        return object;
    }
    return schema::value_from_text(field, texts.back());
}

Result<void> read_level(Session& session, std::span<const Field> fields, const std::string& prefix,
                        const Invocation& given, json::object& spec, std::vector<std::string>& generated) {
    for (const Field& field : fields) {
        if (field.is_key)
            continue;
        const std::string option = prefix + dashed(field.name);
        if (field.type == FieldType::secret) {
            MAIL_TRY(json::value secret, read_secret(session, field, given, generated, prefix));
            if (!secret.is_null())
                spec[field.name] = std::move(secret);
            continue;
        }
        if (const std::vector<std::string> texts = given.values(option); !texts.empty()) {
            auto value = value_of(field, option, texts);
            if (!value)
                return fail(value.error().code, "--" + option + ": " + without_prefix(value.error().message, std::string(field.name) + ": "),
                            value.error().hint);
            spec[field.name] = std::move(*value);
        }
        if (field.type != FieldType::object)
            continue;
        json::object inner;
        MAIL_DO(read_level(session, field.fields(), option + ".", given, inner, generated));
        for (auto& member : inner) {
            if (!spec[field.name].is_object())
                spec[field.name] = json::object();
            spec[field.name].get_object()[member.key()] = std::move(member.value());
        }
    }
    return {};
}

/// No echo while it lives.
class SilentTerminal {
  public:
    SilentTerminal() {
        if (::tcgetattr(STDIN_FILENO, &before_) != 0)
            return;
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        is_changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
    }
    SilentTerminal(const SilentTerminal&) = delete;
    SilentTerminal& operator=(const SilentTerminal&) = delete;
    ~SilentTerminal() {
        if (is_changed_)
            ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }

  private:
    termios before_{};
    bool is_changed_ = false;
};

} // namespace

std::vector<OptionSpec> secret_options(const Field& field) {
    const std::string name = dashed(field.name);
    std::vector<OptionSpec> out;
    out.push_back({name + "-stdin", "", "Read the " + name + " from standard input."});
    OptionSpec file{name + "-file", "file", "Read the " + name + " from a file."};
    file.completes = Completes::files;
    out.push_back(std::move(file));
    if (field.secret_use == schema::SecretUse::verifier)
        out.push_back({"generate-" + name, "", "Make up a " + name + " and print it once."});
    return out;
}

std::vector<OptionSpec> field_options(const schema::Kind& kind) {
    std::vector<OptionSpec> out;
    add_options(out, kind.fields, "");
    return out;
}

Result<void> read_fields(Session& session, const schema::Kind& kind, const Invocation& given, json::object& spec,
                         std::vector<std::string>& generated) {
    return read_level(session, kind.fields, "", given, spec, generated);
}

Result<json::value> read_secret(Session& session, const Field& field, const Invocation& given,
                                std::vector<std::string>& generated, const std::string& prefix) {
    const std::string name = dashed(field.name);
    const bool from_stdin = given.is_on(prefix + name + "-stdin");
    const bool from_file = given.has(prefix + name + "-file");
    const bool make_up = given.is_on(prefix + "generate-" + name);
    if (from_stdin + from_file + make_up > 1)
        return fail(ErrorCode::usage, "only one of --" + name + "-stdin, --" + name + "-file and --generate-" + name +
                                          " can be given");
    std::string secret;
    if (make_up) {
        secret = generate_password();
        generated.push_back(secret);
    } else if (from_stdin || from_file) {
        // One byte more than allowed, so that the server's refusal names the limit; and a line end.
        constexpr auto most = static_cast<std::size_t>(limit::password_bytes) + 3;
        MAIL_TRY(secret, read_input(session, from_stdin ? "-" : given.value(prefix + name + "-file"), most));
        secret = without_line_end(std::move(secret));
        if (secret.empty())
            return fail(ErrorCode::invalid, "the " + name + " is empty",
                        from_stdin ? "for example: printf %s \"$PW\" | mailctl ... --" + name + "-stdin" : "");
    } else {
        return json::value();
    }
    json::object value;
    value["value"] = secret;
    wipe(secret.data(), secret.size());
    return json::value(std::move(value));
}

Result<std::string> ask_password(Session& session, const std::string& subject) {
    if (!session.io.in_tty || !session.io.err_terminal.tty)
        return fail(ErrorCode::usage, "there is no terminal to ask for a password on",
                    "give it with --password-stdin, --password-file or --generate-password");
    const SilentTerminal silent;
    std::string first;
    std::string second;
    session.io.err << "new password for " << clean(subject) << ": " << std::flush;
    std::getline(session.io.in, first);
    session.io.err << "\nagain: " << std::flush;
    std::getline(session.io.in, second);
    session.io.err << "\n";
    if (first != second)
        return fail(ErrorCode::invalid, "the two passwords differ; nothing changed");
    if (first.empty())
        return fail(ErrorCode::invalid, "the password is empty; nothing changed");
    wipe(second.data(), second.size());
    return first;
}

std::string generate_password() {
    constexpr std::string_view letters = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    constexpr std::size_t length = 20;
    std::string out;
    while (out.size() < length) {
        unsigned char byte = 0;
        if (::getrandom(&byte, 1, 0) != 1)
            continue;
        // The bytes above the last whole round would favour the first letters.
        if (byte < letters.size() * (256 / letters.size()))
            out += letters[byte % letters.size()];
    }
    return out;
}

} // namespace mail::mailctl
