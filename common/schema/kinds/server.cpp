#include "common/schema/kinds/server.hpp"

namespace mail::schema {

namespace {

constexpr Field fields[] = {
    field<&Server::name>("name", "Always \"server\".").key().example("server"),
    field<&Server::hostname>("hostname",
                             "Name this server greets and signs with; empty means the machine's own.")
        .pattern(host_format)
        .column(1)
        .example("mx.example.org"),
    field<&Server::postmaster>("postmaster",
                               "Where mail to postmaster without a domain and reports about mail go.")
        .pattern(address_format)
        .column(2)
        .example("postmaster@example.org"),
    field<&Server::message_size>("message_size", "Largest message accepted; announced as SIZE.")
        .range(1024, std::int64_t{1} << 31)
        .column(3)
        .example("50MiB"),
    field<&Server::recipients>("recipients", "Most recipients in one SMTP transaction.")
        .range(100, 100000)
        .wide(4)
        .example("1000"),
    field<&Server::retry>("retry", "Waiting times between attempts to deliver; the last one repeats.")
        .range(1, 86400 * 7)
        .items(32)
        .wide(5)
        .example("5m,10m,1h"),
    field<&Server::expire>("expire",
                           "Mail that could not be delivered for so long is returned to its sender.")
        .range(60, 86400 * 30)
        .wide(6)
        .example("5d"),
    field<&Server::delay_warning>("delay_warning",
                                  "The sender is told after so long that mail is late; 0 means never.")
        .range(0, 86400 * 30)
        .wide(7)
        .example("4h"),
    field<&Server::srs>("srs",
                        "Whether mail from elsewhere that is forwarded leaves with a return address of this server, so that "
                        "SPF does not refuse it.")
        .wide(12)
        .example("true"),
    field<&Server::outbound_connections>("outbound_connections",
                                         "Most deliveries to other servers at a time.")
        .range(1, 10000)
        .wide(8)
        .example("200"),
    field<&Server::per_destination>("per_destination", "Most deliveries to one destination at a time.")
        .range(1, 1000)
        .wide(9)
        .example("20"),
    field<&Server::stories_keep>("stories_keep", "How long the stories of messages are kept, for why and message trace.")
        .range(3600, 86400 * 3650)
        .wide(10)
        .example("30d"),
    field<&Server::stories_size>("stories_size", "Most that the stories of messages may take; beyond it the oldest go.")
        .range(std::int64_t{1} << 20, std::int64_t{1} << 44)
        .wide(11)
        .example("2GiB"),
};

void check(const Server& server, Issues& issues) {
    if (server.retry.empty())
        report(issues, "retry", "needs at least one waiting time", "leave it out for the default");
    if (server.delay_warning > server.expire)
        warn(issues, "delay_warning", "is longer than expire: no warning is ever sent");
}

} // namespace

constinit const Kind server_kind =
    make_kind<Server>("server", "servers", "The settings of the whole server.", fields)
        .singleton()
        .deletion("every setting of the server returns to its default")
        .checked<Server, &check>();

} // namespace mail::schema
