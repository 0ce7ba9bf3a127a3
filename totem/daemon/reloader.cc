#include "totem/daemon/reloader.h"

#include <memory>
#include <utility>

#include <boost/asio/post.hpp>

#include "totem/process/process.h"

namespace totem::daemon {

Reloader::Reloader(boost::asio::io_context& io, const Configuration& running,
                   ConfigurationSource source, Done done)
    : io_(io), running_(running), source_(std::move(source)), done_(std::move(done)) {}

Reloader::~Reloader() {
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Reloader::start(std::uint32_t token) {
    if (busy_) {
        waiting_.push_back(token);
        return;
    }
    busy_ = true;
    if (thread_.joinable()) {
        thread_.join();  // it has posted its result and is all but over
    }
    thread_ = std::thread([this, token, running = running_] {
        process::become_helper("totemd-reload");
        auto outcome = std::make_shared<Outcome>(reload_configuration(running, source_));
        boost::asio::post(io_, [this, token, outcome] { finish(token, *outcome); });
    });
}

void Reloader::finish(std::uint32_t token, Outcome& outcome) {
    done_(token, outcome);
    busy_ = false;
    if (!waiting_.empty()) {
        const std::uint32_t next = waiting_.front();
        waiting_.pop_front();
        start(next);
    }
}

}  // namespace totem::daemon
