#include "maild/certificates.hpp"

#include "common/base/log.hpp"
#include "common/net/certificate.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

namespace mail {
namespace {

constexpr unsigned self_signed_days = 3650;
constexpr std::size_t pem_limit = 1 << 20;

Result<void> write_file(const std::string& path, std::string_view text) {
    const std::string temporary = path + ".new";
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(ErrorCode::unavailable, temporary + ": " + std::strerror(errno));
    const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(fd) == 0;
    if (::close(fd) != 0 || !written || ::rename(temporary.c_str(), path.c_str()) != 0)
        return fail(ErrorCode::unavailable, path + ": " + std::strerror(errno));
    return {};
}

} // namespace

Result<std::string> read_pem_file(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0)
        return fail(ErrorCode::invalid, path + ": " + std::strerror(errno), "check the path and its permissions");
    if (!S_ISREG(info.st_mode) || static_cast<std::size_t>(info.st_size) > pem_limit)
        return fail(ErrorCode::invalid, path + ": not a PEM file");
    std::ifstream in(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    if (!in.good() && !in.eof())
        return fail(ErrorCode::invalid, path + ": cannot be read", "maild's user needs the right to read it");
    return text;
}

Certificates::Certificates(std::string directory) : directory_(std::move(directory)) {}

Result<net::TlsCertificate> Certificates::self_signed(const std::string& name, std::vector<std::string> names) const {
    std::sort(names.begin(), names.end());
    const std::string cert_path = directory_ + "/" + name + ".crt", key_path = directory_ + "/" + name + ".key";
    auto cert = read_pem_file(cert_path);
    auto key = read_pem_file(key_path);
    if (cert && key) {
        // Kept as long as it says what is wanted: clients may have pinned it.
        if (const auto info = net::certificate_info(*cert)) {
            auto present = info->names;
            std::sort(present.begin(), present.end());
            if (present == names && net::check_key_pair(*cert, *key))
                return net::TlsCertificate{{}, std::move(*cert), std::move(*key)};
        }
    }
    ::mkdir(directory_.c_str(), 0700);
    MAIL_TRY(auto made, net::make_self_signed(names, self_signed_days));
    MAIL_DO(write_file(key_path, made.key_pem));
    MAIL_DO(write_file(cert_path, made.cert_pem));
    return net::TlsCertificate{{}, std::move(made.cert_pem), std::move(made.key_pem)};
}

Result<net::TlsCertificate> Certificates::load(const std::string& name, const schema::Certificate& spec,
                                               const std::string& hostname) const {
    if (spec.self_signed) {
        auto names = spec.names;
        if (names.empty())
            names = {hostname, "localhost", "127.0.0.1", "::1"};
        return self_signed(name, std::move(names));
    }
    MAIL_TRY(auto cert, read_pem_file(spec.certificate_file));
    MAIL_TRY(auto key, read_pem_file(spec.key_file));
    if (auto ok = net::check_key_pair(cert, key); !ok)
        return fail(ok.error().code, spec.certificate_file + " and " + spec.key_file + ": " + ok.error().message);
    return net::TlsCertificate{{}, std::move(cert), std::move(key)};
}

void Certificates::reconcile(const service::ConfigSnapshot& config) {
    bool changed = false;
    for (const auto& [name, spec] : config.certificates) {
        auto& entry = entries_[name];
        auto pems = load(name, spec, config.server.hostname);
        if (!pems) {
            entry.problem = pems.error().message;
            log(Event::certificate_failed, {{"certificate", name}, {"reason", entry.problem}});
            continue;
        }
        entry.problem.clear();
        if (entry.server && entry.pems.cert_pem == pems->cert_pem && entry.pems.key_pem == pems->key_pem)
            continue;
        entry.pems = std::move(*pems);
        changed = true;
        log(Event::certificate_loaded, {{"certificate", name}});
    }
    const auto removed = std::erase_if(entries_, [&](const auto& e) { return !config.certificates.contains(e.first); });
    if (!changed && removed == 0)
        return;
    for (auto& [name, entry] : entries_) {
        if (entry.pems.cert_pem.empty())
            continue;
        std::vector<net::TlsCertificate> all{entry.pems}; // its own is the default, the others answer to their names
        for (const auto& [other, other_entry] : entries_)
            if (other != name && !other_entry.pems.cert_pem.empty())
                all.push_back(other_entry.pems);
        if (!entry.server) {
            auto server = net::TlsServer::create();
            if (!server) {
                entry.problem = server.error().message;
                continue;
            }
            entry.server = std::move(*server);
        }
        if (auto ok = entry.server->replace(std::move(all)); !ok) {
            entry.problem = ok.error().message;
            log(Event::certificate_failed, {{"certificate", name}, {"reason", entry.problem}});
        }
    }
}

std::shared_ptr<const net::TlsServer> Certificates::server(const std::string& name) const {
    const auto it = entries_.find(name);
    return it == entries_.end() ? nullptr : it->second.server;
}

std::string Certificates::problem(const std::string& name) const {
    const auto it = entries_.find(name);
    return it == entries_.end() ? "there is no certificate " + name : it->second.problem;
}

} // namespace mail
