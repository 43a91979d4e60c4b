// A server that plays a script, for tests of the client session and of the queue: what it says, what it waits for, how it
// breaks off. Over a memory stream or a socket. Keeps what the client sent, byte for byte.
#pragma once

#include "common/async/runtime.hpp"
#include "common/net/reader.hpp"
#include "common/net/tls_context.hpp"

#include <string>
#include <vector>

namespace mail::test {

struct Step {
    enum class Kind : unsigned char {
        say,     ///< text as it is
        line,    ///< waits for one line that starts with text
        data,    ///< reads up to CR LF . CR LF
        bytes,   ///< reads as many bytes as text says
        tls,     ///< handshake, as mx.remote.test with a certificate signed by itself
        silence, ///< says nothing until the client goes
        trickle, ///< says text a byte at a time, over and over, until the client goes
        cut,     ///< closes at once
    };
    Kind kind = Kind::say;
    std::string text;
};
using Script = std::vector<Step>;

inline Step say(std::string text) { return {Step::Kind::say, std::move(text) + "\r\n"}; }
inline Step raw(std::string text) { return {Step::Kind::say, std::move(text)}; }
inline Step line(std::string start) { return {Step::Kind::line, std::move(start)}; }
inline Step data() { return {Step::Kind::data, {}}; }
inline Step bytes(std::size_t count) { return {Step::Kind::bytes, std::to_string(count)}; }
inline Step tls() { return {Step::Kind::tls, {}}; }
inline Step trickle(std::string text) { return {Step::Kind::trickle, std::move(text)}; }
inline Step silence() { return {Step::Kind::silence, {}}; }
inline Step cut() { return {Step::Kind::cut, {}}; }
inline Script operator+(Script a, const Script& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

struct Seen {
    std::string everything;            ///< all bytes the client sent, in order
    std::vector<std::string> lines;    ///< those read by line()
    std::vector<std::string> contents; ///< those read by data() (with dots and end mark) and bytes()
    std::string complaint;             ///< the first step that did not fit
};

struct TlsIdentity {
    std::string cert_pem; ///< serves as its own CA
    std::unique_ptr<net::TlsServer> server;
};
[[nodiscard]] const TlsIdentity& tls_identity();

/// Plays `script` and closes. `seen` outlives the call.
[[nodiscard]] Task<void> play(std::unique_ptr<net::Stream> stream, Script script, Seen& seen);

} // namespace mail::test
