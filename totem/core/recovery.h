// Carries the messages of the old ring over to a new one: which to send again, when all is
// exchanged, and what must be delivered come what may.
//
// Source: totem.md 5.5 and 6.2 (paper, section 7). Ours: obligations, docs/protocol.md, "Recovery
// that fails late".
#pragma once

#include <cstdint>
#include <vector>

#include "totem/core/codec.h"
#include "totem/core/hash.h"
#include "totem/core/node_list.h"
#include "totem/core/ordering.h"

namespace totem {

class Recovery {
  public:
    // The commit token came round with everybody's entry. `old` and `old_ring` are what this node
    // brings along.
    void begin(const CommitToken& commit, const RingId& old_ring, const Ordering& old);

    // Members of the new ring that come from the same old ring, this node among them, ascending.
    [[nodiscard]] const NodeList& transitional() const noexcept { return transitional_; }
    // The highest message that any of them delivered in the old regular configuration.
    [[nodiscard]] Seq delivered_by_some() const noexcept { return delivered_by_some_; }

    // Old messages that this node has yet to send to the new ring.
    [[nodiscard]] std::uint32_t backlog() const noexcept { return remaining_; }
    // The next one of them: its number on the old ring. backlog() must not be 0.
    [[nodiscard]] Seq take(const Ordering& old);
    // The member that sends message `seq` again must say that some node may already have delivered
    // it.
    [[nodiscard]] bool obliged(Seq seq) const;

    // The representative starts the ring with retrans_flg set when it has messages to send.
    [[nodiscard]] bool announce();
    // A fresh token of the new ring, complete but for retrans_flg. True when every member is known
    // to hold everything: the ring is to be installed before the token is passed on.
    [[nodiscard]] bool visit(OrfToken& token, Seq own_aru);
    [[nodiscard]] Seq install_seq() const noexcept { return install_seq_; }

    // Moves the old ring's messages that arrived over the new ring into `old`, and learns from them
    // what must be delivered.
    void absorb(const Ordering& fresh, Ordering& old);
    // The forming ring is given up. Another member may have installed it already and have delivered
    // what it holds, so from now on this node must deliver the same.
    void give_up(const Ordering& fresh, Ordering& old);
    // The new ring is installed; nothing is owed any more.
    void finish();

    // This node has let a token pass that showed all of the old ring to be held by everybody.
    [[nodiscard]] bool proved() const noexcept { return rotations_ > 0; }
    // How many messages it must deliver whatever becomes of their senders.
    [[nodiscard]] std::size_t owed() const noexcept { return obliged_.size(); }
    // How many of the messages behind the first gap of `old` came from those who went along.
    [[nodiscard]] std::size_t behind_gap(const Ordering& old) const;

    void hash(Hasher& hasher) const;

  private:
    void oblige(Seq seq);

    RingId old_ring_;
    NodeList transitional_;
    Seq delivered_by_some_;
    Seq next_;  // next old message to look at
    Seq last_;  // the last one to send
    std::uint32_t remaining_ = 0;
    std::vector<Seq> obliged_;    // of earlier attempts, in no order
    std::vector<Seq> announced_;  // heard of in this attempt
    bool flag_is_mine_ = false;
    std::uint32_t quiet_visits_ = 0;  // my_retrans_flg_count
    std::uint32_t rotations_ = 0;     // my_rotation_counter
    Seq install_seq_;
};

}  // namespace totem
