// GroupClient: a member of one closed process group that also follows quorum, as a state machine
// without I/O. It connects to the cpg and quorum doors, joins, sends, tries again when there is no
// room, and starts over after a disconnect; its host moves bytes and keeps time.
//
// The host performs the actions of a step in order and answers each of them with an input:
//   Connect     -> Connected or ConnectFailed
//   Request     -> Accepted or NotTaken (the door or the way to it is full), at once or later;
//   then,
//                  for what has a reply, Reply
//   Disconnect  -> nothing; what still comes of that connection is not handed in
// At most one request per door is unanswered at any time, so order is kept whatever is not taken.
// Whenever a connection ends by itself: Disconnected.
//
// Messages: a sent message stays queued until it was accepted, across disconnects. One that was
// accepted but not yet delivered when the connection ended is reported Unresolved: it may or may
// not have reached the group. Own deliveries carry the tag given to Send.
//
// Quorum: a notification counts only for the ring that orders the messages here; see quorate().
//
// Watched: cpg says nothing of a group to whoever is not in it, so its members are asked for.
//
// Source: ipc.md 4, 7, 9, 14 and 15; properties.md Q5.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "totem/client/messages.h"
#include "totem/core/types.h"

namespace totem::client {

// ---- inputs -------------------------------------------------------------------------------------

// First input, and again after Stopped.
struct Open {};
struct Connected {
    Door door{};
};
struct ConnectFailed {
    Door door{};
    Error error = Error::kLibrary;
};
struct Disconnected {
    Door door{};
};
struct Accepted {
    Door door{};
};
struct NotTaken {
    Door door{};
};
// `bytes` must stay valid while the news of the step are used.
struct Reply {
    Door door{};
    ByteView bytes;
};
struct Event {
    Door door{};
    ByteView bytes;
};
// At most kMessageMax bytes (checked), copied.
struct Send {
    std::uint64_t tag = 0;
    ByteView message;
    Guarantee guarantee = Guarantee::kAgreed;
};
// Leave the group once all that was queued is accepted, then stop. Outside of the group: stop at
// once, what is queued is refused.
struct Leave {};
struct Wake {};

using Input = std::variant<Open, Connected, ConnectFailed, Disconnected, Accepted, NotTaken, Reply,
                           Event, Send, Leave, Wake>;

// ---- effects ------------------------------------------------------------------------------------

struct Connect {
    Door door{};
};
struct Disconnect {
    Door door{};
};
// `bytes` stay valid until the next step.
struct Request {
    Door door{};
    ByteView bytes;
};
using Action = std::variant<Connect, Disconnect, Request>;

// This process is a member of the group from here on.
struct Joined {
    Process self;
};
// Views into the event stay valid as long as its bytes.
struct Membership {
    std::vector<Process> members;
    std::vector<Change> joined;
    std::vector<Change> left;
};
struct Message {
    Process sender;
    ByteView bytes;
    std::optional<std::uint64_t> own_tag;  // when this client sent it
};
// The ring that orders what follows.
struct RingChanged {
    RingId ring;
    std::vector<NodeId> members;
};
// What quorate() says changed, or the notification behind it.
struct QuorumChanged {
    bool quorate = false;  // as quorate()
    QuorumNotification notification;
};
// The queue is full, the message was not taken.
struct SendRefused {
    std::uint64_t tag = 0;
};
struct Unresolved {
    std::uint64_t tag = 0;
};
// No longer a member, not by own wish; joining again follows.
struct Expelled {};
// Who is in the watched group: first thing after Joined, and whenever that changed.
struct WatchedAre {
    std::vector<Process> members;  // ascending
};
// Left as asked; both doors are closed.
struct Stopped {};
// The daemon refused or said what cannot be understood; the connection starts over.
struct Trouble {
    Door door{};
    Error error{};
    std::string_view text;
};
using News = std::variant<Joined, Membership, Message, RingChanged, QuorumChanged, SendRefused,
                          Unresolved, Expelled, WatchedAre, Stopped, Trouble>;

// Reused from step to step.
struct Effects {
    std::vector<Action> actions;
    std::vector<News> news;
    std::optional<Instant> wake_at;  // the one deadline; absent: nothing to wait for

    void clear() {
        actions.clear();
        news.clear();
        wake_at.reset();
    }
};

// ---- the client ---------------------------------------------------------------------------------

struct GroupClientOptions {
    std::string group{};  // binary, at most kGroupNameMax bytes (checked)
    std::uint32_t pid = 0;
    std::size_t queue_max = 1000;               // messages not yet accepted
    std::chrono::milliseconds try_again{10};    // after a request was not taken
    std::chrono::milliseconds reconnect{1000};  // after a failed or lost connection
    // Another group, whose members are asked for while joined: after each change of the ring and
    // this often. Empty: none.
    std::string watched{};
    std::chrono::milliseconds watch_every{1000};
};

class GroupClient {
  public:
    explicit GroupClient(GroupClientOptions options);

    // Appends to `out`, which the caller has cleared. `now` never goes back.
    void step(Instant now, const Input& input, Effects& out);

    [[nodiscard]] bool joined() const noexcept { return member_; }
    // Of this process; node is known once connected.
    [[nodiscard]] Process self() const noexcept { return self_; }
    // The last notification says quorate, and it is about the ring that orders our messages.
    [[nodiscard]] bool quorate() const noexcept {
        return member_ && quorum_.quorate && ring_ && quorum_.ring == *ring_;
    }
    [[nodiscard]] std::size_t queued() const noexcept { return queue_.size(); }

  private:
    enum class Stage : std::uint8_t {
        kClosed,       // no connection wanted
        kConnect,      // to be connected
        kAskNode,      // cpg: whose node am I on
        kJoin,         // cpg: to join
        kJoining,      // cpg: the group's event is awaited
        kMember,       // cpg
        kLeaving,      // cpg: the group's event is awaited
        kChooseModel,  // quorum
        kTrack,        // quorum: to track
        kTracking,     // quorum
    };
    // What the one unanswered action waits for.
    enum class Awaits : std::uint8_t { kNothing, kConnection, kAcceptance, kReply };
    struct Link {
        Door door{};
        Stage stage = Stage::kClosed;
        Awaits awaits = Awaits::kNothing;
        bool message_out = false;  // the unanswered request is the front of queue_
        bool leave_out = false;    // ... is the leave
        bool watch_out = false;    // ... asks for the watched group
        std::optional<Instant> not_before;
        Bytes request;
    };
    struct Outgoing {
        std::uint64_t tag = 0;
        Bytes request;
    };

    void on(const Open& input, Instant now, Effects& out);
    void on(const Connected& input, Instant now, Effects& out);
    void on(const ConnectFailed& input, Instant now, Effects& out);
    void on(const Disconnected& input, Instant now, Effects& out);
    void on(const Accepted& input, Instant now, Effects& out);
    void on(const NotTaken& input, Instant now, Effects& out);
    void on(const Reply& input, Instant now, Effects& out);
    void on(const Event& input, Instant now, Effects& out);
    void on(const Send& input, Instant now, Effects& out);
    void on(const Leave& input, Instant now, Effects& out);
    void on(const Wake& input, Instant now, Effects& out);

    [[nodiscard]] Link& link(Door door) { return door == Door::kCpg ? cpg_ : quorum_link_; }
    void on_cpg_reply(ByteView bytes, Instant now, Effects& out);
    void on_quorum_reply(ByteView bytes, Instant now, Effects& out);
    void on_cpg_event(ByteView bytes, Instant now, Effects& out);
    void on_quorum_event(ByteView bytes, Instant now, Effects& out);
    void on_membership(GroupMembership& change, Effects& out);
    void on_group_message(const GroupMessage& message, Effects& out);

    void pump(Link& link, Instant now, Effects& out);
    void pump_member(Instant now, Effects& out);
    void on_watched(ByteView bytes, Instant now, Effects& out);
    void settle_front();
    void request(Link& link, Awaits awaits, Effects& out);
    void fail(Link& link, Trouble trouble, Instant now, Effects& out);
    void lose(Link& link, Instant now, Effects& out);
    void lose_membership(Effects& out);
    void finish(Effects& out);
    void set_quorum(QuorumNotification notification, Effects& out);

    GroupClientOptions options_;
    Link cpg_;
    Link quorum_link_;
    Process self_;
    bool member_ = false;
    bool leave_asked_ = false;
    std::optional<RingId> ring_;
    QuorumNotification quorum_;
    std::optional<Instant> watch_at_;              // joined, and a group is watched
    std::optional<std::vector<Process>> watched_;  // as last told
    std::deque<Outgoing> queue_;
    std::deque<std::uint64_t> accepted_;  // tags, oldest first; delivered in this order
};

}  // namespace totem::client
