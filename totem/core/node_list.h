// A set of nodes that remembers the order in which they were added, since that is how proc and fail
// sets are sent (totem.md section 3); equality ignores order.
#pragma once

#include <algorithm>
#include <span>

#include "totem/core/fixed_vector.h"
#include "totem/core/types.h"

namespace totem {

class NodeList {
  public:
    NodeList() = default;
    explicit NodeList(std::span<const NodeId> nodes) {
        for (const NodeId node : nodes) {
            insert(node);
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
    [[nodiscard]] bool empty() const noexcept { return nodes_.empty(); }
    [[nodiscard]] bool full() const noexcept { return nodes_.full(); }
    [[nodiscard]] const NodeId* begin() const noexcept { return nodes_.begin(); }
    [[nodiscard]] const NodeId* end() const noexcept { return nodes_.end(); }
    [[nodiscard]] std::span<const NodeId> view() const noexcept { return nodes_.view(); }
    [[nodiscard]] NodeId operator[](std::size_t index) const { return nodes_[index]; }

    [[nodiscard]] bool contains(NodeId node) const noexcept {
        return std::ranges::find(nodes_.view(), node) != nodes_.view().end();
    }
    [[nodiscard]] bool contains_all(const NodeList& other) const noexcept {
        return std::ranges::all_of(other.view(), [this](NodeId node) { return contains(node); });
    }
    [[nodiscard]] bool contains_any(const NodeList& other) const noexcept {
        return std::ranges::any_of(other.view(), [this](NodeId node) { return contains(node); });
    }

    // False when it was there already. The list must not be full (checked) when it is new.
    bool insert(NodeId node) {
        if (contains(node)) {
            return false;
        }
        nodes_.push_back(node);
        return true;
    }
    // How many of `other` were new.
    std::size_t insert_all(const NodeList& other) {
        std::size_t added = 0;
        for (const NodeId node : other) {
            added += insert(node) ? 1U : 0U;
        }
        return added;
    }
    bool erase(NodeId node) {
        const auto found = std::ranges::find(nodes_.view(), node);
        if (found == nodes_.view().end()) {
            return false;
        }
        nodes_.erase(static_cast<std::size_t>(found - nodes_.view().begin()));
        return true;
    }
    void clear() noexcept { nodes_.clear(); }
    // Ascending order, the order of the token.
    void sort() { std::ranges::sort(nodes_.view()); }

    // The nodes of this list that are not in `other`, in this list's order.
    [[nodiscard]] NodeList minus(const NodeList& other) const {
        NodeList rest;
        for (const NodeId node : nodes_) {
            if (!other.contains(node)) {
                rest.nodes_.push_back(node);
            }
        }
        return rest;
    }

    friend bool operator==(const NodeList& a, const NodeList& b) noexcept {
        return a.size() == b.size() && a.contains_all(b);
    }

  private:
    FixedVector<NodeId, kProcessorsMax> nodes_;
};

}  // namespace totem
