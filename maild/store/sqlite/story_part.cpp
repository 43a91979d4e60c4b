// StoryStore on the embedded engine.
#include "maild/store/sqlite/engine.hpp"
#include "maild/store/sqlite/reads.hpp"
#include "maild/store/sqlite/transactions.hpp"

namespace mail::store::sqlite {
namespace {

class StoryPart final : public StoryStore {
  public:
    explicit StoryPart(Engine& engine) : engine_(engine) {}

    Task<Result<void>> record(std::vector<Story> stories, std::vector<StoryEvent> events) override {
        std::function<Result<void>(WriteContext&)> body = [stories = std::move(stories),
                                                           events = std::move(events)](WriteContext& context) {
            return record_stories(context, stories, events);
        };
        return engine_.writer->run<void>(std::move(body));
    }
    Task<Result<StoryPage>> find(StoryFilter filter) override {
        std::function<Result<StoryPage>(Database&)> read = [filter = std::move(filter)](Database& db) {
            const Readers::Moment moment(db);
            return find_stories(db, filter);
        };
        return engine_.later<StoryPage>(std::move(read));
    }
    Task<Result<std::vector<StoryEvent>>> events(Id message, bool transcripts) override {
        std::function<Result<std::vector<StoryEvent>>(Database&)> read = [message, transcripts](Database& db) {
            return read_story_events(db, message, transcripts);
        };
        return engine_.later<std::vector<StoryEvent>>(std::move(read));
    }
    Task<Result<bool>> index() override {
        std::function<Result<std::vector<StoryBlock>>(Database&)> read = [](Database& db) {
            const Readers::Moment moment(db);
            return next_blocks(db);
        };
        MAIL_CO_TRY(auto blocks, co_await engine_.later<std::vector<StoryBlock>>(std::move(read)));
        if (blocks.empty())
            co_return false;
        std::function<Result<void>(WriteContext&)> body = [blocks = std::move(blocks)](WriteContext& context) {
            return insert_blocks(context, blocks);
        };
        MAIL_CO_DO(co_await engine_.writer->run<void>(std::move(body)));
        co_return true;
    }
    Task<Result<StoryStats>> stats() override {
        std::function<Result<StoryStats>(Database&)> read = [](Database& db) { return read_story_stats(db); };
        return engine_.later<StoryStats>(std::move(read));
    }

  private:
    Engine& engine_;
};

} // namespace

std::unique_ptr<StoryStore> make_stories(Engine& engine) { return std::make_unique<StoryPart>(engine); }

} // namespace mail::store::sqlite
