#include "common/schema/kinds/policy.hpp"

namespace mail::schema {

namespace {

constexpr Field fields[] = {
    field<&Policy::name>("name", "Always \"policy\".").key().example("policy"),
    field<&Policy::sending>("sending", "How much each mailbox may send, unless it has limits of its own.")
        .object(sending_fields)
        .example("{\"messages_per_day\": 1000}"),
};

} // namespace

constinit const Kind policy_kind =
    make_kind<Policy>("policy", "policies", "Rules for all mailboxes that state none of their own.", fields)
        .singleton()
        .deletion("every rule returns to its default");

} // namespace mail::schema
