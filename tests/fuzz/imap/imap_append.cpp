// APPEND and REPLACE as they stream: whatever is accepted is a sequence of messages, each with some content, and each ended.
#include "maild/imap/proto/append_parser.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

using namespace mail::imap;

namespace {

// Takes pieces as they come; a piece in a place where it cannot be is a bug.
class Checker {
  public:
    void take(const std::vector<AppendPiece>& pieces) {
        for (const auto& piece : pieces) {
            const bool opens = piece.kind == AppendPiece::Kind::begin;
            const bool closes = piece.kind == AppendPiece::Kind::end;
            if (opens == open_ || (closes && content_ == 0))
                std::abort();
            open_ = opens || (open_ && !closes);
            content_ = opens ? 0 : content_ + 1;
            ended_ += closes ? 1U : 0U;
        }
    }
    void finish() const {
        if (open_ || ended_ == 0)
            std::abort();
    }

  private:
    bool open_ = false;
    std::size_t content_ = 0;
    std::size_t ended_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view wire(reinterpret_cast<const char*>(data), size);
    Framer framer(FramerLimits::after_sign_in());
    AppendParser parser;
    Checker checker;
    bool streaming = false;
    while (!wire.empty()) {
        const auto event = framer.feed(wire);
        wire.remove_prefix(event.consumed);
        std::vector<AppendPiece> pieces;
        if (event.step == Framer::Step::append_literal) {
            streaming = true;
            if (parser.next(framer.frame(), pieces))
                return 0;
            checker.take(pieces);
            wire.remove_prefix(static_cast<std::size_t>(std::min<std::uint64_t>(event.size, wire.size())));
            framer.append_literal_done();
        } else if (event.step == Framer::Step::frame) {
            if (streaming && !parser.end(framer.frame(), pieces)) {
                checker.take(pieces);
                checker.finish();
            }
            return 0;
        } else if (event.step == Framer::Step::error) {
            return 0;
        }
    }
    return 0;
}
