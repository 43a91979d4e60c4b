// AttemptObserver: told of every delivery attempt after its end is committed: what was said, and how it ended for each
// recipient. The queue's side of a message's story; whoever keeps stories implements it.
// Called on the scheduler's home thread, one call for each attempt, in commit order. It must be quick and must not
// throw or wait: keep a copy, write later. The values are the caller's only during the call, but for `transcript`,
// which is immutable and may be kept.
#pragma once

#include "maild/store/queue_model.hpp"

#include <memory>
#include <string>
#include <vector>

namespace mail::queue {

/// One recipient's end of an attempt.
struct AttemptedRecipient {
    store::QueueId id = 0;
    std::string recipient;
    store::QueueOutcome outcome = store::QueueOutcome::deferred;
    int code = 0;               ///< the remote's reply code; 0 when it gave none
    std::string status;         ///< RFC 3463, "4.4.1"
    std::string text;           ///< the remote's words, or ours
    bool from_remote = false;   ///< `text` is the remote's
    std::uint32_t attempts = 0; ///< ended attempts, this one included
    Time next{};                ///< when deferred
    bool expired = false;       ///< failed because the time is over
    bool reported = false;      ///< the sender gets a report of this
    Id report;                  ///< that report's message id; null: none is sent
};

/// One try to hand one message to one destination.
struct Attempted {
    Id message;
    std::string sender;
    std::string route;   ///< name; empty: the default way
    std::string remote;  ///< "mx.example.org[192.0.2.1]:25"; empty when no host was reached
    std::string tls;     ///< "TLSv1.3 TLS_AES_256_GCM_SHA384, verified"; empty: none
    Time began{};
    Time ended{};
    std::shared_ptr<const std::string> transcript; ///< lines "C: ...", "S: ...", "*: ..."; bounded; may be null
    std::vector<AttemptedRecipient> recipients;    ///< at least one
};

class AttemptObserver {
  public:
    virtual ~AttemptObserver() = default;
    virtual void attempted(const Attempted& attempt) noexcept = 0;
};

} // namespace mail::queue
