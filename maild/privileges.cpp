#include "maild/privileges.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace mail {
namespace {

/// Leaves CAP_NET_BIND_SERVICE in the effective, permitted and bounding sets and nothing else.
Result<void> keep_bind_capability() {
    __user_cap_header_struct header{};
    header.version = _LINUX_CAPABILITY_VERSION_3;
    __user_cap_data_struct data[2]{};
    data[0].effective = data[0].permitted = 1U << CAP_NET_BIND_SERVICE;
    if (::syscall(SYS_capset, &header, data) != 0)
        return fail(ErrorCode::denied, std::string("cannot give up capabilities: ") + std::strerror(errno));
    return {};
}

void shrink_bounding_set() {
    for (unsigned long capability = 0; capability <= CAP_LAST_CAP; ++capability)
        if (capability != CAP_NET_BIND_SERVICE)
            ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

/// One level only, and never one that exists: what is there keeps its owner and mode.
void make_socket_folder(const std::string& socket, uid_t uid, gid_t gid) {
    const auto folder = socket.substr(0, std::max<std::size_t>(socket.rfind('/'), 1));
    if (socket.starts_with('/') && ::mkdir(folder.c_str(), 0700) == 0 && ::lchown(folder.c_str(), uid, gid) != 0)
        ::rmdir(folder.c_str()); // the socket cannot be bound then, which says so
}

Result<std::string> become(uid_t uid, gid_t gid, const std::string& name) {
    ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
    const bool dropped = (name.empty() ? ::setgroups(0, nullptr) : ::initgroups(name.c_str(), gid)) == 0 &&
                         ::setresgid(gid, gid, gid) == 0 && ::setresuid(uid, uid, uid) == 0;
    if (!dropped)
        return fail(ErrorCode::denied, "cannot become uid " + std::to_string(uid) + ": " + std::strerror(errno));
    MAIL_DO(keep_bind_capability());
    return "uid " + std::to_string(uid) + (name.empty() ? "" : " (" + name + ")");
}

} // namespace

Result<std::string> drop_privileges(const std::string& user, const std::string& data_dir, const std::string& socket) {
    ::umask(077);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGXFSZ, SIG_IGN); // a file size limit is then an error like a full disk
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    struct stat info {};
    if (::stat(data_dir.c_str(), &info) != 0) // never made here: it may be a disk that is not mounted, or was renamed
        return fail(ErrorCode::invalid, data_dir + ": " + std::strerror(errno), "create the data directory");
    if (::geteuid() != 0) {
        if (!user.empty())
            if (const auto* entry = ::getpwnam(user.c_str()); entry == nullptr || entry->pw_uid != ::geteuid())
                return fail(ErrorCode::denied, "only root can become user " + user, "start maild as root or as " + user);
        return "uid " + std::to_string(::geteuid());
    }
    shrink_bounding_set();
    if (!user.empty()) {
        const auto* entry = ::getpwnam(user.c_str());
        if (entry == nullptr)
            return fail(ErrorCode::invalid, "user " + user + " does not exist", "create it: useradd --system " + user);
        const uid_t uid = entry->pw_uid;
        const gid_t gid = entry->pw_gid;
        make_socket_folder(socket, uid, gid);
        return become(uid, gid, user);
    }
    make_socket_folder(socket, info.st_uid, info.st_gid);
    if (info.st_uid != 0)
        return become(info.st_uid, info.st_gid, "");
    MAIL_DO(keep_bind_capability());
    return std::string("uid 0 with CAP_NET_BIND_SERVICE alone, because the data directory belongs to root");
}

} // namespace mail
