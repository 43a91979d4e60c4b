#include "maild/queue/drop.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mail::queue {
namespace {

constexpr std::uint64_t block = 1024 * 1024;

Error failed(const std::string& what) { return Error{ErrorCode::unavailable, what + ": " + std::strerror(errno)}; }

/// Runs `step` on the pool, where it may block.
Task<Result<int>> on_pool(async::WorkerPool& pool, std::function<Result<void>()> step) {
    std::function<Result<int>()> job = [step = std::move(step)]() -> Result<int> {
        MAIL_DO(step());
        return 0;
    };
    co_return co_await pool.run<int>(std::move(job));
}

Task<Result<void>> write_file(Outbound& outbound, const Job& job, std::string directory) {
    auto holder = std::make_shared<std::shared_ptr<DropFile>>();
    const std::string name = job.message.text() + "-" + std::to_string(job.items.front().id) + ".eml";
    std::function<Result<void>()> step = [holder, directory, name, head = drop_head(job)]() -> Result<void> {
        MAIL_TRY(*holder, DropFile::create(directory, name));
        return (*holder)->append(head);
    };
    MAIL_CO_TRY(const int created, co_await on_pool(*outbound.pool, std::move(step)));
    static_cast<void>(created);
    for (std::uint64_t at = 0; at < job.blob.length; at += block) {
        const std::uint64_t length = std::min(block, job.blob.length - at);
        MAIL_CO_TRY(const std::string bytes, co_await outbound.store.mail().read(job.blob, at, length));
        if (bytes.size() != length)
            co_return fail(ErrorCode::internal, "the message could not be read");
        step = [holder, bytes] { return (*holder)->append(bytes); };
        MAIL_CO_TRY(const int written, co_await on_pool(*outbound.pool, std::move(step)));
        static_cast<void>(written);
    }
    step = [holder] { return (*holder)->finish(); };
    MAIL_CO_TRY(const int finished, co_await on_pool(*outbound.pool, std::move(step)));
    static_cast<void>(finished);
    co_return Result<void>{};
}

} // namespace

std::string DropFile::path(bool final) const { return directory_ + (final ? "/" : "/.") + name_; }

Result<std::shared_ptr<DropFile>> DropFile::create(const std::string& directory, const std::string& name) {
    if (::mkdir(directory.c_str(), 0770) != 0 && errno != EEXIST)
        return fail(failed("cannot make the folder " + directory));
    std::shared_ptr<DropFile> out(new DropFile(directory, name, -1));
    // Whatever lies under the unfinished name is ours from a crash, or a trap: it goes, and is never followed.
    ::unlink(out->path(false).c_str());
    out->fd_ = ::open(out->path(false).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0660);
    if (out->fd_ < 0)
        return fail(failed("cannot write to the folder " + directory));
    return out;
}

DropFile::~DropFile() {
    if (fd_ < 0)
        return;
    ::close(fd_);
    ::unlink(path(false).c_str());
}

Result<void> DropFile::append(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return fail(failed("cannot write to the folder " + directory_));
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

Result<void> DropFile::finish() {
    if (::fsync(fd_) != 0 || ::rename(path(false).c_str(), path(true).c_str()) != 0)
        return fail(failed("cannot write to the folder " + directory_));
    ::close(fd_);
    fd_ = -1;
    const int folder = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool synced = folder >= 0 && ::fsync(folder) == 0;
    if (folder >= 0)
        ::close(folder);
    return synced ? Result<void>{} : fail(failed("cannot sync the folder " + directory_));
}

std::string drop_head(const Job& job) {
    std::string out = "X-Sender: <" + job.envelope.sender + ">\r\n";
    for (const store::QueueItem& item : job.items)
        out += "X-Receiver: <" + item.recipient + ">\r\n";
    return out;
}

Task<smtp_client::Outcome> drop(Outbound& outbound, const Job& job, std::string directory) {
    const auto written = co_await write_file(outbound, job, directory);
    if (written)
        co_return smtp_client::own_outcome("2.0.0", "written to the folder " + directory);
    // RFC 3463 §3.4, 4.3.1: the system's own storage.
    co_return smtp_client::own_outcome("4.3.1", written.error().message);
}

} // namespace mail::queue
