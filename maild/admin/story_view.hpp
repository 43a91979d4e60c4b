// A story as the API tells it: what is stored of a message, its events and what is in the queue now, put together into
// where each recipient's copy is and why. Pure. Used by story_routes.cpp.
#pragma once

#include "maild/store/queue_model.hpp"
#include "maild/store/story_model.hpp"

#include <boost/json/fwd.hpp>

#include <span>
#include <string_view>

namespace mail::admin {

/// {id, at, sender, recipients: [address], message_id, subject, peer, outcome}: one line of a list. `outcome` is how the
/// session ended: delivered, queued, refused.
[[nodiscard]] boost::json::object story_line(const store::Story& story);

/// The whole: `recipients` become objects {address, outcome, ...}, `outcome` the one that matters most of theirs, and
/// `events` everything in order, each with an id: "ID/1" up to acceptance, "ID/e17" later. `waiting`: the message's items in
/// the queue.
[[nodiscard]] boost::json::object story_view(const store::Story& story, std::span<const store::StoryEvent> events,
                                             std::span<const store::QueueItem> waiting);

/// A story that was only played: what is to be queued is not looked for.
[[nodiscard]] boost::json::object told_story(const store::Story& story);

/// Id of a later event.
[[nodiscard]] std::string event_id(const store::StoryEvent& event);

} // namespace mail::admin
