// A whole server connection from one byte string: strict head check, Beast's body framing, keep-alive. The first byte
// chooses how reads are cut.
#include "common/net/http.hpp"
#include "common/net/memory_stream.hpp"
#include "common/async/runtime.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

using namespace mail;

class Sink final : public net::HttpHandler {
  public:
    Task<net::HttpResponse> handle(net::HttpRequest request) override {
        for (const auto& segment : request.segments)
            if (segment == "." || segment == ".." || segment.find('\0') != std::string::npos)
                std::abort();
        if (request.body.size() > 4096)
            std::abort();
        net::HttpResponse response;
        response.body = std::move(request.body);
        co_return response;
    }
    std::size_t body_limit(const net::HttpRequest&) const override { return 4096; }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1 || size > 100000)
        return 0;
    const std::size_t cut = data[0] == 0 ? size : data[0];
    const std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
    const auto stream = net::make_script_stream(input, nullptr, [cut] { return cut; });
    Sink sink;
    async::run_until_done(net::serve_http(*stream, sink));
    return 0;
}
