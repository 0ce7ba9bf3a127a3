#include "totem/config/runtime_keys.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace totem::config {

namespace {

class Keys {
  public:
    void number(std::string name, KeyType type, std::uint64_t value) {
        keys_.push_back({std::move(name), type, value, std::to_string(value), 0});
    }
    void text(std::string name, std::string value) {
        keys_.push_back({std::move(name), KeyType::kString, 0, std::move(value), 0});
    }
    void running(std::string_view name, std::uint64_t value) {
        number("runtime.config.totem." + std::string{name}, KeyType::kU32, value);
    }
    std::vector<Key> sorted() && {
        std::sort(keys_.begin(), keys_.end(),
                  [](const Key& a, const Key& b) { return a.name < b.name; });
        return std::move(keys_);
    }

  private:
    std::vector<Key> keys_;
};

// What only kronosnet uses stands there too, with the values that corosync shows over udp and udpu.
void add_knet(std::uint32_t token, Keys& keys) {
    constexpr std::uint32_t kPongCount = 2;
    keys.running("interface.0.knet_ping_interval", token / (2 * kPongCount));
    keys.running("interface.0.knet_ping_timeout", token / kPongCount);
    keys.number("runtime.config.totem.knet_compression_level", KeyType::kI32, 0);
    keys.text("runtime.config.totem.knet_compression_model", "none");
    keys.running("knet_compression_threshold", 0);
    keys.running("knet_mtu", 0);
    keys.running("knet_pmtud_interval", 30);
}

void add_timers(const EffectiveTimers& timers, Keys& keys) {
    keys.running("token", timers.token);
    keys.running("token_warning", timers.token_warning);
    keys.running("token_retransmit", timers.token_retransmit);
    keys.running("token_retransmits_before_loss_const", timers.token_retransmits_before_loss);
    keys.running("hold", timers.hold);
    keys.running("join", timers.join);
    keys.running("send_join", timers.send_join);
    keys.running("consensus", timers.consensus);
    keys.running("merge", timers.merge);
    keys.running("downcheck", timers.downcheck);
    keys.running("fail_recv_const", timers.fail_recv_const);
    keys.running("seqno_unchanged_const", timers.seqno_unchanged_const);
    keys.running("heartbeat_failures_allowed", 0);
    keys.running("max_network_delay", timers.max_network_delay);
    keys.running("window_size", timers.window_size);
    keys.running("max_messages", timers.max_messages);
    keys.running("miss_count_const", timers.miss_count_const);
}

}  // namespace

std::vector<Key> runtime_keys(const ClusterConfig& config, const ResolvedConfig& resolved) {
    Keys keys;
    if (!config.nodes_are_members) {
        keys.number("nodelist.local_node_pos", KeyType::kU32,
                    resolved.nodes[resolved.local_index].pos);
    }
    keys.text("totem.interface.0.bindnetaddr", resolved.link.local.to_string());
    if (resolved.transport == Transport::kUdp) {
        keys.number("totem.interface.0.mcastport", KeyType::kU16, resolved.link.port);
        if (resolved.link.multicast) {
            keys.text("totem.interface.0.mcastaddr", resolved.link.multicast->to_string());
        }
    }
    add_timers(resolved.timers, keys);
    add_knet(resolved.timers.token, keys);
    keys.running("block_unlisted_ips", resolved.block_unlisted_ips ? 1 : 0);
    keys.running("cancel_token_hold_on_retransmit",
                 resolved.ring.cancel_token_hold_on_retransmit ? 1 : 0);
    return std::move(keys).sorted();
}

}  // namespace totem::config
