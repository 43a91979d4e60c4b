#include "mailctl/transfer/output.hpp"

#include "common/base/text.hpp"
#include "mailctl/output/json.hpp"
#include "mailctl/transfer/mbox.hpp"
#include "mailctl/transfer/names.hpp"

#include <boost/json.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mail::mailctl {
namespace {

constexpr ::mode_t private_directory = 0700;
constexpr ::mode_t private_file = 0600;

Failure io_failure(const std::string& what) {
    const int why = errno;
    const auto code = why == EEXIST ? ErrorCode::conflict
                      : why == ENOENT ? ErrorCode::not_found
                      : why == ENOSPC || why == EDQUOT ? ErrorCode::no_space
                      : why == ENAMETOOLONG ? ErrorCode::too_large
                                            : ErrorCode::denied;
    return fail(code, what + ": " + std::strerror(why));
}

class MboxTarget final : public MailTarget {
  public:
    explicit MboxTarget(OutputTree tree) : tree_(std::move(tree)) {}
    Result<void> begin_folder(const std::string& name) override {
        const auto path = path_of_folder(name) + ".mbox";
        if (const auto slash = path.rfind('/'); slash != std::string::npos) {
            MAIL_DO(tree_.make_directory(path.substr(0, slash)));
        }
        MAIL_TRY(file_, tree_.open(path));
        return {};
    }
    Result<void> put(const MailItem& item) override { return OutputTree::append(file_, mbox_message(item)); }
    Result<void> end_folder() override {
        file_ = Descriptor();
        return {};
    }

  private:
    OutputTree tree_;
    Descriptor file_;
};

class EmlTarget final : public MailTarget {
  public:
    explicit EmlTarget(OutputTree tree) : tree_(std::move(tree)) {}
    Result<void> begin_folder(const std::string& name) override {
        directory_ = path_of_folder(name);
        number_ = 0;
        MAIL_DO(tree_.make_directory(directory_));
        MAIL_TRY(index_, tree_.open(directory_ + "/index.ndjson"));
        return {};
    }
    Result<void> put(const MailItem& item) override {
        std::string name = std::to_string(++number_);
        name = std::string(name.size() < 6 ? 6 - name.size() : 0, '0') + name + ".eml";
        boost::json::object line;
        line["file"] = name;
        line["date"] = format_rfc3339(item.date);
        boost::json::array flags;
        for (const auto& flag : item.flags)
            flags.emplace_back(flag);
        line["flags"] = std::move(flags);
        MAIL_DO(tree_.write(directory_ + "/" + name, item.bytes, item.date));
        return OutputTree::append(index_, boost::json::serialize(line) + "\n");
    }
    Result<void> end_folder() override {
        index_ = Descriptor();
        return {};
    }

  private:
    OutputTree tree_;
    std::string directory_;
    Descriptor index_;
    std::uint64_t number_ = 0;
};

template <class Target> Result<std::unique_ptr<MailTarget>> open_target(const std::string& directory) {
    MAIL_TRY(auto tree, OutputTree::create(directory));
    return std::unique_ptr<MailTarget>(std::make_unique<Target>(std::move(tree)));
}

} // namespace

Result<OutputTree> OutputTree::create(const std::string& directory) {
    if (::mkdir(directory.c_str(), private_directory) != 0 && errno != EEXIST)
        return io_failure(directory);
    MAIL_TRY(const auto there, Tree::open(directory));
    if (there.is_file())
        return fail(ErrorCode::conflict, directory + ": there is a file of that name");
    MAIL_TRY(const auto entries, there.list(""));
    if (!entries.empty())
        return fail(ErrorCode::conflict, directory + ": the directory is not empty", "name one that is empty or does not exist yet");
    OutputTree out;
    out.root_ = Descriptor(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!out.root_)
        return io_failure(directory);
    return out;
}

Result<void> OutputTree::make_directory(const std::string& path) {
    for (std::size_t at = path.find('/');; at = path.find('/', at + 1)) {
        if (::mkdirat(root_.get(), path.substr(0, at).c_str(), private_directory) != 0 && errno != EEXIST)
            return io_failure(path);
        if (at == std::string::npos)
            return {};
    }
}

Result<Descriptor> OutputTree::open(const std::string& path) {
    Descriptor file(::openat(root_.get(), path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, private_file));
    if (!file)
        return io_failure(path);
    return file;
}

Result<void> OutputTree::append(const Descriptor& file, std::string_view bytes) {
    while (!bytes.empty()) {
        const auto written = ::write(file.get(), bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return io_failure("cannot write");
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> OutputTree::write(const std::string& path, std::string_view bytes, std::optional<Time> modified) {
    MAIL_TRY(const auto file, open(path));
    MAIL_DO(append(file, bytes));
    if (modified) {
        const auto seconds = std::chrono::floor<std::chrono::seconds>(modified->time_since_epoch()).count();
        const timespec times[2] = {{0, UTIME_OMIT}, {seconds, 0}};
        if (::futimens(file.get(), times) != 0)
            return io_failure(path);
    }
    return {};
}

Result<std::unique_ptr<MailTarget>> open_mbox_target(const std::string& directory) { return open_target<MboxTarget>(directory); }
Result<std::unique_ptr<MailTarget>> open_eml_target(const std::string& directory) { return open_target<EmlTarget>(directory); }

} // namespace mail::mailctl
