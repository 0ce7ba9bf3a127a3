// An ordered set of entries whose old versions stay readable: a treap whose nodes are shared.
//
// share() gives a second index over the same nodes in constant time; from then on a change on
// either side copies the nodes on its path that the other may still see, and changes in place those
// that it made itself since. So many changes between two snapshots cost little more than in a plain
// tree, and a reader in another thread needs no lock: nodes that it can reach are never written
// again.
//
// Which node is whose is told by a number, not by reference counts: every node carries the edit in
// which it was made, and share() starts a new edit. Priorities come from the inode, so equal sets
// have equal shapes on every replica.
//
// `Order` says what entries are ordered by: a type Key, key(const Entry&) -> Key, Key's operator<,
// and a type Total with `void set(const Total* left, const Entry&, const Total* right)`.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "cfs/core/entry.h"
#include "totem/core/check.h"

namespace cfs {

template <typename Order>
class EntryIndex {
  public:
    using Key = typename Order::Key;
    using Total = typename Order::Total;

    // A second index of the same entries; both may change from here on.
    [[nodiscard]] EntryIndex share() {
        ++edit_;
        return EntryIndex(root_, edit_);
    }

    EntryIndex() = default;
    EntryIndex(EntryIndex&&) noexcept = default;
    EntryIndex& operator=(EntryIndex&&) noexcept = default;
    // Copying would let two indexes write the same nodes.
    EntryIndex(const EntryIndex&) = delete;
    EntryIndex& operator=(const EntryIndex&) = delete;
    ~EntryIndex() = default;

    // Null when there is none. The entry lives as long as this index does not change.
    [[nodiscard]] const EntryRef* find(const Key& key) const {
        const Node* at = root_.get();
        while (at != nullptr) {
            const Key here = Order::key(*at->entry);
            if (key < here) {
                at = at->left.get();
            } else if (here < key) {
                at = at->right.get();
            } else {
                return &at->entry;
            }
        }
        return nullptr;
    }

    // Adds the entry, or puts it in the place of the same inode's older version.
    void put(const EntryRef& entry) { put(root_, entry, priority_of(*entry)); }

    // Removes what must be there.
    void erase(const Key& key) { erase(root_, key); }

    // Calls visit(entry) for keys from `from` on, in order, until it returns false.
    template <typename Visit>
    void visit_from(const Key& from, Visit&& visit) const {
        visit_from(root_.get(), from, visit);
    }

    // Calls on_total(total) or on_entry(entry) so that together they cover [from, to) once.
    template <typename OnTotal, typename OnEntry>
    void cover(const Key& from, const Key& to, OnTotal&& on_total, OnEntry&& on_entry) const {
        cover(root_.get(), Range{&from, &to}, on_total, on_entry);
    }

    [[nodiscard]] const Total& total() const noexcept {
        static constexpr Total kNothing{};
        return root_ ? root_->total : kNothing;
    }

  private:
    struct Node;
    using NodeRef = std::shared_ptr<Node>;
    struct Node {
        EntryRef entry;
        NodeRef left, right;
        std::uint64_t priority = 0;
        std::uint64_t edit = 0;
        Total total{};
    };
    struct Range {
        const Key* from;  // null: no bound
        const Key* to;
    };

    EntryIndex(NodeRef root, std::uint64_t edit) : root_(std::move(root)), edit_(edit) {}

    // splitmix64's finisher: a bijection, so no two inodes have one priority.
    static std::uint64_t priority_of(const Entry& entry) noexcept {
        std::uint64_t x = raw(entry.inode) + 0x9E3779B97F4A7C15U;
        x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
        x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
        return x ^ (x >> 31U);
    }

    void own(NodeRef& node) const {
        if (node->edit != edit_) {
            node = std::make_shared<Node>(*node);
            node->edit = edit_;
        }
    }

    static void sum(Node& node) {
        node.total.set(node.left ? &node.left->total : nullptr, *node.entry,
                       node.right ? &node.right->total : nullptr);
    }

    void put(NodeRef& at, const EntryRef& entry, std::uint64_t priority) {
        if (!at) {
            at = std::make_shared<Node>();
            at->entry = entry;
            at->priority = priority;
            at->edit = edit_;
            sum(*at);
            return;
        }
        own(at);
        const Key key = Order::key(*entry);
        const Key here = Order::key(*at->entry);
        if (key < here) {
            put(at->left, entry, priority);
            rotate_if_above(at, at->left, &Node::right);
        } else if (here < key) {
            put(at->right, entry, priority);
            rotate_if_above(at, at->right, &Node::left);
        } else {
            TOTEM_CHECK(at->entry->inode == entry->inode);
            at->entry = entry;
        }
        sum(*at);
    }

    // `child` of `at` was just put into and is owned. If it belongs above, it takes at's place and
    // gives it its own child on side `inner`.
    static void rotate_if_above(NodeRef& at, NodeRef& child, NodeRef Node::*inner) {
        if (child->priority <= at->priority) {
            return;
        }
        NodeRef up = std::move(child);
        child = std::move((*up).*inner);  // at's link on the side that up left
        sum(*at);
        (*up).*inner = std::move(at);
        at = std::move(up);
    }

    void erase(NodeRef& at, const Key& key) {
        TOTEM_CHECK(at);
        const Key here = Order::key(*at->entry);
        if (key < here) {
            own(at);
            erase(at->left, key);
        } else if (here < key) {
            own(at);
            erase(at->right, key);
        } else {
            at = merge(at->left, at->right);
            return;
        }
        sum(*at);
    }

    NodeRef merge(NodeRef left, NodeRef right) {
        if (!left || !right) {
            return left ? left : right;
        }
        if (left->priority > right->priority) {
            own(left);
            left->right = merge(left->right, std::move(right));
            sum(*left);
            return left;
        }
        own(right);
        right->left = merge(std::move(left), right->left);
        sum(*right);
        return right;
    }

    template <typename Visit>
    static bool visit_from(const Node* at, const Key& from, Visit& visit) {
        if (at == nullptr) {
            return true;
        }
        if (Order::key(*at->entry) < from) {
            return visit_from(at->right.get(), from, visit);
        }
        return visit_from(at->left.get(), from, visit) && visit(at->entry) &&
               visit_from(at->right.get(), from, visit);
    }

    template <typename OnTotal, typename OnEntry>
    static void cover(const Node* at, Range range, OnTotal& on_total, OnEntry& on_entry) {
        if (at == nullptr) {
            return;
        }
        if (range.from == nullptr && range.to == nullptr) {
            on_total(at->total);
            return;
        }
        const Key here = Order::key(*at->entry);
        const bool after_from = range.from == nullptr || !(here < *range.from);
        const bool before_to = range.to == nullptr || here < *range.to;
        if (after_from) {
            cover(at->left.get(), {range.from, before_to ? nullptr : range.to}, on_total, on_entry);
        }
        if (after_from && before_to) {
            on_entry(*at->entry);
        }
        if (before_to) {
            cover(at->right.get(), {after_from ? nullptr : range.from, range.to}, on_total,
                  on_entry);
        }
    }

    NodeRef root_;
    std::uint64_t edit_ = 0;
};

}  // namespace cfs
