// E8.2, E8.4, E5 and E3b at the clients: who is in a closed process group, and what its members
// hear, in the order and without holes (properties.md section 2).
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <vector>

#include "sim/checker.h"

namespace sim {

// What was heard first at a place: place -> item, a plain hash table because every message at every
// client asks it.
class FollowTable {
  public:
    FollowTable() : slots_(1U << 12U) {}

    // The item that was there first; `item` itself when there was none.
    std::uint64_t put(std::uint64_t place, std::uint64_t item);

  private:
    struct Slot {
        std::uint64_t place = 0;  // 0: free
        std::uint64_t item = 0;
    };
    // The one of `place`, or the free one where it belongs.
    Slot& slot(std::uint64_t place);
    void grow();

    std::vector<Slot> slots_;
    std::size_t used_ = 0;
};

class Groups : public Checker {
  public:
    explicit Groups(Findings& findings) : Checker("groups", findings) {}

    using Checker::on;
    void on(const GroupStarted& event) override;
    void on(const GroupFailed& event) override;
    void on(const GroupExpelled& event) override;
    void on(const GroupSaid& event) override;
    void on(const GroupHeard& event) override;
    void on(const GroupView& event) override;
    void on(const GroupRing& event) override;
    void on(const GroupTrouble& event) override;
    void on(const Settled& event) override;

  private:
    struct Name {
        std::uint32_t node = 0;
        std::uint32_t client = 0;
        friend auto operator<=>(const Name&, const Name&) = default;
    };
    struct Client {
        bool alive = false;
        bool joined = false;
        GroupMember self;
        std::uint64_t said = 0;
        std::vector<GroupMember> view;
        std::uint64_t view_hash = 0;
        std::map<GroupMember, std::uint64_t> heard;  // last number of each member of the view
        bool told_ring = false;                      // since it joined
        bool anchored = false;                       // `place` is one of last_ring
        std::uint64_t place = 0;  // the last message, or the ring's beginning, and the views since
        RingId last_ring;         // of the daemon after the step that brought the last item
    };
    void follow(const GroupWhere& at, Client& client, std::uint64_t item, bool message);
    void check_settled(const Settled& event, const std::vector<GroupMember>& expected);
    // `place` is a message, or the beginning of the ring.
    void compare_view(const GroupWhere& at, const Client& client, std::uint64_t place);

    std::map<Name, Client> clients_;
    std::map<GroupMember, std::uint64_t> said_;  // messages of a process, over its life
    FollowTable next_;   // after the same place in the same ring everybody hears the same
    FollowTable views_;  // the group at a place in a ring
};

}  // namespace sim
