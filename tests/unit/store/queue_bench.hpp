// A bench whose queue is filled, leased and finished in one line each, for the tests of the queue.
#pragma once

#include "tests/unit/store/store_under_test.hpp"

namespace mail::store::test {

using std::chrono::hours;
using std::chrono::minutes;

class QueueBench : public Bench {
  public:
    using Bench::Bench;
    void send(const std::vector<std::string>& recipients, Duration in = Duration{}, bool held = false) {
        AcceptPlan one = plan("queued message");
        one.envelope.envelope_id = "env";
        one.envelope.smtputf8 = true;
        one.envelope.require_tls = true;
        one.envelope.message_id = "mid@example.org";
        for (const std::string& to : recipients)
            one.queue.push_back({to, to.substr(to.find('@') + 1), "rfc822;" + to, queue_notify::failure,
                                 clock.now() + in, clock.now() + in + hours(100), held, 0});
        need(mail().accept(one));
    }
    std::vector<QueueItem> lease(std::size_t limit = 100, std::size_t per_domain = 100) {
        return need(queue().lease(clock.now(), clock.now() + minutes(10), limit, per_domain));
    }
    void finish(QueueId id, QueueOutcome outcome, Duration in = hours(1)) {
        AttemptResult result;
        result.id = id;
        result.outcome = outcome;
        result.next_attempt = clock.now() + in;
        result.error = LastError{451, "4.3.0 try later", "mx.example.net[192.0.2.1]:25", clock.now()};
        result.route = "direct";
        done(queue().finish({result}, {}));
    }
    std::vector<QueueItem> list(const std::string& field = "", char operation = '=',
                                const std::string& value = "") {
        QueueFilter filter;
        if (!field.empty())
            filter.conditions.push_back({field, operation, value});
        return need(queue().list(filter));
    }
};

} // namespace mail::store::test
