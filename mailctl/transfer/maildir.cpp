#include "mailctl/transfer/maildir.hpp"

#include "common/base/text.hpp"
#include "mailctl/transfer/names.hpp"
#include "mailctl/transfer/output.hpp"

#include <algorithm>
#include <array>
#include <memory>

namespace mail::mailctl {
namespace {

struct Letter {
    char letter;
    std::string_view flag;
};
constexpr std::array letters{Letter{'D', "\\Draft"},    Letter{'F', "\\Flagged"}, Letter{'P', "$Forwarded"},
                             Letter{'R', "\\Answered"}, Letter{'S', "\\Seen"},    Letter{'T', "\\Deleted"}};
constexpr std::size_t most_letters = 26;
constexpr std::string_view keyword_file = "dovecot-keywords";

std::optional<std::uint64_t> number_after(std::string_view name, std::string_view what) {
    const auto at = name.find(what);
    if (at == std::string_view::npos)
        return std::nullopt;
    const auto rest = name.substr(at + what.size());
    return text::number(rest.substr(0, rest.find_first_not_of("0123456789")));
}

class MaildirTarget final : public MailTarget {
  public:
    explicit MaildirTarget(OutputTree tree) : tree_(std::move(tree)) {}

    Result<void> begin_folder(const std::string& name) override {
        directory_ = name == "INBOX" ? "" : maildir_folder(name) + "/";
        letters_.clear();
        for (const char* part : {"cur", "new", "tmp"}) {
            MAIL_DO(tree_.make_directory(directory_ + part));
        }
        if (!directory_.empty()) {
            MAIL_DO(tree_.write(directory_ + "maildirfolder", "", std::nullopt));
        }
        return {};
    }

    Result<void> put(const MailItem& item) override {
        std::string flags;
        for (const auto& [letter, flag] : letters)
            if (std::find(item.flags.begin(), item.flags.end(), flag) != item.flags.end())
                flags += letter;
        std::string keywords;
        for (const auto& flag : item.flags) {
            if (flag.starts_with('\\') || flag == "$Forwarded")
                continue;
            MAIL_DO(add_keyword(flag, keywords));
        }
        std::sort(keywords.begin(), keywords.end());
        const auto seconds = std::to_string(std::chrono::floor<std::chrono::seconds>(item.date.time_since_epoch()).count());
        const auto size = std::to_string(item.bytes.size());
        return tree_.write(directory_ + "cur/" + seconds + ".M" + std::to_string(++number_) + ".mailctl,S=" + size + ",W=" + size +
                               ":2," + flags + keywords,
                           item.bytes, item.date);
    }

    Result<void> end_folder() override {
        std::string file;
        for (std::size_t i = 0; i < letters_.size(); ++i)
            file += std::to_string(i) + " " + letters_[i] + "\n";
        return file.empty() ? Result<void>{} : tree_.write(directory_ + std::string(keyword_file), file, std::nullopt);
    }

  private:
    Result<void> add_keyword(const std::string& keyword, std::string& out) {
        auto at = std::find(letters_.begin(), letters_.end(), keyword);
        if (at == letters_.end()) {
            if (letters_.size() == most_letters)
                return fail(ErrorCode::unsupported, "a maildir has letters for 26 keywords, and this folder has more", "use --format eml or mbox");
            at = letters_.insert(letters_.end(), keyword);
        }
        out += static_cast<char>('a' + std::distance(letters_.begin(), at));
        return {};
    }

    OutputTree tree_;
    std::string directory_;
    std::vector<std::string> letters_; ///< keywords of this folder: a, b, c ...
    std::uint64_t number_ = 0;
};

} // namespace

MaildirName parse_maildir_name(std::string_view name) {
    MaildirName out;
    // ':' is not possible on every file system; others write ';' or '!'.
    auto info = name.find(":2,");
    for (const std::string_view other : {";2,", "!2,"})
        if (info == std::string_view::npos)
            info = name.find(other);
    const auto base = name.substr(0, info);
    const auto size = number_after(base, ",S="), with_line_ends = number_after(base, ",W=");
    out.is_exact = size && size == with_line_ends;
    if (info == std::string_view::npos)
        return out;
    for (const char letter : name.substr(info + 3)) {
        if (letter == ',')
            break; // extensions of other programs
        if (letter >= 'a' && letter <= 'z')
            out.keyword_letters += letter;
        for (const auto& [known, flag] : letters)
            if (known == letter)
                out.flags.emplace_back(flag);
    }
    return out;
}

std::map<char, std::string> parse_keyword_letters(std::string_view file) {
    std::map<char, std::string> out;
    for (const auto line : text::split(file, '\n')) {
        const auto space = line.find(' ');
        const auto index = text::number<std::size_t>(line.substr(0, space));
        if (space != std::string_view::npos && index && *index < most_letters)
            out[static_cast<char>('a' + *index)] = std::string(text::trim(line.substr(space + 1)));
    }
    return out;
}

Result<std::unique_ptr<MailTarget>> open_maildir_target(const std::string& directory) {
    MAIL_TRY(auto tree, OutputTree::create(directory));
    return std::unique_ptr<MailTarget>(std::make_unique<MaildirTarget>(std::move(tree)));
}

} // namespace mail::mailctl
