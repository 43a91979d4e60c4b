#include "mailctl/transfer/walk.hpp"

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/mail/date.hpp"
#include "common/mail/header.hpp"
#include "mailctl/transfer/maildir.hpp"
#include "mailctl/transfer/names.hpp"
#include "mailctl/transfer/tree.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <unistd.h>

namespace mail::mailctl {
namespace {

constexpr auto most_message = static_cast<std::uint64_t>(limit::message_bytes);
constexpr std::size_t most_files = 5000000;
constexpr std::size_t most_index = 256U << 20U;
constexpr std::size_t mbox_piece = 1U << 18U;

enum class FileKind : std::uint8_t { maildir, mbox, eml };

struct MailFile {
    FileKind kind = FileKind::eml;
    std::string path;
    std::string folder;
    std::uint64_t size = 0;
    Time modified{};
};

struct IndexLine {
    std::vector<std::string> flags;
    std::optional<Time> date;
};
using Index = std::map<std::string, IndexLine, std::less<>>;

/// index.ndjson beside EML files. Lines that are none are left out: it may be anybody's.
Index parse_index(std::string_view file) {
    namespace json = boost::json;
    Index out;
    for (const auto line : text::split(file, '\n')) {
        json::error_code error;
        const auto value = json::parse(line, error);
        if (error || !value.is_object())
            continue;
        const auto& object = value.get_object();
        const auto *name = object.if_contains("file"), *date = object.if_contains("date"), *flags = object.if_contains("flags");
        if (name == nullptr || !name->is_string())
            continue;
        auto& entry = out[std::string(name->get_string())];
        if (date != nullptr && date->is_string())
            entry.date = parse_rfc3339(date->get_string());
        if (flags != nullptr && flags->is_array())
            for (const auto& flag : flags->get_array())
                if (flag.is_string())
                    entry.flags.emplace_back(flag.get_string());
    }
    return out;
}

class FileSource final : public MailSource {
  public:
    FileSource(Tree tree, std::string root, WalkOptions options)
        : tree_(std::move(tree)), root_(std::move(root)), options_(std::move(options)) {}

    Result<void> find();
    Result<std::optional<MailItem>> next() override;
    std::uint64_t bytes_done() const noexcept override { return done_; }
    std::uint64_t bytes_total() const noexcept override { return total_; }

  private:
    [[nodiscard]] std::string origin(const std::string& path) const { return path.empty() ? root_ : root_ + "/" + path; }
    [[nodiscard]] bool takes(FileKind kind) const;
    /// Where the folders of a directory go whose own messages go to `folder`; empty: to the top.
    [[nodiscard]] std::string above(const std::string& folder) const {
        return folder.empty() && options_.folder != "INBOX" ? options_.folder : folder;
    }
    [[nodiscard]] static std::string below(const std::string& folder, std::string_view name);
    Result<void> walk(const std::string& directory, const std::string& folder, std::size_t depth);
    Result<void> walk_maildir(const std::string& directory, const std::string& folder);
    Result<void> take_file(const std::string& directory, const std::string& folder, const Tree::Entry& entry);
    [[nodiscard]] bool is_maildir_at(const std::string& directory) const;
    [[nodiscard]] bool begins_like_mbox(const std::string& path) const;
    Result<void> add(MailFile file);
    void load_folder(const MailFile& file);
    [[nodiscard]] std::optional<MailItem> read(const MailFile& file);
    [[nodiscard]] Result<std::optional<MailItem>> next_of_mbox(const MailFile& file);

    Tree tree_;
    std::string root_;
    WalkOptions options_;
    std::vector<MailFile> files_;
    std::size_t at_ = 0;
    std::uint64_t done_ = 0, total_ = 0;
    std::string loaded_ = "/"; ///< directory whose keywords and index are held
    std::map<char, std::string> keywords_;
    Index index_;
    Descriptor mbox_file_;
    std::unique_ptr<MboxReader> mbox_;
    bool mbox_ended_ = false;
    std::uint64_t mbox_number_ = 0;
};

bool FileSource::takes(FileKind kind) const {
    const auto& format = options_.format;
    return format == "auto" || (kind == FileKind::maildir && format == "maildir") || (kind == FileKind::eml && format == "eml") ||
           (kind == FileKind::mbox && (format == "mbox" || format == "mboxo"));
}

std::string FileSource::below(const std::string& folder, std::string_view name) {
    return folder.empty() ? std::string(name) : folder + "/" + std::string(name);
}

Result<void> FileSource::add(MailFile file) {
    if (files_.size() >= most_files)
        return fail(ErrorCode::too_large, root_ + ": too many files", "import it in parts");
    total_ += file.size;
    files_.push_back(std::move(file));
    return {};
}

bool FileSource::begins_like_mbox(const std::string& path) const {
    const auto file = tree_.open_file(path);
    std::array<char, 1000> head{};
    const auto got = file ? ::read(file->get(), head.data(), head.size()) : -1;
    if (got <= 0)
        return false;
    const std::string_view text(head.data(), static_cast<std::size_t>(got));
    return parse_from_line(text.substr(0, text.find_first_of("\r\n"))).has_value();
}

Result<void> FileSource::take_file(const std::string& directory, const std::string& folder, const Tree::Entry& entry) {
    const auto path = directory.empty() ? entry.name : directory + "/" + entry.name;
    MailFile file{FileKind::eml, path, folder.empty() ? options_.folder : folder, entry.size, entry.modified};
    if (entry.name.ends_with(".eml") && takes(FileKind::eml))
        return add(std::move(file));
    const bool named = entry.name.ends_with(".mbox") || entry.name.ends_with(".mbx");
    if (!takes(FileKind::mbox) || entry.size == 0 || (!named && !begins_like_mbox(path)))
        return {}; // somebody's other file
    const auto stem = named ? entry.name.substr(0, entry.name.rfind('.')) : entry.name;
    const auto level = level_of(stem);
    if (!level) {
        skip(origin(path), "no folder can be called that");
        return {};
    }
    file.kind = FileKind::mbox;
    if (folder.empty() && text::iequals(*level, "INBOX"))
        file.folder = options_.folder;
    else
        file.folder = below(above(folder), *level);
    return add(std::move(file));
}

Result<void> FileSource::walk_maildir(const std::string& directory, const std::string& folder) {
    const auto prefix = directory.empty() ? std::string() : directory + "/";
    for (const char* part : {"cur", "new"}) {
        const auto entries = tree_.list(prefix + part);
        if (!entries) {
            if (entries.error().code != ErrorCode::not_found)
                skip(origin(prefix + part), entries.error().message);
            continue;
        }
        for (const auto& entry : *entries) {
            const auto path = prefix + part + "/" + entry.name;
            if (entry.is_directory || !entry.oddity.empty())
                skip(origin(path), entry.is_directory ? "a directory among messages" : entry.oddity);
            else if (!entry.name.starts_with('.')) {
                MAIL_DO(add({FileKind::maildir, path, folder.empty() ? options_.folder : folder, entry.size, entry.modified}));
            }
        }
    }
    return {};
}

bool FileSource::is_maildir_at(const std::string& directory) const {
    const auto entries = takes(FileKind::maildir) ? tree_.list(directory) : Result<std::vector<Tree::Entry>>();
    return entries && std::any_of(entries->begin(), entries->end(), [](const auto& entry) {
               return entry.is_directory && (entry.name == "cur" || entry.name == "new");
           });
}

/// `folder` is empty at the root.
Result<void> FileSource::walk(const std::string& directory, const std::string& folder, std::size_t depth) {
    if (depth > static_cast<std::size_t>(limit::folder_depth)) {
        skip(origin(directory), "nested too deep");
        return {};
    }
    auto entries = tree_.list(directory);
    if (!entries) {
        if (depth == 0)
            return fail(entries.error());
        skip(origin(directory), entries.error().message);
        return {};
    }
    const bool is_maildir = takes(FileKind::maildir) && std::any_of(entries->begin(), entries->end(), [](const auto& entry) {
                                return entry.is_directory && (entry.name == "cur" || entry.name == "new");
                            });
    if (is_maildir) {
        MAIL_DO(walk_maildir(directory, folder));
    }
    const std::string parent = above(folder);
    for (const auto& entry : *entries) {
        const auto path = directory.empty() ? entry.name : directory + "/" + entry.name;
        if (!entry.oddity.empty()) {
            skip(origin(path), entry.oddity);
        } else if (!entry.is_directory) {
            if (!is_maildir) {
                MAIL_DO(take_file(directory, folder, entry));
            }
        } else if (!is_maildir || (entry.name != "cur" && entry.name != "new" && entry.name != "tmp")) {
            const bool dotted = entry.name.starts_with('.');
            if (dotted && !is_maildir && !is_maildir_at(path))
                continue; // hidden; version control and desktops keep theirs there
            const auto name = dotted ? folder_of_maildir(entry.name) : level_of(entry.name);
            if (!name) {
                skip(origin(path), "no folder can be called that");
                continue;
            }
            const bool is_inbox = parent.empty() && text::iequals(*name, "INBOX");
            MAIL_DO(walk(path, is_inbox ? std::string("INBOX") : below(parent, *name), depth + 1));
        }
    }
    return {};
}

Result<void> FileSource::find() {
    if (!tree_.is_file()) {
        MAIL_DO(walk("", "", 0));
    } else {
        const bool mbox = options_.format == "mbox" || options_.format == "mboxo" || (options_.format == "auto" && begins_like_mbox(""));
        MAIL_DO(add({mbox ? FileKind::mbox : FileKind::eml, "", options_.folder, tree_.file().size, tree_.file().modified}));
    }
    return {};
}

/// Keywords of a maildir, index of an EML directory; once per directory.
void FileSource::load_folder(const MailFile& file) {
    auto directory = file.path.substr(0, file.path.rfind('/') == std::string::npos ? 0 : file.path.rfind('/') + 1);
    if (file.kind == FileKind::maildir)
        directory = directory.size() > 4 ? directory.substr(0, directory.size() - 4) : ""; // "cur/", "new/"
    if (directory == loaded_)
        return;
    loaded_ = directory;
    keywords_.clear();
    index_.clear();
    const auto notes = tree_.read(directory + (file.kind == FileKind::maildir ? "dovecot-keywords" : "index.ndjson"), most_index);
    if (notes && file.kind == FileKind::maildir)
        keywords_ = parse_keyword_letters(*notes);
    else if (notes)
        index_ = parse_index(*notes);
}

std::optional<MailItem> FileSource::read(const MailFile& file) {
    load_folder(file);
    auto bytes = tree_.read(file.path, most_message);
    if (!bytes || bytes->empty()) {
        skip(origin(file.path), bytes ? "it is empty" : bytes.error().message);
        return std::nullopt;
    }
    MailItem item;
    item.folder = file.folder;
    item.origin = origin(file.path);
    const auto name = std::string_view(file.path).substr(file.path.rfind('/') == std::string::npos ? 0 : file.path.rfind('/') + 1);
    if (file.kind == FileKind::maildir) {
        auto parsed = parse_maildir_name(name);
        item.flags = std::move(parsed.flags);
        for (const char letter : parsed.keyword_letters)
            if (const auto at = keywords_.find(letter); at != keywords_.end())
                item.flags.push_back(at->second);
        item.date = file.modified;
        item.bytes = parsed.is_exact ? std::move(*bytes) : with_crlf(std::move(*bytes));
        return item;
    }
    const auto at = index_.find(name);
    if (at != index_.end()) {
        item.flags = at->second.flags;
        item.bytes = std::move(*bytes); // as it was exported
    } else {
        item.bytes = with_crlf(std::move(*bytes));
    }
    item.date = at != index_.end() && at->second.date ? *at->second.date : date_of(item.bytes).value_or(file.modified);
    return item;
}

Result<std::optional<MailItem>> FileSource::next_of_mbox(const MailFile& file) {
    if (!mbox_) {
        auto opened = tree_.open_file(file.path);
        if (!opened) {
            skip(origin(file.path), opened.error().message);
            return std::optional<MailItem>{};
        }
        mbox_file_ = std::move(*opened);
        mbox_ = std::make_unique<MboxReader>(options_.format == "mboxo" ? MboxQuoting::mboxo : MboxQuoting::mboxrd, most_message + 4096);
        mbox_ended_ = false;
        mbox_number_ = 0;
    }
    std::string piece(mbox_piece, '\0');
    for (;;) {
        if (auto message = mbox_->next()) {
            const auto from = origin(file.path) + " message " + std::to_string(++mbox_number_);
            if (message->is_too_large || message->bytes.size() > most_message || message->bytes.empty()) {
                skip(from, message->bytes.empty() ? "it is empty" : "larger than this server takes");
                continue;
            }
            MailItem item{file.folder, std::move(message->flags), {}, std::move(message->bytes), from};
            item.date = message->date ? *message->date : date_of(item.bytes).value_or(file.modified);
            return std::optional(std::move(item));
        }
        if (mbox_ended_ || mbox_->is_foreign()) {
            if (mbox_->is_foreign())
                skip(origin(file.path), "it is no mbox: it does not begin with a From line");
            mbox_.reset();
            return std::optional<MailItem>{};
        }
        const auto got = ::read(mbox_file_.get(), piece.data(), piece.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail(ErrorCode::denied, origin(file.path) + ": cannot be read");
        mbox_ended_ = got == 0;
        done_ += static_cast<std::uint64_t>(got);
        if (mbox_ended_)
            mbox_->finish();
        else
            mbox_->put(std::string_view(piece).substr(0, static_cast<std::size_t>(got)));
    }
}

Result<std::optional<MailItem>> FileSource::next() {
    while (at_ < files_.size()) {
        const auto& file = files_[at_];
        if (file.kind == FileKind::mbox) {
            MAIL_TRY(auto item, next_of_mbox(file));
            if (item)
                return item;
            ++at_;
            continue;
        }
        ++at_;
        done_ += file.size;
        if (auto item = read(file))
            return item;
    }
    return std::optional<MailItem>{};
}

} // namespace

std::string with_crlf(std::string text) {
    if (text.find('\r') != std::string::npos)
        return text;
    std::string out;
    out.reserve(text.size() + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
    for (std::string_view rest = text; !rest.empty();) {
        const auto end = rest.find('\n');
        out += rest.substr(0, end);
        if (end == std::string_view::npos)
            break;
        out += "\r\n";
        rest.remove_prefix(end + 1);
    }
    return out;
}

std::optional<Time> date_of(std::string_view message) {
    return parse_date(unfold(parse_header(message.substr(0, std::min<std::size_t>(message.size(), 1U << 20U))).value("Date")));
}

Result<std::unique_ptr<MailSource>> open_files(const std::string& path, const WalkOptions& options) {
    MAIL_TRY(auto tree, Tree::open(path));
    std::string root = path;
    while (root.size() > 1 && root.ends_with('/'))
        root.pop_back();
    auto source = std::make_unique<FileSource>(std::move(tree), std::move(root), options);
    MAIL_DO(source->find());
    return std::unique_ptr<MailSource>(std::move(source));
}

} // namespace mail::mailctl
