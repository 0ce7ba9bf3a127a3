// ClientsThread, the half that sends: answers and events to clients, and what a slow one is owed.
#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sys/uio.h>
#include <utility>

#include "totem/ipc/clients_thread.h"
#include "totem/ipc/lost_memory.h"

namespace totem::ipc {

namespace {

std::string process_name(std::uint32_t pid) {
    std::string name;
    std::ifstream comm("/proc/" + std::to_string(pid) + "/comm");
    std::getline(comm, name);
    return name.empty() ? "?" : name;
}

}  // namespace

void ClientsThread::take_outgoing() {
    for (std::size_t n = 0; n < kOutgoingPerRound; ++n) {
        Outgoing* outgoing = channel_.outgoing.front();
        if (outgoing == nullptr) {
            return;
        }
        group::ClientMessage message = std::move(outgoing->message);
        const bool disconnect = outgoing->disconnect;
        channel_.outgoing.pop();
        const auto found = connections_.find(static_cast<std::uint32_t>(message.connection));
        if (found == connections_.end()) {
            give_back(std::move(message.body));
        } else if (disconnect) {
            doom(*found->second, "fell too far behind: disconnected");
        } else {
            deliver(*found->second, std::move(message));
        }
    }
}

bool ClientsThread::send_meanwhile() {
    const std::unique_lock awake(awake_, std::try_to_lock);
    if (!awake || channel_.outgoing.size() > kMeanwhileMessages) {
        return false;
    }
    while (Outgoing* outgoing = channel_.outgoing.front()) {
        if (must_wait_for(*outgoing)) {
            return false;
        }
        group::ClientMessage message = std::move(outgoing->message);
        channel_.outgoing.pop();
        Connection& connection = *connections_.at(static_cast<std::uint32_t>(message.connection));
        deliver(connection, std::move(message));
    }
    return behind_.empty() && doomed_.empty() && unreturned_.empty() && !loop_.changed();
}

// libqb sends an event's byte at once or not at all, but those that it still owes until the client
// has taken them.
bool ClientsThread::must_wait_for(const Outgoing& outgoing) const {
    const auto found = connections_.find(static_cast<std::uint32_t>(outgoing.message.connection));
    return found == connections_.end() || outgoing.disconnect || found->second->bytes_left ||
           outgoing.message.body.bytes().size() > kMeanwhileBytes;
}

void ClientsThread::set_bytes_left(qb_ipcs_connection_t* handle, bool left) {
    auto* connection = static_cast<Connection*>(qb_ipcs_context_get(handle));
    if (connection != nullptr) {
        connection->bytes_left = left;
    }
}

void ClientsThread::deliver(Connection& connection, group::ClientMessage message) {
    if (connection.doomed) {
        give_back(std::move(message.body));
        return;
    }
    if (connection.door->lane == Lane::kOrdered) {
        unanswered_ = 0;  // whoever waited for this need not wait for us
    }
    const bool reply = message.kind == group::ClientMessage::Kind::kReply;
    Backlog& backlog = reply ? connection.replies : connection.events;
    if (backlog.empty()) {
        switch (send_now(connection, message, message.body.bytes())) {
            case Sent::kDone:
            case Sent::kGone:
                give_back(std::move(message.body));
                return;
            case Sent::kFull:
                break;
        }
    }
    const bool first = connection.replies.empty() && connection.events.empty();
    FrameRef free;
    if (!backlog.push(std::move(message), free)) {
        // NOLINTNEXTLINE(bugprone-use-after-move): refused, so untouched
        give_back(std::move(message.body));
        doom(connection, "does not read: disconnected with " +
                             std::to_string(connection.events.size() + connection.replies.size()) +
                             " messages unread");
        return;
    }
    give_back(std::move(free));
    if (first) {
        behind_.push_back(static_cast<std::uint32_t>(connection.id));
        retry_ = kRetryFirst;
    }
}

ClientsThread::Sent ClientsThread::send_now(Connection& connection, group::ClientMessage& message,
                                            std::span<const std::byte> body) {
    // libqb would answer "try again" for ever.
    if (message.head_size + body.size() > connection.message_bytes_max) {
        doom(connection, "asked for a buffer too small for a message: disconnected");
        return Sent::kGone;
    }
    // libqb only reads through these pointers.
    const std::array<iovec, 2> parts{{{message.head.data(), message.head_size},
                                      // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
                                      {const_cast<std::byte*>(body.data()), body.size()}}};
    const std::size_t count = body.empty() ? 1 : 2;
    const auto send = message.kind == group::ClientMessage::Kind::kReply ? qb_ipcs_response_sendv
                                                                         : qb_ipcs_event_sendv;
    ssize_t result = 0;
    if (!survives([&] { result = send(connection.handle, parts.data(), count); })) {
        qb_ipcs_connection_unref(connection.handle);  // taken by the call that was left
        watch_again_for_lost_memory();
        doom(connection, kTookMemory);
        return Sent::kGone;
    }
    if (result >= 0) {
        return Sent::kDone;
    }
    if (result == -EAGAIN || result == -ENOBUFS || result == -ETIMEDOUT) {
        return Sent::kFull;
    }
    doom(connection, {});  // it is gone, or about to be
    return Sent::kGone;
}

void ClientsThread::retry_backlogs() {
    while (!unreturned_.empty() && channel_.returns.push(std::move(unreturned_.back()))) {
        unreturned_.pop_back();
    }
    if (behind_.empty()) {
        return;
    }
    bool progress = false;
    std::erase_if(behind_, [this, &progress](std::uint32_t id) {
        const auto found = connections_.find(id);
        if (found == connections_.end()) {
            return true;
        }
        Connection& connection = *found->second;
        progress = drain(connection, connection.replies) || progress;
        progress = drain(connection, connection.events) || progress;
        return connection.replies.empty() && connection.events.empty();
    });
    retry_ = progress ? kRetryFirst : std::min(retry_ * 2, kRetryMax);
}

bool ClientsThread::drain(Connection& connection, Backlog& backlog) {
    bool progress = false;
    while (!backlog.empty() && !connection.doomed) {
        Kept& kept = backlog.front();
        if (send_now(connection, kept.message, kept.body()) != Sent::kDone) {
            break;
        }
        give_back(backlog.pop());
        progress = true;
    }
    return progress;
}

void ClientsThread::doom(Connection& connection, const std::string& why) {
    if (connection.doomed) {
        return;
    }
    connection.doomed = true;
    connection.why = why;
    doomed_.push_back(static_cast<std::uint32_t>(connection.id));
}

// Not where it was doomed, which may be on the protocol thread.
void ClientsThread::tell_why(Connection& connection) {
    const std::string why = std::exchange(connection.why, {});
    if (!why.empty()) {
        options_.log(LogLevel::kWarning, "QB",
                     "client " + process_name(connection.pid) + " (pid " +
                         std::to_string(connection.pid) + ") of " +
                         std::string(door_name(connection.door->id)) + " " + why);
    }
}

void ClientsThread::disconnect_doomed() {
    for (void* lost : loop_.take_lost()) {
        for (const auto& [id, connection] : connections_) {
            if (connection->handle == lost) {
                doom(*connection, kTookMemory);
            }
        }
    }
    const std::vector<std::uint32_t> doomed = std::exchange(doomed_, {});
    for (const std::uint32_t id : doomed) {
        const auto found = connections_.find(id);
        if (found != connections_.end()) {
            tell_why(*found->second);
            qb_ipcs_disconnect(found->second->handle);
            watch_again_for_lost_memory();
        }
    }
}

void ClientsThread::give_back(FrameRef frame) {
    if (frame.empty()) {
        return;
    }
    if (!unreturned_.empty() || !channel_.returns.push(std::move(frame))) {
        // NOLINTNEXTLINE(bugprone-use-after-move): refused, so untouched
        unreturned_.push_back(std::move(frame));
    }
}

}  // namespace totem::ipc
