// TextIndex: which blobs may hold a text, so that a search reads only those. It answers with too many, never with too
// few: of every blob up to indexed() it either knows the text or says that it may hold anything. It is no part of the
// store: it lives in a file of its own, can be thrown away at any time and is then filled again from the blobs, in the
// order of their ids. Texts come casemapped (RFC 5051), as a search compares them. Thread-safe; calls block.
#pragma once

#include "common/base/result.hpp"
#include "maild/store/mail_model.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mail::store {

struct IndexedText {
    BlobId blob = 0;
    std::string text;     ///< UTF-8 without NUL
    bool complete = true; ///< false: the blob may hold more than `text`, so every search must read it
};

struct TextHits {
    BlobId indexed = 0;        ///< the answer covers blobs up to this one
    bool too_many = false;     ///< more than limit::text_index_hits: the answer is of no use
    std::vector<BlobId> blobs; ///< ascending: what may hold the text
};

struct TextIndexStats {
    BlobId indexed = 0;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;    ///< of its file
    std::uint64_t lookups = 0;  ///< texts looked up since it was opened
    std::uint64_t failures = 0; ///< lookups that failed
};

class TextIndex {
  public:
    virtual ~TextIndex() = default;
    /// Every blob up to this one is in the index; blobs above it are not. 0 before belong_to().
    [[nodiscard]] virtual BlobId indexed() const = 0;
    /// All of `texts` or none; from then on indexed() is `up_to`. Errors: no_space (also: as large as it may become).
    [[nodiscard]] virtual Result<void> put(const std::vector<IndexedText>& texts, BlobId up_to) = 0;
    /// Errors: unsupported for a text that the index cannot look up; see can_find().
    [[nodiscard]] virtual Result<TextHits> find(std::string_view text) = 0;
    /// Forgets everything, also after an error or damage.
    [[nodiscard]] virtual Result<void> clear() = 0;
    /// First of all, and again after it failed: opens the index. `tag` names the store it is filled from; one that was
    /// filled from another store, that cannot be read or that another version has written is thrown away.
    [[nodiscard]] virtual Result<void> belong_to(std::string_view tag) = 0;
    [[nodiscard]] virtual TextIndexStats stats() const = 0;
};

/// Texts of at least three characters that cannot span two of the pieces a message's text is made of.
[[nodiscard]] bool can_find(std::string_view text);
/// The runs of three characters in `text`, without repetition; at most `most`, spread over the whole text.
[[nodiscard]] std::vector<std::string_view> trigrams(std::string_view text, std::size_t most);

} // namespace mail::store
