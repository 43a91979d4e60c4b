#include "common/schema/kinds/policy.hpp"

namespace mail::schema {

namespace {

constexpr Field fields[] = {
    field<&Policy::name>("name", "Always \"policy\".").key().example("policy"),
    field<&Policy::sending>("sending", "How much each mailbox may send, unless it has limits of its own.")
        .object(sending_fields)
        .example("{\"messages_per_day\": 1000}"),
    field<&Policy::recoverable_keep>("recoverable_keep",
                                     "How long expunged messages can be restored, unless their mailbox or domain says otherwise.")
        .range(0, 86400LL * 3650)
        .column(1)
        .example("30d"),
    field<&Policy::recoverable_size>("recoverable_size",
                                     "Most that the expunged messages of one mailbox may take; beyond it its oldest go for good.")
        .range(std::int64_t{1} << 20, std::int64_t{1} << 50)
        .column(2)
        .example("30GiB"),
    field<&Policy::removed_keep>("removed_keep", "How long a removed mailbox can be restored, unless its domain says otherwise.")
        .range(0, 86400LL * 3650)
        .column(3)
        .example("90d"),
};

} // namespace

constinit const Kind policy_kind =
    make_kind<Policy>("policy", "policies", "Rules for all mailboxes that state none of their own.", fields)
        .singleton()
        .deletion("every rule returns to its default");

} // namespace mail::schema
