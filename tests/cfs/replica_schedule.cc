#include "tests/cfs/replica_schedule.h"

#include <algorithm>
#include <variant>

#include "cfs/core/messages.h"
#include "tests/cfs/cluster.h"
#include "tests/cfs/draws.h"

namespace cfs::testing {

namespace {

class Schedule {
  public:
    Schedule(std::uint64_t seed, const ClusterOptions& options)
        : draws_(seed), cluster_(options), nodes_(options.nodes) {
        for (const std::uint32_t node : nodes_) {
            cluster_.start(node);
        }
    }

    ScheduleResult run(std::size_t steps) {
        for (std::size_t i = 0; i < steps && cluster_.broken.empty(); ++i) {
            one();
        }
        end();
        ScheduleResult result{cluster_.broken, cluster_.answered, 0, cluster_.status(1).epoch};
        for (std::uint64_t ticket = 1; ticket <= made_; ++ticket) {
            result.acknowledged += cluster_.done(ticket) ? 1 : 0;
        }
        return result;
    }

  private:
    std::uint32_t any() { return nodes_[draws_.below(nodes_.size())]; }

    void one() {
        const std::uint64_t what = draws_.below(1000);
        if (what < 940) {
            act_or_wait();
        } else if (what < 992) {
            write(any());
        } else {
            trouble(any());
        }
    }

    void act_or_wait() {
        if (draws_.below(150) == 0) {
            Cluster::Node& relieved = cluster_.node(any());
            relieved.paused = relieved.deaf = false;
            relieved.disk_stuck = relieved.disk_full = false;
            if (!relieved.up) {
                cluster_.power_on(raw(relieved.id));
            } else if (!relieved.replica) {
                cluster_.start(raw(relieved.id));
            }
        }
        if (draws_.below(40) == 0 || !cluster_.act(draws_.below(1U << 20U))) {
            cluster_.next_instant(cluster_.now + milliseconds{draws_.below(400)});
        }
    }

    void write(std::uint32_t node) {
        if (cluster_.node(node).replica) {
            made_ = cluster_.make(node, "f" + std::to_string(made_ + 1));
        }
    }

    void trouble(std::uint32_t node) {
        Cluster::Node& chosen = cluster_.node(node);
        switch (draws_.below(9)) {
            case 0:
                chosen.paused = !chosen.paused;
                break;
            case 1:
                chosen.deaf = !chosen.deaf;
                break;
            case 2:
                chosen.disk_stuck = !chosen.disk_stuck;
                break;
            case 3:
                restart(node);
                break;
            case 4:
                power(node);
                break;
            case 5:
                chosen.disk_full = !chosen.disk_full;
                break;
            case 6:
            case 7:
                split();
                break;
            default:
                cluster_.heal(draws_.below(1U << 20U));
                break;
        }
    }

    void restart(std::uint32_t node) {
        if (cluster_.node(node).replica) {
            cluster_.kill(node);
        } else if (cluster_.node(node).up) {
            cluster_.start(node);
        }
    }

    void power(std::uint32_t node) {
        if (draws_.below(6) == 0) {
            for (const std::uint32_t each : nodes_) {
                if (cluster_.node(each).up) {
                    cluster_.power_cut(each, draws_.below(2) == 0);
                }
            }
        } else if (cluster_.node(node).up) {
            cluster_.power_cut(node, draws_.below(2) == 0);
        } else {
            cluster_.power_on(node);
        }
    }

    void split() {
        std::vector<std::vector<std::uint32_t>> parts(2);
        for (const std::uint32_t node : nodes_) {
            parts[draws_.below(2)].push_back(node);
        }
        cluster_.split(parts, draws_.below(1U << 20U));
    }

    // All is well again; then all must agree, be writable, and have what was acknowledged.
    void end() {
        for (const std::uint32_t node : nodes_) {
            Cluster::Node& each = cluster_.node(node);
            each.paused = each.deaf = each.disk_stuck = each.disk_full = false;
            if (!each.up) {
                cluster_.power_on(node);
            } else if (!each.replica) {
                cluster_.start(node);
            }
        }
        cluster_.heal();
        cluster_.run(milliseconds{15000});
        if (!cluster_.broken.empty()) {
            return;
        }
        for (const std::uint32_t node : nodes_) {
            if (!cluster_.replica(node).writable()) {
                cluster_.broken = "L8: node " + std::to_string(node) +
                                  " is not writable: " + to_string(cluster_.status(node).obstacle);
                return;
            }
        }
        made_ = cluster_.make(nodes_.front(), "last");
        cluster_.run(milliseconds{500});
        if (!cluster_.done(made_)) {
            cluster_.broken = "L8: the last write was not done";
        }
        cluster_.check_final();
    }

    Draws draws_;
    Cluster cluster_;
    std::vector<std::uint32_t> nodes_;
    std::uint64_t made_ = 0;
};

}  // namespace

namespace {

// Node 3 did not get the others' last messages, and they did not get its own.
void lose_last_messages(Cluster& cluster) {
    for (const std::uint32_t id : {1U, 2U, 3U}) {
        std::erase_if(cluster.node(id).inbox, [&](const Cluster::Event& event) {
            return !event.view && (event.sender.node == NodeId{3}) != (id == 3);
        });
    }
}

}  // namespace

std::string run_power_cut_of_all() {
    Cluster cluster;
    for (const std::uint32_t id : {1U, 2U, 3U}) {
        cluster.start(id);
    }
    cluster.run(milliseconds{100});
    cluster.node(3).deaf = true;
    const auto acknowledged = cluster.make(1, "acknowledged");
    cluster.run(milliseconds{200});
    if (!cluster.done(acknowledged)) {
        return "the write was not acknowledged";
    }
    cluster.node(1).deaf = cluster.node(2).deaf = true;
    cluster.make(3, "alone");
    cluster.run(milliseconds{1});
    cluster.split({{1, 2}, {3}});
    lose_last_messages(cluster);
    cluster.node(1).deaf = cluster.node(2).deaf = cluster.node(3).deaf = false;
    cluster.run(milliseconds{20});
    for (const std::uint32_t id : {1U, 2U, 3U}) {
        cluster.power_cut(id);
    }
    cluster.power_on(2);
    cluster.power_on(3);
    cluster.split({{2, 3}});
    cluster.run(milliseconds{1000});
    if (!cluster.broken.empty()) {
        return cluster.broken;
    }
    for (const std::uint32_t id : {2U, 3U}) {
        if (!cluster.replica(id).writable()) {
            return std::string("S7: nobody can tell: ") + to_string(cluster.status(id).obstacle);
        }
        if (!cluster.has(id, "acknowledged")) {
            return "S3: /acknowledged is lost";
        }
    }
    return "";
}

namespace {

// What 5 has said last in the view that its ring has now.
Cluster::Event last_hello(Cluster& cluster) {
    const auto& log = cluster.node(5).ring->log;
    const auto said = std::find_if(log.rbegin(), log.rend(), [](const Cluster::Event& event) {
        if (event.view || event.sender.node != NodeId{5}) {
            return false;
        }
        const auto message = decode_message(event.bytes);
        return message && std::holds_alternative<Hello>(*message);
    });
    return said == log.rend() ? Cluster::Event{} : *said;
}

}  // namespace

std::string run_old_hello() {
    ClusterOptions options;
    options.nodes = {1, 2, 3, 4, 5};
    Cluster cluster(options);
    for (const std::uint32_t id : options.nodes) {
        cluster.start(id);
    }
    cluster.run(milliseconds{100});
    const Cluster::Event old = last_hello(cluster);
    cluster.node(1).disk_stuck = cluster.node(2).disk_stuck = true;
    const auto acknowledged = cluster.make(5, "acknowledged");
    cluster.run(milliseconds{200});
    if (!cluster.done(acknowledged) || old.bytes.empty()) {
        return "the write was not acknowledged";
    }
    for (const std::uint32_t id : {3U, 4U, 5U}) {
        cluster.node(id).paused = true;
    }
    for (const std::uint32_t id : {1U, 2U}) {
        cluster.node(id).disk_full = true;
        cluster.node(id).disk_stuck = false;
    }
    cluster.run(milliseconds{100});
    cluster.node(1).disk_full = cluster.node(2).disk_full = false;
    while (!cluster.node(1).joined || !cluster.node(2).joined) {
        cluster.settle();
        if (!cluster.next_instant(cluster.now + milliseconds{3000})) {
            return "the full disks did not come back";
        }
    }
    cluster.node(5).ring->log.push_back(old);
    cluster.run(milliseconds{1000});
    cluster.node(5).paused = false;
    cluster.run(milliseconds{8000});
    cluster.node(3).paused = cluster.node(4).paused = false;
    cluster.run(milliseconds{8000});
    if (cluster.broken.empty() && !cluster.all_writable()) {
        return std::string("L8: not writable: ") + to_string(cluster.status(5).obstacle);
    }
    cluster.check_final();
    return cluster.broken;
}

ScheduleResult run_schedule(std::uint64_t seed, std::size_t steps) {
    ClusterOptions options;
    const std::size_t size = 2 + seed % 4;  // 2 to 5 nodes
    options.nodes.clear();
    for (std::uint32_t node = 1; node <= size; ++node) {
        options.nodes.push_back(node);
    }
    options.always_quorate = seed % 3 == 0;
    options.disk = milliseconds{1 + seed % 20};
    return Schedule(seed, options).run(steps);
}

}  // namespace cfs::testing
