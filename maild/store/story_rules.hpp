// What a StoryFilter means, for every engine: which stories it wants, and the keys by which a block of stories can be
// ruled out without reading it. StoryBloom is the set of a block's keys (Bloom, 1970): never wrong about absence, and
// wrong about presence in less than one case of a hundred. Pure, no I/O.
#pragma once

#include "maild/store/story_model.hpp"

#include <span>
#include <string_view>

namespace mail::store {

/// Stories of one block, and bits each of its keys gets.
inline constexpr std::size_t story_block = 250;
inline constexpr std::size_t story_key_bits = 10;

using StoryKey = std::uint64_t; ///< hash of a word and its kind; the same on every machine

/// Everything a story can be found by; may hold one key twice.
void add_keys(std::vector<StoryKey>& keys, const Story& story);
/// Keys that every story wanted has; a filter of patterns may have none.
[[nodiscard]] std::vector<StoryKey> keys_of(const StoryFilter& filter);

[[nodiscard]] std::string make_bloom(std::vector<StoryKey> keys);
/// False: some key is certainly missing.
[[nodiscard]] bool may_hold(std::string_view bloom, std::span<const StoryKey> keys) noexcept;

/// A row as views, so that rows that are not wanted cost no allocation.
struct StoryView {
    std::string_view sender;
    std::string_view recipients;
    std::string_view message_id;
    std::string_view subject;
    StoryEnd end = StoryEnd::delivered;
};
/// Of all conditions but id, mark and before.
[[nodiscard]] bool wants(const StoryFilter& filter, Time at, const StoryView& story);
[[nodiscard]] inline StoryView view_of(const Story& story) noexcept {
    return {story.sender, story.recipients, story.message_id, story.subject, story.end};
}
/// About what a row takes.
[[nodiscard]] std::size_t bytes_of(const Story& story) noexcept;
[[nodiscard]] std::size_t bytes_of(const StoryEvent& event) noexcept;

} // namespace mail::store
