// SessionEnd: how others end a session (shutdown, a disabled mailbox, a changed password). Shared by the session and by
// whoever may end it; now() is thread-safe and does nothing once the session is gone.
#pragma once

#include <atomic>
#include <functional>

namespace mail::smtp {

struct SessionEnd {
    std::atomic<bool> wanted{false};
    std::atomic<bool> idle{false};  ///< the session waits for a command: nothing is lost by closing
    std::function<void()> close;    ///< closes the stream from any thread
    void now() {
        wanted = true;
        if (idle)
            close();
    }
};

} // namespace mail::smtp
