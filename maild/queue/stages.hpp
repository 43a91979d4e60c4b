// Stages: a delivery told as it goes, stage by stage, to whoever watches: `mailctl doctor deliver`. The queue's own
// deliveries have no watcher and lose no time to it.
#pragma once

#include "common/async/task.hpp"

#include <string>
#include <string_view>

namespace mail::queue {

struct Stage {
    std::string_view name; ///< route, hosts, mta-sts, tlsa, connect, session, envelope, end
    bool good = true;
    std::string host;     ///< "mx.example.org[192.0.2.1]:25", where the stage is about one
    std::string words;    ///< what came of it
    std::string dialogue; ///< lines "C: ...", "S: ..." that were said; may be empty
};

class StageWatcher {
  public:
    virtual ~StageWatcher() = default;
    [[nodiscard]] virtual Task<void> reached(Stage stage) = 0;
};

} // namespace mail::queue
