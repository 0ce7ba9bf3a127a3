// Reads the configuration again while the daemon runs: on a thread of its own, since files and the
// resolver may take seconds, one reload after the other.
//
// Source: config.md 13.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <thread>

#include <boost/asio/io_context.hpp>

#include "totem/daemon/configuration.h"

namespace totem::daemon {

class Reloader {
  public:
    using Outcome = Result<Reloaded, ConfigurationErrors>;
    // Called from the loop.
    using Done = std::function<void(std::uint32_t token, Outcome& outcome)>;

    // `running` is what the node runs with when a reload begins. Both it and `io` must outlive
    // this.
    Reloader(boost::asio::io_context& io, const Configuration& running, ConfigurationSource source,
             Done done);
    ~Reloader();  // waits for the one that is under way
    Reloader(const Reloader&) = delete;
    Reloader& operator=(const Reloader&) = delete;
    Reloader(Reloader&&) = delete;
    Reloader& operator=(Reloader&&) = delete;

    // `token` comes back with the outcome.
    void start(std::uint32_t token);

  private:
    void finish(std::uint32_t token, Outcome& outcome);

    boost::asio::io_context& io_;
    const Configuration& running_;
    const ConfigurationSource source_;
    const Done done_;
    std::thread thread_;
    bool busy_ = false;
    std::deque<std::uint32_t> waiting_;
};

}  // namespace totem::daemon
