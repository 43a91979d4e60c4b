#include "common/schema/secrets.hpp"

#include "common/base/limits.hpp"
#include "common/base/secret.hpp"
#include "common/base/text.hpp"
#include "common/schema/codec.hpp"
#include "common/schema/registry.hpp"

#include <boost/json/object.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

namespace mail::schema {

namespace json = boost::json;
using Form = SecretSetting::Form;

namespace {

json::string_view word(std::string_view s) {
    return {s.data(), s.size()};
}

struct Descriptor {
    int fd;
    ~Descriptor() {
        if (fd >= 0)
            ::close(fd);
    }
};

/// The secret itself of what a source gave: without its final line end.
Result<std::string> only_line(std::string text, const std::string& source) {
    if (text.ends_with('\n'))
        text.pop_back();
    if (text.ends_with('\r'))
        text.pop_back();
    if (text.empty())
        return fail(ErrorCode::invalid, source + " is empty");
    if (text.find('\n') != std::string::npos || text.find('\0') != std::string::npos)
        return fail(ErrorCode::invalid, source + " holds more than one line");
    if (text.size() > static_cast<std::size_t>(limit::password_bytes))
        return fail(ErrorCode::invalid,
                    source + " is longer than " + std::to_string(limit::password_bytes) + " bytes");
    return text;
}

struct Resolver {
    const SecretOptions& options;
    const Document& document;
    std::string warning; ///< of the last source

    [[nodiscard]] const char* environment(const std::string& name) const {
        return options.environment ? options.environment(name.c_str()) : std::getenv(name.c_str());
    }

    Result<std::string> file(const std::filesystem::path& path, const std::string& source) {
        // Not blocked by a FIFO; what was opened is what is looked at and read, once.
        const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
        struct stat status {};
        if (file.fd < 0 || ::fstat(file.fd, &status) != 0)
            return fail(ErrorCode::invalid,
                        source + " cannot be read: " + std::generic_category().message(errno));
        if (!S_ISREG(status.st_mode))
            return fail(ErrorCode::invalid, source + " is no regular file");
        if ((status.st_mode & S_IROTH) != 0)
            warning = path.string() + " can be read by everybody on this machine";
        std::array<char, static_cast<std::size_t>(limit::password_bytes) + 3> buffer{};
        std::string out;
        for (;;) {
            const ssize_t got = ::read(file.fd, buffer.data(), buffer.size());
            if (got < 0)
                return fail(ErrorCode::invalid,
                            source + " cannot be read: " + std::generic_category().message(errno));
            out.append(buffer.data(), static_cast<std::size_t>(got));
            if (got == 0 || out.size() > buffer.size())
                break;
        }
        wipe(buffer.data(), buffer.size());
        return only_line(std::move(out), source);
    }

    Result<std::string> get(const std::string& source) {
        const auto colon = source.find(':');
        const std::string scheme = source.substr(0, colon);
        const std::string rest = colon == std::string::npos ? std::string{} : source.substr(colon + 1);
        const std::string shown = text::escape(source, 200);
        if (scheme == "env" && !rest.empty()) {
            const char* value = environment(rest);
            if (value == nullptr)
                return fail(ErrorCode::invalid, "the environment has no " + text::escape(rest, 80),
                            "set it for the program that reads the document");
            return only_line(value, shown);
        }
        if (scheme == "file" && !rest.empty()) {
            const auto folder = document.file == "-" ? std::filesystem::path{}
                                                     : std::filesystem::path(document.file).parent_path();
            return file(folder / rest, shown);
        }
        if (scheme == "credential" && !rest.empty() && rest.find('/') == std::string::npos && rest != "..") {
            const char* folder = environment("CREDENTIALS_DIRECTORY");
            if (folder == nullptr)
                return fail(ErrorCode::invalid, "there is no credentials directory",
                            "it is set by systemd's LoadCredential=");
            return file(std::filesystem::path(folder) / rest, shown);
        }
        if (source == "stdin") {
            if (!options.read_stdin)
                return fail(ErrorCode::invalid, "standard input is taken");
            MAIL_TRY(auto line, options.read_stdin());
            return only_line(std::move(line), "standard input");
        }
        return fail(ErrorCode::invalid, "\"" + shown + "\" is no source of a secret",
                    "write env:NAME, file:PATH, credential:NAME or stdin");
    }
};

/// Only the owner and the group may read a file with secrets in it. Standard input has no mode to look at.
Result<void> inline_allowed(const Document& document, const SecretOptions& options) {
    if (!options.allow_inline)
        return fail(
            ErrorCode::invalid, "the secret stands in the document",
            "use {from: \"file:PATH\"} or {from: \"env:NAME\"}, or allow it with --allow-inline-secrets");
    struct stat status {};
    if (document.file != "-" && ::stat(document.file.c_str(), &status) == 0 &&
        (status.st_mode & S_IROTH) != 0)
        return fail(ErrorCode::invalid, "the secret stands in a file that everybody can read",
                    "chmod o-r " + document.file);
    return {};
}

struct DocumentResolver {
    Document& document;
    const SecretOptions& options;
    Issues& issues;

    void note(Issue& issue) const {
        issue.kind = document.kind;
        issue.name = document.name;
        issue.file = document.file;
        if (document.source)
            issue.at = document.source->locate(issue.path, false);
    }

    void secret(json::value& value, const std::string& path) {
        const auto setting = codec::read_secret(value, true);
        if (!setting)
            return note(report(issues, path, setting.error().message, setting.error().hint));
        if (setting->form == Form::value) {
            const auto allowed = inline_allowed(document, options);
            if (!allowed)
                note(report(issues, path, allowed.error().message, allowed.error().hint));
        }
        if (setting->form != Form::from)
            return;
        Resolver resolver{options, document, {}};
        auto text = resolver.get(setting->text);
        if (!resolver.warning.empty())
            note(warn(issues, path, resolver.warning, "chmod o-r"));
        if (!text)
            return note(report(issues, path, text.error().message, text.error().hint));
        value = json::object{{"value", *text}};
        wipe(text->data(), text->size());
    }

    void members(std::span<const Field> fields, json::object& spec, const std::string& prefix) {
        for (const auto& field : fields) {
            auto* value = spec.if_contains(word(field.name));
            if (value == nullptr)
                continue;
            if (field.type == FieldType::secret)
                secret(*value, prefix + std::string(field.name));
            else if (auto* nested = value->if_object(); nested != nullptr && field.type == FieldType::object)
                members(field.fields(), *nested, prefix + std::string(field.name) + ".");
        }
    }
};

} // namespace

void resolve_secrets(Document& document, const SecretOptions& options, Issues& issues) {
    const Kind* kind = find_kind(document.kind);
    if (kind == nullptr)
        return;
    json::object spec = *document.spec;
    DocumentResolver{document, options, issues}.members(kind->fields, spec, {});
    document.spec = std::make_shared<const json::object>(std::move(spec));
}

namespace {

struct Settler {
    const SecretSealer& sealer;
    Issues& found;

    /// What the secret becomes; nothing when it is not set.
    void secret(const Field& field, json::object& out, const json::value* current, const std::string& path) {
        const auto name = word(field.name);
        auto* desired = out.if_contains(name);
        if (desired == nullptr) {
            if (field.is_unmanaged && current != nullptr)
                out[name] = *current;
            return;
        }
        const auto wanted = codec::read_secret(*desired, false);
        const auto stored =
            current != nullptr ? codec::read_secret(*current, false) : Result<SecretSetting>(SecretSetting{});
        if (!wanted || !stored)
            return; // decode has told it
        if (wanted->form == Form::keep) {
            if (current != nullptr) {
                *desired = *current;
                return;
            }
            report(found, path, "has nothing to keep: the object is new or has none",
                   "give the secret itself");
            out.erase(name);
        } else if (wanted->form == Form::hash) {
            if (const auto good = sealer.check_hash(wanted->text); !good)
                report(found, path, "the hash cannot be used: " + good.error().message, good.error().hint);
            else if (stored->form == Form::hash && stored->text == wanted->text)
                *desired = *current;
        } else if (wanted->form == Form::value && field.secret_use == SecretUse::verifier &&
                   stored->form == Form::hash) {
            if (sealer.same({stored->text, stored->fingerprint}, wanted->text))
                *desired = *current;
        }
    }

    void members(std::span<const Field> fields, json::object& out, const json::object* current,
                 const std::string& prefix) {
        for (const auto& field : fields) {
            const auto name = word(field.name);
            const auto* before = current != nullptr ? current->if_contains(name) : nullptr;
            const std::string path = prefix + std::string(field.name);
            auto* desired = out.if_contains(name);
            if (field.type == FieldType::secret) {
                secret(field, out, before, path);
            } else if (desired == nullptr) {
                if (field.is_unmanaged && before != nullptr)
                    out[name] = *before;
            } else if (field.type == FieldType::object && desired->is_object()) {
                const auto* nested = before != nullptr ? before->if_object() : nullptr;
                members(field.fields(), desired->get_object(), nested, path + ".");
            }
        }
    }
};

Result<void> seal_members(std::span<const Field> fields, json::object& spec, const SecretSealer& sealer) {
    for (const auto& field : fields) {
        auto* value = spec.if_contains(word(field.name));
        if (value == nullptr)
            continue;
        if (auto* nested = value->if_object(); nested != nullptr && field.type == FieldType::object) {
            MAIL_DO(seal_members(field.fields(), *nested, sealer));
        }
        if (field.type != FieldType::secret || field.secret_use != SecretUse::verifier)
            continue;
        MAIL_TRY(const auto setting, codec::read_secret(*value, false));
        if (setting.form != Form::value)
            continue;
        auto sealed = sealer.seal(setting.text);
        if (!sealed)
            return fail(sealed.error().code, std::string(field.name) + ": " + sealed.error().message,
                        sealed.error().hint);
        json::object out{{"hash", sealed->hash}};
        if (!sealed->fingerprint.empty())
            out["fingerprint"] = sealed->fingerprint;
        *value = std::move(out);
    }
    return {};
}

} // namespace

json::object settle(const Kind& kind, std::string_view name, const json::object& desired,
                    const json::object* current, const SecretSealer& sealer, Issues& issues) {
    json::object out = desired;
    Issues found;
    Settler{sealer, found}.members(kind.fields, out, current, {});
    for (auto& issue : found) {
        issue.kind = kind.name;
        issue.name = name;
        issues.push_back(std::move(issue));
    }
    return out;
}

Result<json::object> seal_secrets(const Kind& kind, const json::object& spec, const SecretSealer& sealer) {
    json::object out = spec;
    MAIL_DO(seal_members(kind.fields, out, sealer));
    return out;
}

} // namespace mail::schema
