// The plan that puts one message into one folder, for tests that need mail and not how it came.
#pragma once

#include "maild/store/accept_model.hpp"

namespace mail::service::test {

inline store::AcceptPlan one_copy(store::AccountId account, store::FolderId folder, std::string bytes, std::string prefix = {}) {
    store::AcceptPlan plan;
    plan.message = Id::make(system_clock().now());
    plan.content.memory = std::make_shared<const std::string>(std::move(bytes));
    store::LocalCopy copy;
    copy.account = account;
    copy.folder = folder;
    copy.prefix = std::move(prefix);
    plan.local.push_back(std::move(copy));
    return plan;
}

} // namespace mail::service::test
