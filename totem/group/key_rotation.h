// Changes the key of a sealed ring while it runs: at every instant any two members understand each
// other, and whoever lacks the new key holds the change up instead of being cut off.
//
// A node whose configuration names another key accepts it at once and says so in total order. When
// every member of the ring has said so, all send with it; when every member sends with it, the old
// one is no longer accepted. As everybody judges by the same messages in the same order, a member
// that takes its word back (the administrator wants a third key) knows whether it came too late.
//
// It knows keys by their public names only and decides nothing about frames.
//
// Source: properties.md C5 and C7, decision 0003.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "totem/core/types.h"

namespace totem::group {

// Tells keys apart; public.
enum class KeyName : std::uint32_t {};

class KeyRotation {
  public:
    // What a member tells the others whenever it changes, and after each synchronisation.
    struct Announcement {
        KeyName sends{};
        std::optional<KeyName> next;  // accepted, and wanted instead

        friend bool operator==(const Announcement&, const Announcement&) = default;
    };
    // What is in force at this node: frames of both are accepted, `sends` is sent with.
    struct Keys {
        KeyName sends{};
        std::optional<KeyName> also;

        friend bool operator==(const Keys&, const Keys&) = default;
    };

    KeyRotation(NodeId self, KeyName key) : self_(self), sends_(key) {}

    // The configuration names this key now.
    void want(KeyName key);
    // A ring is installed: nobody has said anything in it yet. Ascending.
    void on_ring(std::span<const NodeId> members);
    // The ring can be spoken to: to_announce() has something.
    void on_sync_complete() { due_ = true; }
    void on_announcement(NodeId sender, const Announcement& said);

    // What the others must be told, until it is queued for the ring.
    [[nodiscard]] std::optional<Announcement> to_announce() const;
    void announced();

    [[nodiscard]] Keys keys() const;
    // Members that hold up the change; empty when there is none.
    [[nodiscard]] std::vector<NodeId> awaited() const;

    [[nodiscard]] std::uint64_t state_hash() const;

  private:
    enum class Stage : std::uint8_t {
        kSteady,
        kOffered,   // accepts next_
        kSwitched,  // sends with what was next_; accepts before_
    };

    [[nodiscard]] Announcement announcement() const;
    [[nodiscard]] bool ready(const Announcement& said) const;
    void advance();

    const NodeId self_;
    Stage stage_ = Stage::kSteady;
    KeyName sends_;
    KeyName next_{};
    KeyName before_{};
    std::optional<KeyName> wanted_;  // another one yet, once the change under way is decided
    std::vector<NodeId> members_;
    std::map<NodeId, Announcement> said_;
    bool due_ = false;
    std::uint32_t on_their_way_ = 0;  // own announcements that this node has not delivered
};

}  // namespace totem::group
