// ClientsThread, what it leaves to the protocol thread: the requests of clients that ask for one
// small thing at a time. The protocol thread is then woken by the client itself, and awake when the
// token comes.
#include <sys/epoll.h>
#include <utility>

#include "totem/ipc/clients_thread.h"

namespace totem::ipc {

void ClientsThread::note_manners(Connection& connection, std::size_t bytes) {
    if (!options_.lend || connection.door->lane != Lane::kOrdered) {
        return;
    }
    connection.manners.asked(unanswered_ <= 1 && bytes <= kMeanwhileBytes);
    if (connection.manners.one_at_a_time()) {
        lendable_.push_back(static_cast<std::uint32_t>(connection.id));
    }
}

// Before it sleeps: whoever is not served while it does so.
void ClientsThread::lend() {
    const std::vector<std::uint32_t> lendable = std::exchange(lendable_, {});
    if (!behind_.empty() || gate_closed_.at(static_cast<std::size_t>(Lane::kOrdered)) ||
        barred_ >= kBarredMax) {
        return;
    }
    for (const std::uint32_t id : lendable) {
        const auto found = connections_.find(id);
        if (found != connections_.end() && !found->second->doomed &&
            found->second->manners.one_at_a_time()) {
            loop_.lend(found->second->handle);
        }
    }
}

void ClientsThread::serve_lent() {
    LentSet::Events events{};
    const std::unique_lock awake(awake_, std::try_to_lock);
    const std::size_t count = loop_.lent().take(events);
    if (!awake) {
        // What was taken is told of once only, so its owner has to look at it itself.
        channel_.lent_missed.store(true, std::memory_order_seq_cst);
        channel_.clients_bell.ring();
        return;
    }
    current_ = this;
    for (std::size_t i = 0; i < count; ++i) {
        serve(events.at(i));
    }
    posted_.at(static_cast<std::size_t>(Lane::kOrdered)) = false;  // it is the protocol that knows
    if (owes_round()) {
        channel_.clients_bell.ring();
    }
}

void ClientsThread::serve(const epoll_event& ready) {
    void* const handle = loop_.data_of_lent(ready.data.fd);
    if (handle == nullptr) {
        return;
    }
    // Only what libqb does without a look at the rest: a client that goes, too, takes its time.
    if (ready.events != EPOLLIN) {
        loop_.take_back(handle);
        return;
    }
    const auto* known =
        static_cast<Connection*>(qb_ipcs_context_get(static_cast<qb_ipcs_connection_t*>(handle)));
    const auto id = static_cast<std::uint32_t>(known->id);
    const PollLoop::Served served = loop_.serve_lent(ready.data.fd);
    const auto found = connections_.find(id);
    if (found == connections_.end()) {
        return;
    }
    Connection& connection = *found->second;
    if (served == PollLoop::Served::kNothing) {
        connection.manners.bar();
        ++barred_;
    }
    if (served != PollLoop::Served::kOne || !connection.manners.one_at_a_time()) {
        loop_.take_back(handle);
    }
}

bool ClientsThread::owes_round() const {
    return loop_.changed() || !doomed_.empty() || !unreturned_.empty() ||
           !overflow_.at(static_cast<std::size_t>(Lane::kOrdered)).empty();
}

}  // namespace totem::ipc
