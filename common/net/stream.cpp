#include "common/net/stream.hpp"

namespace mail::net {

std::string Peer::text() const {
    if (address.empty())
        return "unix";
    const bool v6 = address.find(':') != std::string::npos;
    return (v6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

} // namespace mail::net
