// What a client process runs, apart from its process: a client of the daemon's doors and what it is
// for.
//
// The process (client_process.h) hands in what arrives and what is due, one step at a time, and
// performs what the program asks of the doors. A program object outlives the lives of its process.
#pragma once

#include <cstdint>
#include <optional>

#include "sim/record.h"
#include "totem/client/group_client.h"

namespace sim {

// What the daemon's host knows of the client that asks.
struct DaemonState {
    bool listening = false;      // alive and ready for clients
    bool stopped = false;        // it tells its clients to send no more messages for now
    std::uint32_t expected = 0;  // votes, as votequorum has them
};

// The way to the daemon. Answers to an action are handed in after the step that asked.
class Doors {
  public:
    Doors() = default;
    Doors(const Doors&) = delete;
    Doors& operator=(const Doors&) = delete;
    Doors(Doors&&) = delete;
    Doors& operator=(Doors&&) = delete;
    virtual ~Doors() = default;

    virtual void act(Instant now, const totem::client::Action& action) = 0;
};

class Program {
  public:
    Program() = default;
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    Program(Program&&) = delete;
    Program& operator=(Program&&) = delete;
    virtual ~Program() = default;

    // A life of the process begins (the first input, Open, follows) or ends without a word. `at`
    // says when, which life, and the ring of the news that is handed in.
    virtual void start(const GroupWhere& at) = 0;
    virtual void crash(const GroupWhere& at) = 0;
    virtual void step(const GroupWhere& at, const totem::client::Input& input, Doors& doors) = 0;
    // The moment at which it wants a Wake; absent: none.
    [[nodiscard]] virtual std::optional<Instant> deadline() const = 0;
    // What happens around the program, whether it runs or not, has happened up to `now`. The moment
    // at which something happens next; absent: nothing is under way.
    [[nodiscard]] virtual std::optional<Instant> settle(Instant /*now*/) { return std::nullopt; }
    // Before its deadlines and news are handed in.
    virtual void look(const DaemonState& /*daemon*/) {}
    // Something to send, when it is one that sends on demand and can; valid until the next step.
    [[nodiscard]] virtual std::optional<totem::client::Send> compose(const GroupWhere& at) = 0;

    [[nodiscard]] virtual const totem::client::GroupClient* client() const = 0;
    // Messages given to the client whose fate is not known yet.
    [[nodiscard]] virtual std::uint64_t open_sends() const { return 0; }
};

}  // namespace sim
