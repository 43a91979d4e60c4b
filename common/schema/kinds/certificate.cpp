#include "common/schema/kinds/certificate.hpp"

namespace mail::schema {

namespace {

constexpr Field fields[] = {
    field<&Certificate::name>("name",
                              "Name of the certificate; listeners use \"default\" unless they say otherwise.")
        .key()
        .pattern(name_format)
        .column(1)
        .example("default"),
    field<&Certificate::self_signed>("self_signed", "Make a key and a self-signed certificate and keep them.")
        .column(2)
        .example("true"),
    field<&Certificate::certificate_file>(
        "certificate_file", "PEM file on the server with the certificate and its chain, leaf first.")
        .pattern(path_format)
        .column(3)
        .length(4096)
        .example("/etc/maild/tls/fullchain.pem"),
    field<&Certificate::key_file>("key_file", "PEM file on the server with the private key, not encrypted.")
        .pattern(path_format)
        .wide(4)
        .length(4096)
        .example("/etc/maild/tls/key.pem"),
    field<&Certificate::names>("names",
                               "Host names of a self-signed certificate; empty means the server's hostname.")
        .pattern(host_format)
        .unordered()
        .column(5)
        .example("mx.example.org"),
};

void check(const Certificate& certificate, Issues& issues) {
    const bool has_files = !certificate.certificate_file.empty() || !certificate.key_file.empty();
    if (!certificate.self_signed && !has_files)
        report(issues, {}, "has no source", "set self_signed: true, or certificate_file and key_file");
    if (certificate.self_signed && has_files)
        report(issues, "self_signed", "goes not together with files", "leave one of them out");
    if (has_files && certificate.key_file.empty())
        report(issues, "certificate_file", "needs key_file");
    if (has_files && certificate.certificate_file.empty())
        report(issues, "key_file", "needs certificate_file");
    if (!certificate.names.empty() && !certificate.self_signed)
        report(issues, "names", "is for self-signed certificates only", "names of a file are in the file");
}

} // namespace

constinit const Kind certificate_kind =
    make_kind<Certificate>("certificate", "certificates", "A key and certificate for TLS.", fields)
        .checked<Certificate, &check>();

} // namespace mail::schema
