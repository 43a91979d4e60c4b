// What SMTP sessions share; everything named here outlives them.
#pragma once

#include "maild/smtp/budget.hpp"

namespace mail::service {
class Config;
class Delivery;
class Directory;
class Sending;
class SignIn;
} // namespace mail::service
namespace mail::store {
class QueueStore;
}

namespace mail::smtp {

struct Services {
    service::Config& config;
    service::Directory& directory;
    service::Delivery& delivery;
    service::SignIn& sign_in;
    ByteBudget& budget;
    store::QueueStore* queue = nullptr; ///< for ETRN; null: it is not offered
    service::Sending* sending = nullptr; ///< null: mailboxes send as much as they like
};

} // namespace mail::smtp
