// Certificates: keeps the TLS servers' certificates what the `certificate` resources say. A self-signed one is made once
// and kept under DIR/tls. A certificate that cannot be loaded leaves the one in service alone and says which file.
#pragma once

#include "common/net/tls_context.hpp"
#include "maild/service/snapshot.hpp"

#include <map>
#include <memory>
#include <string>

namespace mail {

/// The text of a PEM file. Errors: invalid, with what to do.
[[nodiscard]] Result<std::string> read_pem_file(const std::string& path);

class Certificates {
  public:
    /// `directory` is made on first use.
    explicit Certificates(std::string directory);

    /// Brings every certificate resource into service. Not thread-safe: called by the reconciler alone.
    void reconcile(const service::ConfigSnapshot& config);
    /// The TLS server of a certificate resource, with every other certificate behind it for SNI; null without one.
    [[nodiscard]] std::shared_ptr<const net::TlsServer> server(const std::string& name) const;
    /// What is wrong with a certificate, or empty.
    [[nodiscard]] std::string problem(const std::string& name) const;

  private:
    struct Entry {
        net::TlsCertificate pems;
        std::shared_ptr<net::TlsServer> server;
        std::string problem;
    };
    [[nodiscard]] Result<net::TlsCertificate> load(const std::string& name, const schema::Certificate& spec,
                                                   const std::string& hostname) const;
    [[nodiscard]] Result<net::TlsCertificate> self_signed(const std::string& name, std::vector<std::string> names) const;

    std::string directory_;
    std::map<std::string, Entry> entries_;
};

} // namespace mail
