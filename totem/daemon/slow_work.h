// Names what takes too long. Other threads wait for disks so that the protocol does not; this tells
// the administrator what they wait for, while they still do.
//
// All calls from the loop's thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>

#include <boost/asio/steady_timer.hpp>

namespace totem::daemon {

class SlowWork {
  public:
    static constexpr std::chrono::seconds kPatience{1};

    using Say = std::function<void(const std::string& text)>;
    SlowWork(boost::asio::io_context& io, Say say);

    // `what` reads like "writing /var/lib/corosync/ringid_1"; one that is under way goes on.
    void begin(const std::string& what);
    // Nothing, when it is not under way.
    void end(const std::string& what);

  private:
    using Clock = std::chrono::steady_clock;
    struct Work {
        Clock::time_point since;
        bool told = false;
    };

    void wait();
    void look();

    boost::asio::steady_timer timer_;
    const Say say_;
    std::map<std::string, Work> under_way_;
};

}  // namespace totem::daemon
