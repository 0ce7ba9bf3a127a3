// Ground truth about the replicated filesystem: every state that any replica was ever in, as a tree
// of places; where each replica and each disk is in it; what was asked and acknowledged.
//
// No node knows this; only the world does. Checkers ask it.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "sim/file_record.h"

namespace sim {

class FileLedger {
  public:
    // A place in the tree; kRoot is the empty tree.
    enum class Ref : std::uint32_t {};
    static constexpr Ref kRoot{0};

    struct Step {
        FilePlace place;
        Ref parent = kRoot;
        std::uint32_t branch = 0;  // steps without a sibling between them share one
        std::uint64_t ticket = 0;  // its operation's; 0: no caller's
        std::uint8_t kind = 0;
    };
    struct Wish {
        WishBytes bytes;
        std::uint32_t node = 0;
        std::uint64_t acknowledged_before = 0;  // index of the last one then
        std::optional<cfs::Refusal> refusal;    // answered so
        std::vector<Ref> applied;               // where it had its turn: once in every branch
    };
    struct Replica {
        bool alive = false;
        Ref applied = kRoot;
        Ref durable = kRoot;        // on its disk
        std::uint64_t promise = 0;  // on its disk
    };
    struct Epoch {
        Ref parent = kRoot;     // of its first operation
        NodeMask promised = 0;  // disks that ever held this very promise
    };

    explicit FileLedger(std::uint32_t nodes);

    void on(const FilesStarted& event);
    void on(const FilesFailed& event);
    void on(const FileAsked& event);
    void on(const FileAnswered& event);
    void on(const FileApplied& event);
    void on(const FileAdopted& event);
    void on(const FileStored& event);
    void on(const FileVotes& event);

    // ---- the tree of places --------------------------------------------------------------------
    [[nodiscard]] const Step& step(Ref ref) const { return steps_[static_cast<std::size_t>(ref)]; }
    // Absent: no replica was ever there.
    [[nodiscard]] std::optional<Ref> find(const FilePlace& place) const;
    // Whether `later` is `earlier` or comes after it.
    [[nodiscard]] bool follows(Ref later, Ref earlier) const;
    [[nodiscard]] bool related(Ref a, Ref b) const { return follows(a, b) || follows(b, a); }
    // Whether the step that was published last was new, and began a new epoch.
    [[nodiscard]] bool fresh() const noexcept { return fresh_; }
    [[nodiscard]] bool began_epoch() const noexcept { return began_epoch_; }
    [[nodiscard]] std::size_t steps() const noexcept { return steps_.size() - 1; }

    // ---- replicas, wishes, epochs --------------------------------------------------------------
    [[nodiscard]] const Replica& replica(std::uint32_t node) const { return replicas_.at(node); }
    [[nodiscard]] const Wish* wish(std::uint64_t ticket) const;
    // Where the wish had its turn in the history that the node has; absent: nowhere.
    [[nodiscard]] std::optional<Ref> turn(const Wish& wish, std::uint32_t node) const;
    [[nodiscard]] const std::map<std::uint64_t, Wish>& wishes() const noexcept { return wishes_; }
    [[nodiscard]] const Epoch* epoch(std::uint64_t number) const;
    // Who holds it on stable storage.
    [[nodiscard]] NodeMask holders(Ref ref) const;
    // By the votes as configured.
    [[nodiscard]] bool sufficient(NodeMask nodes) const;

    // The furthest place that was acknowledged, and the epoch in which that was.
    [[nodiscard]] Ref acknowledged() const noexcept { return acknowledged_; }
    [[nodiscard]] std::uint64_t acknowledged_epoch() const noexcept { return acknowledged_epoch_; }
    [[nodiscard]] std::uint64_t acknowledgements() const noexcept { return acknowledgements_; }
    [[nodiscard]] std::uint32_t last_acknowledger() const noexcept { return last_acknowledger_; }
    [[nodiscard]] std::size_t epochs() const noexcept { return epochs_.size(); }
    // Every node lost its power since then.
    [[nodiscard]] bool power_cut_since() const noexcept;
    // False from when an administrator lowered the votes, or so many disks lost what was on them
    // that the rest are sufficient without any that has what was promised and acknowledged. Then
    // nobody can promise anything of what went before (properties.md Q9).
    [[nodiscard]] bool trusted() const noexcept { return trusted_; }

  private:
    Ref put(const FilePlace& before, const FilePlace& after);
    Ref known(const FilePlace& place);
    Epoch& begin(const cfs::Position& position, Ref parent);
    void weigh_loss(NodeMask node);

    std::uint32_t nodes_;
    std::vector<Step> steps_;
    struct Branch {
        Ref from = kRoot;  // the last step of another branch before it
        Ref tip = kRoot;
    };
    std::vector<Branch> branches_;
    // By index, then the digest's first word.
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::vector<Ref>> found_;
    std::vector<Replica> replicas_;
    std::map<std::uint64_t, Wish> wishes_;
    std::map<std::uint64_t, Epoch> epochs_;
    Ref acknowledged_ = kRoot;
    std::uint64_t acknowledged_epoch_ = 0;
    std::uint64_t acknowledgements_ = 0;
    std::uint32_t last_acknowledger_ = 0;
    NodeMask cut_since_ = 0;  // the power of these
    bool trusted_ = true;
    bool fresh_ = false;
    bool began_epoch_ = false;
};

// For evidence.
[[nodiscard]] std::string text(const cfs::Position& position);
[[nodiscard]] std::string text(const FilePlace& place);

}  // namespace sim
