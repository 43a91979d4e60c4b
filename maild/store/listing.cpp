#include "maild/store/store.hpp"

namespace mail::store {
namespace {

class Collector final : public ListingSink {
  public:
    void begin(const Folder& folder) override {
        listing.folder = folder;
        listing.items.clear();
        listing.items.reserve(folder.messages);
    }
    void add(std::span<const ItemRow> items) override {
        listing.items.insert(listing.items.end(), items.begin(), items.end());
    }
    MailStore::Listing listing;
};

} // namespace

Task<Result<MailStore::Listing>> MailStore::list(FolderId folder) {
    const auto collector = std::make_shared<Collector>();
    MAIL_CO_DO(co_await scan(folder, collector));
    co_return std::move(collector->listing);
}

} // namespace mail::store
