// Plays one SMTP transaction against a real session without any effect: the session's own code over a stream that is its
// client, with a service::Rehearsal for its delivery. Called by the admin API for `mailctl simulate`.
#pragma once

#include "maild/service/rehearsal.hpp"
#include "maild/smtp/session.hpp"

namespace mail {

/// Errors: not_found (listener, mailbox), invalid. What the session refuses is in the story. On the caller's executor.
[[nodiscard]] Task<Result<service::Played>> play_transaction(store::Store& store, smtp::Services services, const Clock& clock,
                                                             service::Play play);

} // namespace mail
